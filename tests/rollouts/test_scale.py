"""Show that a rollout costs as much at 10,000 environments as at 100, and sends few messages."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import slow
from tests.rollouts.conftest import Broker
from tests.rollouts.test_lifecycle import WIDE, back, begin
from wx_static_store.deploy.report import EnvironmentReport
from wx_static_store.models import Deployment, Release
from wx_static_store.models.columns import Now
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.advance import AGAIN, advance
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

pytestmark = pytest.mark.django_db

AT_ONCE = 32


def tenants(number: int) -> list[str]:
    return [f"tenant-{each:05}" for each in range(number)]


def end(rollout: Rollout) -> CaptureQueriesContext:
    """Let the first environment that a worker was asked for end well; return the queries of it."""
    rows = RolloutEnvironment.objects.filter(rollout=rollout, state="queued")
    row = rows.annotate(now=Now()).order_by("position")[0]
    with CaptureQueriesContext(connection) as found:
        environment._end(row, EnvironmentReport(row.env))
    return found


@pytest.mark.parametrize("number", [100, 1_000, pytest.param(10_000, marks=slow)])
@pytest.mark.parametrize("waves", ["100%", "1,50%,100%"])
def test_an_environment_that_ends_asks_eight_queries(
    broker: Broker, release: Release, number: int, waves: str
) -> None:
    rollout = begin(tenants(number), release, waves=waves, tolerate="100%")
    # With those that begin and end the transaction; the second environment is of the second wave.
    assert [len(end(rollout)) for _environment in range(2)] == [8, 8]


@pytest.mark.parametrize("number", [100, 1_000])
def test_a_start_asks_workers_for_32_environments_and_for_another_when_one_ends(
    broker: Broker, release: Release, number: int
) -> None:
    rollout = begin(tenants(number), release, **WIDE)
    assert len(broker.messages()) == AT_ONCE
    end(rollout)
    assert len(broker.messages()) == 1


def test_messages_that_nobody_takes_do_not_pile_up(broker: Broker, release: Release) -> None:
    rollout = begin(tenants(1_000), release, **WIDE)
    for _period in range(3):
        RolloutEnvironment.objects.update(asked=F("asked") - timedelta(seconds=AGAIN + 1))
        advance(rollout.pk)
    assert len(broker.messages()) == AT_ONCE


@pytest.mark.parametrize("number", [100, 1_000])
def test_a_look_of_the_schedule_asks_as_much_whatever_the_number(
    broker: Broker, release: Release, number: int, django_assert_num_queries: Any
) -> None:
    rollout = begin(tenants(number), release, **WIDE)
    with django_assert_num_queries(7):
        advance(rollout.pk)


def rolled_out(number: int, release: Release) -> Rollout:
    """Return a rollout of so many environments that had another release before."""
    old = Release.objects.create(digest="old", files=release.files, count=0, size=0)
    rollout = begin(tenants(number), release, **WIDE)
    for env in tenants(number):
        Deployment.objects.create(env=env, using="site", release=release, outcome="done")
    ended = {"state": "done", "begun": timezone.now(), "before": old}
    RolloutEnvironment.objects.filter(rollout=rollout).update(**ended)
    return advance(rollout.pk)


def test_a_roll_back_asks_as_much_whatever_the_number_and_hands_out_like_a_start(
    broker: Broker, release: Release
) -> None:
    asked = []
    for number in (40, 100):
        rollout = rolled_out(number, release)
        broker.messages()
        with CaptureQueriesContext(connection) as found:
            undoing, _warnings = back(rollout)
        asked.append([sql["sql"].split()[0] for sql in found if "INSERT" not in sql["sql"]])
        assert (undoing.waiting + undoing.under_way, len(broker.messages())) == (number, AT_ONCE)
        Rollout.objects.all().delete()
        Deployment.objects.all().delete()
        Release.objects.filter(digest="old").delete()
    assert asked[0] == asked[1]
