"""Each method of each view is one operation of the table."""

from __future__ import annotations

from wx_static_store.api import urls
from wx_static_store.api.operations import OPERATIONS
from wx_static_store.api.problems import PROBLEMS


def test_every_view_and_method_is_described() -> None:
    views = {
        (pattern.callback.cls.__name__, method)  # type: ignore[attr-defined]
        for pattern in urls.urlpatterns
        for method in pattern.callback.cls.needs  # type: ignore[attr-defined]
    }
    assert views == set(OPERATIONS)


def test_every_operation_answers_with_problems_that_there_are() -> None:
    assert {code for one in OPERATIONS.values() for code in one.codes} <= PROBLEMS.keys()
    assert len({one.id for one in OPERATIONS.values()}) == len(OPERATIONS)
