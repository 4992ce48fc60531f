"""Show that a rollout's counters are those of its rows, wherever a process is killed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from tests.rollouts.conftest import COUNTED, Broker, counters, counts_of_rows
from tests.rollouts.test_environment import Killed
from tests.rollouts.test_lifecycle import begin
from tests.rollouts.test_scale import tenants
from wx_static_store.deploy.report import EnvironmentReport
from wx_static_store.models import Release
from wx_static_store.models.columns import Now
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.advance import AGAIN, advance
from wx_static_store.rollouts.lifecycle import act
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import TRIES

pytestmark = pytest.mark.django_db

NUMBER, FAILED = 50, 3


def fail(row: RolloutEnvironment) -> None:
    environment._end(row, EnvironmentReport(row.env, outcome="failed", error="no"))


STEPS: dict[str, Callable[[RolloutEnvironment], object]] = {
    "an environment ends well": lambda row: environment._end(row, EnvironmentReport(row.env)),
    "one failure is tolerated": fail,
    "one failure too many stops it": fail,
    "an environment is tried again": lambda row: environment._later(
        row, EnvironmentReport(row.env, outcome="failed", error="later")
    ),
    "a message was discarded six times": lambda row: advance(row.rollout_id),
    "the schedule looks": lambda row: advance(row.rollout_id),
    **{
        action: lambda row, action=action: act(row.rollout_id, action)  # type: ignore[misc]
        for action in ("pause", "stop", "retry-failed")
    },
}


@contextmanager
def killed_before(number: int) -> Iterator[None]:
    """End the process, as it were, before it has sent its statement of this number."""
    left = iter(range(number))

    def execute(send: Any, *statement: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return send(*statement)

    with connection.execute_wrapper(execute):
        yield


@pytest.fixture
def at_work(broker: Broker, release: Release) -> RolloutEnvironment:
    """Return an environment at which a worker is, of a rollout of which three have failed."""
    rollout = begin(tenants(NUMBER), release, waves="100%", tolerate="100%")
    rows = RolloutEnvironment.objects.select_related("rollout").annotate(now=Now())
    for row in rows.order_by("position")[:FAILED]:
        fail(row)
    found = rows.filter(rollout=rollout, state="queued")[0]
    rows.filter(pk=found.pk).update(state="running", tries=TRIES - 1)
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STEPS)
def test_a_kill_at_any_statement_leaves_the_counters_as_the_rows_are(
    at_work: RolloutEnvironment, broker: Broker, name: str
) -> None:
    rollout, step = at_work.rollout, STEPS[name]
    if name == "one failure too many stops it":
        Rollout.objects.update(tolerate=FAILED)
    if name == "a message was discarded six times":
        RolloutEnvironment.objects.update(asked=F("asked") - timedelta(seconds=AGAIN + 1))
        broker.messages()
    before = counters(rollout)
    for number in range(100):
        try:
            with killed_before(number):
                step(at_work)
        except Killed:
            assert counters(rollout) == before == counts_of_rows(rollout)
        else:
            break
    assert number > 3
    assert counters(rollout) == counts_of_rows(rollout)
    assert (counters(rollout) == before) == (name.startswith("the schedule") or "again" in name)


@pytest.mark.parametrize("column", COUNTED)
def test_a_counter_that_was_broken_by_hand_is_noticed_and_corrected(
    at_work: RolloutEnvironment, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    rollout, before = at_work.rollout, counters(at_work.rollout)
    Rollout.objects.update(**{column: F(column) + 5})
    advance(rollout.pk)
    assert counters(rollout) == before
    wrong = f"'{column}': {before[column] + 5}"
    [text] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert text.startswith(f"Rollout {rollout.pk} counted ")
    assert wrong in text


def test_counters_that_are_right_are_no_error(
    at_work: RolloutEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    advance(at_work.rollout_id)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
