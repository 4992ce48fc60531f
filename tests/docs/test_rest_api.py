"""docs/reference/rest-api.rst: its parts from the code are whole, the others agree with them."""

from __future__ import annotations

import re

import pytest

from docs.from_code import text_of
from tests.api.operations import OPERATIONS
from tests.docs.blocks import DOCS
from wx_static_store.api import base, problems, serializers

TEXT = (DOCS / "reference" / "rest-api.rst").read_text(encoding="utf-8")
MADE = "\n".join(
    text_of(call, "en") for call in re.findall(r"^\.\. from-code:: (.+)$", TEXT, re.MULTILINE)
)
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
    assert links <= {*ANCHORS}
    assert len(ANCHORS) == len({*ANCHORS})


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_overview_has_the_permissions_of_each_address(language: str) -> None:
    overview = text_of("rest-api overview", language)
    for operation in OPERATIONS.values():
        [row] = re.findall(rf"<{operation.id}>`\n.*\n +- (.*)", overview)
        wanted = [act.rpartition(".")[2] for act in operation.needs]
        assert re.findall(r"``(\w+)``", row) == wanted


def test_the_codes_that_any_address_may_answer_are_named_once() -> None:
    [sentence] = re.findall(r"Each address may answer with ([^.]+)\.", TEXT)
    everywhere = re.findall(r"``(\w+)``", sentence)
    assert all(
        code in operation.codes for code in everywhere[:-1] for operation in OPERATIONS.values()
    )
    assert everywhere[-1] == "csrf"


def test_the_version_of_the_page_is_that_of_the_api() -> None:
    assert f"X-WX-API-Version: {base.VERSION}``" in TEXT


def test_the_members_that_uploaders_do_not_see_are_documented() -> None:
    [sentence] = re.findall(r"without what WeChat and COS answered: ([^.]+) are empty\.", TEXT)
    documented = set(re.findall(r"``(\w+)``", sentence))
    assert documented == serializers._WITHHELD.keys(), "correct docs/reference/rest-api.rst"
