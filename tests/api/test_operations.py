"""Each method of each view has an operation of its own."""

from __future__ import annotations

from tests.api.operations import OPERATIONS, VIEWS
from wx_static_store.api import urls
from wx_static_store.api.problems import PROBLEMS


def test_no_two_views_have_one_name() -> None:
    assert len(VIEWS) == len(urls.urlpatterns)


def test_every_method_of_a_view_needs_a_permission() -> None:
    assert [name for name, one in OPERATIONS.items() if not one.needs] == []


def test_every_operation_answers_with_problems_that_there_are() -> None:
    assert {code for one in OPERATIONS.values() for code in one.codes} <= PROBLEMS.keys()


def test_every_operation_has_an_id_of_its_own() -> None:
    assert len({one.id for one in OPERATIONS.values()}) == len(OPERATIONS)
