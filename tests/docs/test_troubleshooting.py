"""*Something does not work* has an entry for each address that a hint or a check names."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.utils.translation import override
from wx_static_store.core.errcodes import ERRCODES
from wx_static_store.log.advice import hint

from docs.from_code import checks, cos_codes, doctor, errcodes, exceptions, text_of
from tests.tables import each, none_of
from wx_static_store import i18n
from wx_static_store.clients.cos import COS_CODES
from wx_static_store.conf.check_table import CHECKS, message
from wx_static_store.exceptions import ConfigurationError, UploadFailed, WxStaticStoreError
from wx_static_store.health.doctor.findings import Check, Result, wrong
from wx_static_store.health.doctor.report import lines
from wx_static_store.health.doctor.table import CHECKS as CHECKS_OF_DOCTOR
from wx_static_store.models import UploadLog

from .blocks import DOCS

PAGES = {
    "errcodes": errcodes,
    "cos": cos_codes,
    "checks": checks,
    "doctor": doctor,
    "exceptions": exceptions,
}
NAMED = re.compile(r" Docs: troubleshooting/(\w+)#(\S+)$")


def anchors(page: str) -> set[str]:
    return {*re.findall(r"^\.\. anchor:: (\S+)$", PAGES[page].text(), re.MULTILINE)}


def is_there(text: str) -> bool:
    """Say whether the text ends with the address of an entry."""
    found = NAMED.search(text)
    return bool(found and found[2] in anchors(found[1]))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_the_entries(page: str) -> None:
    name = PAGES[page].__name__.rpartition(".")[2].replace("_", "-")
    assert f".. from-code:: {name}" in (DOCS / f"troubleshooting/{page}.rst").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_an_entry_has_the_same_address_in_both_languages(page: str) -> None:
    name = PAGES[page].__name__.rpartition(".")[2]
    english, chinese = (
        re.findall(r"^\.\. anchor:: .*$", text_of(name, language), re.MULTILINE)
        for language in ("en", "zh-hans")
    )
    assert english == chinese


@each("check", CHECKS_OF_DOCTOR)
def test_a_hint_of_the_doctor_ends_with_the_entry_of_its_check(check: Check) -> None:
    _line, hint = lines(Result(check, (wrong("It is not well."),)))
    assert is_there(hint)


EXPLAINED = [code for _why, of in errcodes.MEANINGS for code in of]


@each("errcode", [*EXPLAINED, 123456])
def test_the_hint_of_an_errcode_ends_with_its_entry(errcode: int) -> None:
    row = UploadLog(status="failed", errcode=errcode)
    assert is_there(hint(row))
    assert NAMED.search(hint(row))[2] in (f"errcode-{errcode}", "errcode-other")  # type: ignore[index]


@each("code", [*COS_CODES, "NotListed"])
def test_the_hint_of_a_cos_code_ends_with_its_entry(code: str) -> None:
    assert is_there(hint(UploadLog(status="failed", cos_code=code)))


@pytest.mark.parametrize("stage", ["source", "token", "link", "put"])
def test_the_hint_of_a_stage_ends_with_an_entry(stage: str) -> None:
    assert is_there(hint(UploadLog(status="failed", stage=stage)))


@each("error", exceptions.CLASSES[1:])
def test_the_text_of_an_exception_ends_with_its_entry(error: type[WxStaticStoreError]) -> None:
    assert is_there(str(error("It failed", hint="Mend it.")))


def test_an_exception_of_a_project_s_own_names_the_entry_of_its_parent() -> None:
    class Own(ConfigurationError): ...

    assert str(Own("It failed", hint="Mend it.")).endswith("exception-ConfigurationError")


@each("id", CHECKS)
def test_a_check_ends_with_its_entry(id: str) -> None:
    found = message(id, **checks.FACTS, name="COMPONENT_APPID")
    assert is_there(str(found.hint))
    assert str(found.hint).endswith(f"#{id}")


def test_every_check_of_the_app_is_in_the_table(settings: Any) -> None:
    settings.WX_STATIC_STORE = {}
    found = run_checks(tags=["wx_static_store"], include_deployment_checks=True)
    assert found
    assert {str(each.id).removeprefix("wx_static_store.") for each in found} <= {*CHECKS}


@each(
    ("place", "explained", "known"),
    [
        (
            "MEANINGS in docs/from_code/errcodes.py",
            EXPLAINED,
            ERRCODES,
        ),
        ("MEANINGS in docs/from_code/cos_codes.py", cos_codes.MEANINGS, COS_CODES),
        ("WHY in docs/from_code/checks.py", checks.WHY, CHECKS),
        (
            "REASONS in docs/from_code/exceptions.py",
            exceptions.REASONS,
            [kind.__name__ for kind in exceptions.CLASSES[1:]],
        ),
    ],
)
def test_the_docs_explain_every_code_and_no_other(
    place: str, explained: Iterable[Any], known: Iterable[Any]
) -> None:
    wrong = [
        f"The docs do not explain {code}: add it to {place}" for code in {*known} - {*explained}
    ]
    wrong += [f"{code} is unknown: take it out of {place}" for code in {*explained} - {*known}]
    none_of(wrong)


def test_docs_url_makes_the_place_an_address(settings: Any) -> None:
    settings.WX_STATIC_STORE = {**settings.WX_STATIC_STORE, "DOCS_URL": "https://docs.example/zh"}
    text = str(message("E004", alias="staticfiles").hint)
    assert text.endswith(" Docs: https://docs.example/zh/troubleshooting/checks.html#E004")


def test_wrong_settings_do_not_hide_the_error_that_they_cause(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"DOCS_URL": "no address"}
    assert i18n.docs_url() == ""


def test_a_chinese_hint_names_the_docs_in_chinese() -> None:
    error = UploadFailed("x", hint=ERRCODES[40013].hint, docs="errcode-40013")
    with override("zh-hans"):
        assert error.full_hint.endswith("（文档：troubleshooting/errcodes#errcode-40013）")


def test_a_hint_without_an_entry_stays_as_it_is() -> None:
    assert i18n.with_docs("Do it.", "") == "Do it."
