"""What an option is: its scope, and whether a `repr` may show its value."""

from dataclasses import dataclass

from wx_static_store.conf.entries import SETTINGS, Scope, option


@dataclass(frozen=True)
class Sample:
    shown: str = option("seen", SETTINGS, str, "A text.", "文本。")
    hidden: str = option("canary-secret", SETTINGS, str, "A text.", "文本。", secret=True)


def test_a_repr_shows_an_option_but_no_secret_one() -> None:
    assert repr(Sample()) == "Sample(shown='seen')"


def test_each_scope_is_named_in_both_languages() -> None:
    assert all(len({*scope.value}) == 2 for scope in Scope)
