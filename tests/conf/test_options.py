"""An option is one entry: its check, its scope, and its sentence in both languages."""

import re
from dataclasses import replace

from tests.catalogue import PACKAGE
from tests.tables import each, none_of
from wx_static_store.conf.options import OPTIONS, Options
from wx_static_store.conf.options.entries import Scope
from wx_static_store.core.secrets import Secret
from wx_static_store.upload.platform import platform_for

HERE = Options(env="env-1", access_token=Secret("token"))


@each("name", OPTIONS)
def test_an_option_is_explained_in_both_languages(name: str) -> None:
    entry = OPTIONS[name]
    assert entry.sentence.endswith(".")


def test_every_option_is_read() -> None:
    paths = (path for path in PACKAGE.rglob("*.py") if path.parent.name != "options")
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    unread = [name for name in OPTIONS if not re.search(rf"[.\"]{name}\b", text)]
    none_of(f"No module of the package reads the option {name}: read it" for name in unread)


@each("name", OPTIONS)
def test_the_scope_of_an_option_decides_whether_stores_share_it(name: str) -> None:
    other = replace(HERE, **{name: "another value"})
    assert (other.shared == HERE.shared) is (OPTIONS[name].scope is Scope.STORE)


def test_stores_that_differ_in_all_their_own_options_share_a_platform() -> None:
    own = [name for name, entry in OPTIONS.items() if entry.scope is Scope.STORE]
    other = replace(
        HERE, kind="static", url_prefix="https://a.example/", **dict.fromkeys(own, "another value")
    )
    assert platform_for(other) is platform_for(HERE)


def test_stores_that_differ_in_an_option_of_the_platform_share_none() -> None:
    assert platform_for(replace(HERE, read_timeout=7.0)) is not platform_for(HERE)
