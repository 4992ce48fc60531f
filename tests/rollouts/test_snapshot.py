"""Show how far a rollout is: counts, and failures by their cause."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.rollouts.conftest import Broker
from tests.rollouts.test_lifecycle import WIDE, begin
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release
from wx_static_store.rollouts.lifecycle import act
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.snapshot import Snapshot, counts_of, stalled

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release) -> Snapshot:
    """Return a rollout of four environments, of which WeChat refused two."""
    for env in envs[2:4]:
        cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "env": env})
    rollout = begin(envs[:4], release, **WIDE)
    broker.work()
    return Snapshot.of_rollout(Rollout.objects.get(pk=rollout.pk))


def test_environments_are_counted_by_state(ended: Snapshot) -> None:
    assert ended.counts == {"waiting": 0, "queued": 0, "running": 0, "done": 2, "failed": 2}


def test_files_are_counted_over_all_environments(ended: Snapshot) -> None:
    kinds = ("stored", "failed", "not_attempted")
    assert sum(ended.files[kind] for kind in kinds) == 3 * 4
    assert ended.files["failed"] == 2


def test_failures_of_one_entry_are_one_cause(ended: Snapshot, envs: list[str]) -> None:
    [cause] = ended.causes
    assert (cause.cause, cause.errcode, cause.envs) == ("85088", 85088, envs[2:4])


def test_a_rollout_with_failures_is_over_and_not_right(ended: Snapshot) -> None:
    assert (ended.is_over, ended.ok) == (True, False)


def test_a_snapshot_is_json(ended: Snapshot, release: Release) -> None:
    found = json.loads(json.dumps(ended.as_dict()))
    assert (found["release"], found["by_wave"][0]["done"]) == (release.digest, 2)


def test_who_sees_one_environment_gets_the_counts_of_it(ended: Snapshot, envs: list[str]) -> None:
    found = Snapshot.of_rollout(ended.rollout, envs[2:3])
    assert (found.counts["done"], found.counts["failed"]) == (0, 1)
    assert [cause.envs for cause in found.causes] == [envs[2:3]]


def test_a_worker_is_silent_until_one_is_heard(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, **WIDE)
    asked = RolloutEnvironment.objects.latest("since").since
    assert Snapshot.of_rollout(rollout).silent_since == asked
    heard = asked + timedelta(seconds=9)
    RolloutEnvironment.objects.filter(env=envs[0]).update(state="running", heard=heard)
    assert Snapshot.of_rollout(rollout).silent_since == heard
    RolloutEnvironment.objects.update(state="done")
    assert Snapshot.of_rollout(rollout).silent_since is None


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STALLED = {
    "a message that nobody takes": ({"since": -HOUR}, True),
    "one that was sent again": ({"since": -HOUR, "asked": timedelta()}, True),
    "a message that was just sent": ({"since": timedelta()}, False),
    "a try that nobody makes": ({"since": -2 * HOUR, "not_before": -HOUR}, True),
    "a try that is not due": ({"since": -HOUR, "not_before": HOUR}, False),
    "a worker that was killed": ({"since": -2 * HOUR, "heard": -HOUR, "state": "running"}, True),
    "a worker that was just lost": ({"heard": -3 * MINUTE, "state": "running"}, False),
    "a worker at work": ({"since": -HOUR, "heard": timedelta(), "state": "running"}, False),
}


def shift(rollout: Rollout, facts: dict[str, Any]) -> None:
    """Write facts of the environments that are under way; a time is from now."""
    now = timezone.now()
    times = {k: now + v if isinstance(v, timedelta) else v for k, v in facts.items()}
    rollout.environments.filter(state__in=RolloutEnvironment.UNDER_WAY).update(**times)


@pytest.mark.parametrize("name", STALLED)
def test_what_waits_for_a_worker_longer_than_usual_is_stalled(
    broker: Broker, envs: list[str], release: Release, name: str
) -> None:
    facts, is_stalled = STALLED[name]
    rollout = begin(envs[:1], release)
    shift(rollout, facts)
    found = Snapshot.of_rollout(rollout).stalled
    assert bool(found) is is_stalled
    assert bool([*stalled()]) is is_stalled
    if found:
        start = f"Rollout {rollout.pk} has waited for Celery's workers since "
        assert str(found.text).startswith(start)


def test_a_worker_that_is_busy_with_another_rollout_is_at_work(
    broker: Broker, envs: list[str], release: Release
) -> None:
    waiting, other = begin(envs[:1], release), begin(envs[1:2], release)
    shift(waiting, {"since": -HOUR})
    shift(other, {"state": "running", "heard": timedelta()})
    assert Snapshot.of_rollout(waiting).stalled is None


def test_a_rollout_that_was_stopped_does_not_stall_the_others(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    shift(rollout, {"state": "running"})
    act(rollout.pk, "stop")
    shift(rollout, {"heard": -HOUR})
    assert [*stalled()] == []
    assert Snapshot.of_rollout(rollout).stalled


def test_many_rollouts_are_counted_by_one_query(
    ended: Snapshot, envs: list[str], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        found = counts_of([ended.rollout])
    assert found == {ended.rollout.pk: {"done": 2, "failed": 2}}


def test_many_rollouts_are_counted_in_a_few_environments(ended: Snapshot, envs: list[str]) -> None:
    assert counts_of([ended.rollout], envs[:3]) == {ended.rollout.pk: {"done": 2, "failed": 1}}
