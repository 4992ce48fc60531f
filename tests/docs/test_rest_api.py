"""docs/reference/rest-api.rst: its parts from the code are whole, the others agree with them."""

from __future__ import annotations

import re

import pytest

from docs.from_code import rest_api, text_of
from tests.api.operations import OPERATIONS
from tests.docs.blocks import DOCS
from wx_static_store.api import base, problems, serializers

TEXT = (DOCS / "reference" / "rest-api.rst").read_text(encoding="utf-8")
CALLS = re.findall(r"^\.\. from-code:: (.+)$", TEXT, re.MULTILINE)
MADE = "\n".join(text_of(call, "en") for call in CALLS)
ANCHORS = re.findall(r"\.\. anchor:: (\S+)", MADE)


def test_every_problem_has_an_anchor_on_the_page() -> None:
    anchors = [name for name in ANCHORS if name.startswith("problem-")]
    assert anchors == [f"problem-{code.replace('_', '-')}" for code in problems.PROBLEMS]


def test_every_address_has_an_anchor_and_a_line_in_the_overview() -> None:
    ids = {operation.id for operation in OPERATIONS.values()}
    assert ids <= {*ANCHORS}
    overview = text_of("rest-api overview", "en")
    assert set(re.findall(r":ref:`(?:GET|POST|PUT) \S+ <(\w+)>`", overview)) == ids


def test_every_link_of_what_is_made_leads_to_one_anchor() -> None:
    links = set(re.findall(r":ref:`[^`]*?<([\w-]+)>`", MADE))
    elsewhere = re.findall(r"^\.\. _([\w-]+):$", TEXT, re.MULTILINE)
    elsewhere += re.findall(r"\.\. anchor:: (\S+)", text_of("log", "en"))
    assert links <= {*ANCHORS, *elsewhere}
    assert len(ANCHORS) == len({*ANCHORS})


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_each_address_has_its_permissions(language: str) -> None:
    for operation in OPERATIONS.values():
        [needs] = re.findall(r"^:(?:Permission|权限): (.*)$", part(operation.id, language), re.M)
        wanted = [act.rpartition(".")[2] for act in operation.needs]
        assert re.findall(r"``(\w+)``", needs) == wanted


def test_each_problem_of_an_address_is_named_there_or_for_all_of_its_kind() -> None:
    for (_view, method), operation in OPERATIONS.items():
        named = set(re.findall(r"<problem-([\w-]+)>", part(operation.id, "en")))
        common = rest_api.COMMON | (rest_api.WITH_BODY if method != "GET" else set())
        common |= rest_api.WITH_KEY if operation.once else set()
        assert {code.replace("-", "_") for code in named} == {*operation.codes} - common


def part(id: str, language: str) -> str:
    """Return what the page says of an address."""
    parts = [text_of(call, language) for call in CALLS if call.startswith("rest-api ")]
    [found] = re.findall(
        rf"^\.\. anchor:: {id}\n(.*?)(?=^\.\. anchor:: wx_|\Z)", "\n".join(parts), re.M | re.S
    )
    return str(found)


def test_the_codes_of_many_addresses_are_named_once() -> None:
    [paragraph] = re.findall(r"Each address may answer with .*?\n\n", TEXT, re.DOTALL)
    every, others, _last = paragraph.split(". ", 2)
    assert set(re.findall(r"``(\w+)``", every)) == rest_api.COMMON
    body, key = others.split(";")
    assert set(re.findall(r"``([a-z_]+)``", body)) == rest_api.WITH_BODY
    assert set(re.findall(r"``([a-z_]+)``", key)) == rest_api.WITH_KEY


def test_the_version_of_the_page_is_that_of_the_api() -> None:
    assert f"X-WX-API-Version: {base.VERSION}``" in TEXT


def test_the_members_that_uploaders_do_not_see_are_documented() -> None:
    [sentence] = re.findall(r"without what WeChat and COS answered: ([^.]+) are empty\.", TEXT)
    documented = set(re.findall(r"``(\w+)``", sentence))
    assert documented == serializers._WITHHELD.keys(), "correct docs/reference/rest-api.rst"
