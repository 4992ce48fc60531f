"""*Something does not work* has an entry for each code that a hint or a check names."""

import re
from typing import Any

import pytest
from django.core.checks import run_checks
from django.utils.translation import override

from docs.from_code import text_of
from docs.from_code.causes import FACTS
from tests.tables import each
from wx_static_store.causes import CAUSES, Cause, docs_place, every_entry
from wx_static_store.conf.check_table import CHECKS, message
from wx_static_store.exceptions import UploadFailed

from .blocks import DOCS

PAGES = {page: f"causes {page}" for page in ("errcodes", "cos", "network", "exceptions", "checks")}
PAGES["doctor"] = "doctor"
HELP = {"WX_STATIC_STORE": {"DOCS_URL": "https://docs.example/zh"}}


def anchors(page: str, language: str = "en") -> list[str]:
    return re.findall(r"^\.\. anchor:: (\S+)$", text_of(PAGES[page], language), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_the_entries(page: str) -> None:
    text = (DOCS / f"troubleshooting/{page}.rst").read_text("utf-8")
    assert f".. from-code:: {PAGES[page]}\n" in text


@pytest.mark.parametrize("page", PAGES)
def test_an_entry_has_the_same_address_in_both_languages(page: str) -> None:
    assert anchors(page) == anchors(page, "zh-hans")


# A refusal says what to do by itself, and has no page.
@each("entry", [entry for entry in every_entry() if entry.page])
def test_the_address_of_an_entry_is_in_its_page(entry: Cause, configure: Any) -> None:
    configure(**HELP)
    place, _hash, anchor = docs_place(entry.id).partition("#")
    assert place == f"https://docs.example/zh/troubleshooting/{entry.page}.html"
    assert anchor in anchors(entry.page)


@each("id", CHECKS)
def test_a_check_without_an_address_names_the_command_that_explains_it(id: str) -> None:
    found = message(id, **FACTS)
    assert str(found.hint).endswith(f" More: manage.py wx_explain {id}")


def test_every_check_of_the_app_is_in_the_table(settings: Any) -> None:
    settings.WX_STATIC_STORE = {}
    found = run_checks(tags=["wx_static_store"], include_deployment_checks=True)
    assert found
    assert {str(each.id).removeprefix("wx_static_store.") for each in found} <= {*CHECKS}


def test_wrong_settings_do_not_hide_the_error_that_they_cause(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"DOCS_URL": "no address"}
    assert docs_place("E004") == ""


def test_a_chinese_hint_names_the_command_in_chinese() -> None:
    error = UploadFailed("x", cause="40013", hint=CAUSES["40013"].operator)
    with override("zh-hans"):
        assert error.full_hint.endswith("（详情：manage.py wx_explain 40013）")
