"""The time of a request and its shares."""

from __future__ import annotations

import pytest

from wx_static_store.core.budget import REQUEST, Budget
from wx_static_store.core.retry import Deadline, seconds_left


def test_a_request_is_over_before_many_web_servers_end_it() -> None:
    assert REQUEST.seconds < 30


@pytest.mark.parametrize(("part", "seconds"), [(1, 8), (0.5, 4)])
def test_no_deadline_ends_after_the_budget_or_its_part(part: float, seconds: float) -> None:
    budget = Budget(8.0)
    assert budget.share(part) == seconds
    with budget.entered(part):
        assert seconds - 1 < Deadline.after(60).left() <= seconds
    assert seconds_left() == float("inf")
