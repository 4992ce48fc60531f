"""docs/reference/rest-api.rst: its tables are whole."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.api.operations import OPERATIONS, VIEWS
from tests.docs.blocks import DOCS, blocks
from wx_static_store.api import parameters, problems, serializers, urls
from wx_static_store.rollouts.api import bodies

PAGE = DOCS / "reference" / "rest-api.rst"
TEXT = PAGE.read_text(encoding="utf-8")


def test_every_problem_is_documented_and_no_other() -> None:
    documented = dict(re.findall(r"^``(\w+)`` +(\d{3})\b", TEXT, re.MULTILINE))
    assert documented == {code: str(status) for code, (status, _text) in problems.PROBLEMS.items()}


def test_every_address_is_documented_and_no_other() -> None:
    documented = re.findall(r"^``(GET|POST|PUT) ([^`]+)`` ", TEXT, re.MULTILINE)
    known = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern)))
        for pattern in urls.urlpatterns
        for view, method in OPERATIONS
        if VIEWS[view] is pattern.callback.cls  # type: ignore[attr-defined]
    }
    assert set(documented) == known


def first_columns() -> list[set[str]]:
    """Return the names in the first column of each table."""
    tables = re.findall(r"^=+(?: +=+)+\n((?:[^=\n].*\n)+)=+(?: +=+)+$", TEXT, re.MULTILINE)
    cells = (re.findall(r"^``(\w+)``  *\S", table, re.MULTILINE) for table in tables)
    return [set(names) for names in cells]


@pytest.mark.parametrize(
    "serializer",
    [
        parameters.LogQuery,
        parameters.DeploymentsQuery,
        parameters.WaitingQuery,
        parameters.Form,
        bodies.RolloutForm,
        parameters.DeploymentBody,
    ],
)
def test_every_field_is_documented_and_no_other(serializer: Any) -> None:
    assert set(serializer().fields) in first_columns()


def test_the_members_that_uploaders_do_not_see_are_documented() -> None:
    [sentence] = re.findall(r"without what WeChat and COS answered: ([^.]+) are empty\.", TEXT)
    documented = set(re.findall(r"``(\w+)``", sentence))
    assert documented == serializers._WITHHELD.keys(), "correct docs/reference/rest-api.rst"


def test_the_answer_of_the_docs_has_the_members_of_an_upload() -> None:
    [answer] = [block.text for block in blocks(PAGE) if block.name == "answer"]
    assert json.loads(answer).keys() == serializers.UploadedSerializer().fields.keys()
