"""Show what begins when: one failure too many stops, waves wait, what was lost comes again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from tests.rollouts.conftest import Broker, states
from tests.rollouts.test_lifecycle import begin
from wx_static_store.models import Release
from wx_static_store.rollouts import advance as advancing
from wx_static_store.rollouts.advance import advance, advance_all, locked
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import environments_of
from wx_static_store.rollouts.snapshot import Snapshot
from wx_static_store.rollouts.waves import RolloutRefused

pytestmark = pytest.mark.django_db

LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)


def settle(rollout: Rollout, *envs: str, state: str) -> Rollout:
    """Write how environments ended, and go on."""
    environments_of(rollout).filter(env__in=envs).update(state=state)
    return advance(rollout.pk)


def test_one_failure_too_many_stops_what_waits(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, waves="100%", tolerate="1")
    assert states(rollout) == "qq" + "w" * 8
    rollout = settle(rollout, envs[0], state="failed")
    assert states(rollout) == "fq" + "w" * 8
    rollout = settle(rollout, envs[1], state="failed")
    assert (rollout.state, Snapshot.of_rollout(rollout).reason) == (
        "stopped",
        "2 failed, 1 tolerated",
    )
    assert states(rollout) == "ff" + "w" * 8


def test_failures_of_an_earlier_wave_count(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, waves="1,100%", tolerate="2")
    rollout = settle(rollout, envs[0], state="failed")
    assert states(rollout) == "fqq" + "w" * 7


def test_no_more_are_asked_for_than_were_wanted_at_once(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, waves="100%", tolerate="100%", max_parallel=3)
    assert states(rollout) == "qqq" + "w" * 7
    assert states(settle(rollout, envs[1], state="done")) == "qdqq" + "w" * 6


def test_a_wave_bakes_before_the_next_begins(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, tolerate="100%", bake=600)
    rollout = settle(rollout, envs[0], state="done")
    assert states(rollout) == "d" + "w" * 9
    Rollout.objects.update(wave_ended=timezone.now() - timedelta(seconds=601))
    assert states(advance(rollout.pk)) == "dq" + "w" * 8


def test_what_was_not_heard_of_is_asked_for_again(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release)
    first = broker.messages()
    advance_all()
    assert broker.messages() == []
    long_ago = timezone.now() - timedelta(seconds=advancing.AGAIN + 1)
    RolloutEnvironment.objects.update(asked=long_ago)
    advance_all()
    assert broker.messages() == first
    assert states(rollout) == "q" + "w" * 9


@pytest.mark.parametrize("news", ["heard", "not_before"])
def test_a_worker_that_lives_and_a_pause_between_tries_need_no_message(
    broker: Broker, envs: list[str], release: Release, news: str
) -> None:
    begin(envs, release)
    broker.messages()
    long_ago = timezone.now() - timedelta(seconds=advancing.AGAIN + 1)
    RolloutEnvironment.objects.update(**{"asked": long_ago, news: timezone.now()})
    advance_all()
    assert broker.messages() == []
    RolloutEnvironment.objects.update(**{news: long_ago})
    advance_all()
    assert len(broker.messages()) == 1


def test_a_planned_rollout_begins_when_its_time_comes(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, deploy_at=timezone.now() + timedelta(hours=1))
    Rollout.objects.update(deploy_at=timezone.now() - timedelta(seconds=1))
    advance_all()
    assert states(rollout) == "q" + "w" * 9


def test_a_rollout_is_done_when_its_last_wave_has_ended(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release, waves="100%", tolerate="3", bake=600)
    settle(rollout, *envs[:2], state="failed")
    rollout = settle(rollout, *envs[2:], state="done")
    assert (rollout.state, bool(rollout.ended)) == ("done", True)


def test_a_rollout_that_cannot_go_on_holds_up_no_other(
    broker: Broker, envs: list[str], release: Release, caplog: pytest.LogCaptureFixture
) -> None:
    bad = begin(envs[:2], release)
    settle(bad, envs[0], state="done")
    Rollout.objects.filter(pk=bad.pk).update(bake=2**31 - 1, wave=1, wave_ended=LAST_DAY)
    good = begin(envs[5:], release)
    broker.messages()
    RolloutEnvironment.objects.filter(rollout=bad).update(state="done")
    RolloutEnvironment.objects.filter(rollout=good).update(state="waiting")
    advance_all()
    assert (states(good)[0], f"Rollout {bad.pk} cannot go on" in caplog.text) == ("q", True)


@pytest.mark.django_db(transaction=True)
def test_messages_wait_for_the_end_of_the_callers_transaction(
    broker: Broker, envs: list[str], release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advancing, "on_commit", transaction.on_commit)
    with transaction.atomic():
        begin(envs, release)
        assert broker.messages() == []
    assert len(broker.messages()) == 1


def test_what_a_block_changes_is_written(broker: Broker, envs: list[str], release: Release) -> None:
    with locked(begin(envs, release).pk) as held:
        held.state = "paused"
    assert Rollout.objects.get().state == "paused"


def test_a_rollout_that_there_is_not_cannot_be_held() -> None:
    with pytest.raises(RolloutRefused, match="There is no rollout 0"), locked(0):
        pass
