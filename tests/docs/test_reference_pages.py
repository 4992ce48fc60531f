"""The reference is made from the code, and each of its texts can be written in both languages."""

import re
from typing import Any

import pytest

from docs.from_code import permissions, text_of
from docs.from_code.log import MEANINGS
from tests.tables import each, none_of
from wx_static_store.staticfiles import WxManifestStaticFilesStorage, WxStaticFilesStorage
from wx_static_store.storage import WxStorage

from .blocks import DOCS

PAGES = {path: path.read_text("utf-8") for path in sorted(DOCS.glob("**/*.rst"))}
CALLS = re.findall(r"^\.\. from-code:: ([\w -]+)$", "\n".join(PAGES.values()), re.MULTILINE)
USED = {call.split()[0].replace("-", "_") for call in CALLS}
HELPERS = {"__init__", "directive", "entries"}
MODULES = {path.stem for path in (DOCS / "from_code").glob("*.py")} - HELPERS


def test_each_module_is_on_a_page_and_no_page_names_another() -> None:
    assert USED == MODULES


@each("language", ["en", "zh-hans"])
@each("call", CALLS)
def test_a_text_is_written_without_an_empty_part(call: str, language: str) -> None:
    text = text_of(call, language)
    assert len(text) > 100
    assert "%(" not in text
    assert "None" not in re.sub(r"``.*?``|If-None-Match", "", text)


@pytest.mark.parametrize("model", MEANINGS)
def test_every_column_of_the_log_has_a_meaning(model: type[Any]) -> None:
    hidden = {"id", "key_digest", "key_start", "folder_digest", "position", "touched", "wave_ended"}
    hidden |= {"asked", "heard"}
    columns = {field.name for field in model._meta.fields} - hidden
    place = f"MEANINGS[{model.__name__}] in docs/from_code/log.py"
    none_of(f"Say what {name} means in {place}" for name in columns - {*MEANINGS[model]})
    none_of(
        f"Take {name}, which is no column, out of {place}" for name in {*MEANINGS[model]} - columns
    )


def test_every_permission_says_what_it_allows() -> None:
    assert {*permissions.ALLOWS} == {*permissions._names()}


@pytest.mark.parametrize("storage", [WxStorage, WxStaticFilesStorage, WxManifestStaticFilesStorage])
def test_every_method_of_django_that_a_storage_changes_is_documented(storage: type[Any]) -> None:
    page = PAGES[DOCS / "reference/storages.rst"]
    section = page.split(f"\n{storage.__name__}\n===")[1].split("\n\n\n")[0]
    above = {name for parent in storage.__mro__[1:] for name in vars(parent)}
    changed = {name for name in vars(storage) if callable(vars(storage)[name])} & above
    internal = {"get_available_name", "is_name_available"}
    public = {name.removeprefix("_") for name in changed if not name.startswith("__")} - internal
    assert {name for name in public if f"``{name}(" not in section} - {"publish_all"} == set()
