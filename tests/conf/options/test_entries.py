"""What an option is: its scope, and whether a `repr` may show its value."""

from dataclasses import dataclass

from wx_static_store.conf.options.entries import in_settings


@dataclass(frozen=True)
class Sample:
    shown: str = in_settings("seen", str, "A text.")
    hidden: str = in_settings("canary-secret", str, "A text.", secret=True)


def test_a_repr_shows_an_option_but_no_secret_one() -> None:
    assert repr(Sample()) == "Sample(shown='seen')"
