"""A cause is found by its code, and says what an editor and an operator do."""

from collections import Counter
from string import Formatter
from typing import Any

import pytest

from tests.tables import each, none_of
from wx_static_store.causes import (
    CAUSES,
    LOOK,
    advice,
    cause_of,
    every_entry,
    hint,
    matching,
    with_docs,
)
from wx_static_store.causes.own import AGAIN, ASK
from wx_static_store.core import refusals as refused

UNSAID = ("WxStaticStoreError", "UploadFailed")  # nothing is known of what failed

# --- the table --------------------------------------------------------------------------------


def test_each_code_stands_once() -> None:
    codes = Counter(code.casefold() for entry in every_entry() for code in entry.codes)
    refusals = {each.code for each in vars(refused).values() if isinstance(each, refused.Rule)}
    twice = {code for code, times in codes.items() if times > 1} - refusals
    none_of(f"{code} stands in the table of causes twice" for code in twice)


def test_each_entry_says_what_it_means_or_what_to_do() -> None:
    none_of(
        f"Give the entry {entry.id} a title, and a meaning or what to do about it"
        for entry in every_entry()
        if not (entry.title and (entry.means or entry.operator or entry.editor))
    )


def test_each_cause_with_which_an_upload_can_end_has_a_sentence_for_editors() -> None:
    lacking = {code for code, entry in CAUSES.items() if not entry.editor}
    of_a_diagnosis = {"76001", "76002", "76003", "76004", "76021", "76022"}
    assert lacking - of_a_diagnosis == {"PolicyRejected"}, "its rules have their own sentences"


def test_an_editor_is_told_to_try_again_exactly_where_a_new_try_may_help() -> None:
    known = [entry for entry in CAUSES.values() if entry.error not in UNSAID]
    assert [e.id for e in known if e.editor is AGAIN and not e.remedy.passes] == []
    assert [e.id for e in known if e.editor is ASK and e.remedy.passes] == []


def test_only_the_operator_s_sentence_has_parts_to_fill_in() -> None:
    def parts(text: object) -> set[str]:
        return {name for _text, name, *_more in Formatter().parse(str(text)) if name is not None}

    entries = CAUSES.values()
    assert {*()}.union(*(parts(each.operator) for each in entries)) == {"request_ip", "env"}
    assert {*()}.union(*(parts(f"{e.title}{e.means}{e.editor}") for e in entries)) == set()


# --- by its code ------------------------------------------------------------------------------


@each(
    ("code", "found"),
    [
        ("40014", "40001"),
        ("accessdenied", "AccessDenied"),
        ("tlsfailed", "TlsFailed"),
        ("w020", "W020"),
        ("token.clock", ""),
        ("forbidden", "forbidden forbidden"),
        ("", ""),
    ],
)
def test_a_code_is_found_in_any_case_of_its_letters(code: str, found: str) -> None:
    assert [each.id for each in matching(code)] == found.split()


@each(
    ("code", "found"),
    [("40014", "40001"), ("E026", "ConfigurationError"), ("gone", "WxStaticStoreError")],
)
def test_a_failure_is_explained_by_the_entry_of_its_code(code: str, found: str) -> None:
    assert cause_of(code).id == found


# --- what to do -------------------------------------------------------------------------------


@each(
    ("code", "status", "text"),
    [
        ("45009", "failed", "again tomorrow"),
        ("45011", "failed", "in some minutes"),
        ("85088", "failed", "to repair the cause"),
        ("ResponseLost", "unknown", "may be public already"),
        ("IntegrityError", "unknown", "at once"),
        ("BadDigest", "unknown", "at once"),
        ("SourceError", "failed", "on your computer"),
        ("TokenUnavailable", "failed", "to repair the cause"),
        ("NameRejected", "failed", "another name"),
        ("", "failed", "in some minutes"),
    ],
)
def test_the_advice_is_that_of_the_cause(code: str, status: str, text: str) -> None:
    assert text in str(advice(code, status))


def test_of_an_unknown_end_an_editor_looks_first_and_of_a_stored_file_does_nothing() -> None:
    assert advice("85088", "unknown") is LOOK
    assert advice("85088", "stored") == ""


@pytest.mark.parametrize(
    ("errmsg", "address"),
    [
        ("not in whitelist requestIP: 203.0.113.7 rid: 1", "203.0.113.7"),
        ("not in whitelist requestIP: 2001:db8::7", "2001:db8::7"),
        ("not in whitelist", "the public one, from which it reaches WeChat"),
    ],
)
def test_a_hint_names_the_address_that_wechat_saw(errmsg: str, address: str) -> None:
    assert f"the server's address ({address}) to" in str(hint("61004", errmsg))


# --- where more is said -----------------------------------------------------------------------


def test_a_hint_ends_with_the_address_of_its_entry(settings: Any) -> None:
    settings.WX_STATIC_STORE = {**settings.WX_STATIC_STORE, "DOCS_URL": "https://docs.example/"}
    url = "https://docs.example/troubleshooting/errcodes.html#errcode-40001"
    assert with_docs("Do it.", "40014") == f"Do it. Docs: {url}"


def test_without_docs_url_a_hint_ends_with_the_command_that_prints_its_entry() -> None:
    assert with_docs("Do it.", "85088") == "Do it. More: manage.py wx_explain 85088"


@each(("text", "code"), [("", "85088"), ("Do it.", "")])
def test_a_hint_without_text_or_code_stays_as_it_is(text: str, code: str) -> None:
    assert with_docs(text, code) == text
