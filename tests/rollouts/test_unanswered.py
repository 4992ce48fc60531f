"""Show that a message which a worker discards is a try, and that one which waits is none."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery.worker import WorkController, state
from django.db.models import F
from django.utils import timezone
from kombu import Connection

from tests.rollouts.conftest import Broker, states
from tests.rollouts.test_lifecycle import begin
from tests.waiting import wait_for
from wx_static_store.models import Release
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.advance import AGAIN, TASK, _is_queue_empty, advance_all
from wx_static_store.rollouts.models import RolloutEnvironment
from wx_static_store.rollouts.rows import TRIES
from wx_static_store.rollouts.snapshot import Snapshot
from wx_static_store.submit import queue

pytestmark = pytest.mark.django_db

LOST = timedelta(seconds=AGAIN + 1)


@pytest.fixture
def old_worker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """Start a worker of Celery whose code is older than rollouts."""
    drain = Connection.drain_events
    # Else its end takes 4 seconds.
    monkeypatch.setattr(Connection, "drain_events", lambda self, **how: drain(self, timeout=0.05))
    broker.app.conf.broker_transport_options = {"polling_interval": 0.02}
    broker.app.finalize()
    broker.app.tasks.pop(TASK, None)  # known if another test imported it
    alone = {"without_heartbeat": True, "without_mingle": True, "without_gossip": True}
    worker = WorkController(app=broker.app, pool="solo", **alone)
    thread = threading.Thread(target=worker.start, daemon=True)
    thread.start()
    yield broker
    monkeypatch.setattr(state, "should_terminate", 0)
    thread.join(30)
    assert not thread.is_alive()


def pass_time() -> None:
    """Let as much time pass as a worker has to be heard of, and look as beat does."""
    RolloutEnvironment.objects.update(asked=F("asked") - LOST, heard=F("heard") - LOST)
    advance_all()


def test_an_environment_fails_after_six_messages_that_a_worker_discarded(
    old_worker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    for number in range(1, TRIES + 1):
        assert states(rollout) == "q"
        wait_for(_is_queue_empty, "the worker took the message")
        pass_time()
        assert RolloutEnvironment.objects.get().tries == number
    rollout.refresh_from_db()
    assert (states(rollout), rollout.state) == ("f", "stopped")
    [cause] = Snapshot.of_rollout(rollout).causes
    assert cause.message.startswith("A worker took the message and began nothing")


def test_a_message_that_was_discarded_is_shown_as_the_cause_between_tries(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    broker.messages()
    pass_time()
    [cause] = Snapshot.of_rollout(rollout).retries
    assert cause.message.startswith("A worker took the message and began nothing")
    assert RolloutEnvironment.objects.get().tries == 1
    broker.work()
    assert (states(rollout), RolloutEnvironment.objects.get().tries) == ("d", 2)


def test_a_message_that_waits_at_the_broker_is_no_try(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    for _look in range(TRIES + 1):
        pass_time()
    assert (states(rollout), RolloutEnvironment.objects.get().tries) == ("q", 0)


def test_a_message_that_waits_at_the_broker_is_not_sent_again(
    broker: Broker, envs: list[str], release: Release
) -> None:
    begin(envs[:3], release, waves="100%", tolerate="100%")
    for _look in range(3):
        pass_time()
    assert len(broker.messages()) == 3


def keep_busy(env: str, *, later: float = 1) -> None:
    """Let a worker be at this environment, also after the time that passes."""
    asked = F("asked") + timedelta(seconds=later)
    busy = {"state": "running", "heard": timezone.now() + LOST, "asked": asked}
    RolloutEnvironment.objects.filter(env=env).update(**busy)


def test_a_message_that_waits_for_busy_workers_is_not_sent_again(
    broker: Broker, envs: list[str], release: Release
) -> None:
    begin(envs[:3], release, waves="100%", tolerate="100%")
    broker.messages()  # reserved by the worker, perhaps
    keep_busy(envs[0], later=-1)
    pass_time()
    assert broker.messages() == []


def test_a_message_is_sent_again_if_workers_took_a_later_one(
    broker: Broker, envs: list[str], release: Release
) -> None:
    begin(envs[:3], release, waves="100%", tolerate="100%")
    broker.messages()
    keep_busy(envs[0])
    pass_time()
    lost = RolloutEnvironment.objects.exclude(env=envs[0])
    assert broker.messages() == [*lost.values_list("pk", flat=True)]
    assert {row.tries for row in lost} == {0}


def test_a_message_that_a_busy_worker_may_have_reserved_is_no_try(
    broker: Broker, envs: list[str], release: Release
) -> None:
    begin(envs, release, waves="100%", tolerate="100%", max_parallel=2)
    broker.messages()
    keep_busy(envs[0])
    pass_time()
    assert RolloutEnvironment.objects.get(env=envs[1]).tries == 0


def test_a_message_that_a_worker_answered_is_counted_once(
    broker: Broker, envs: list[str], release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(envs[:1], release)
    [pk] = broker.messages()
    monkeypatch.setattr(environment, "site_uploader", lambda *args: 1 // 0)
    environment.deploy(pk)
    RolloutEnvironment.objects.update(not_before=None, asked=F("heard") - LOST)
    pass_time()
    assert RolloutEnvironment.objects.get().tries == 1


def test_a_queue_is_empty_until_a_message_waits_in_it(broker: Broker) -> None:
    assert _is_queue_empty()
    queue.send(TASK, [(7,)])
    assert not _is_queue_empty()
    broker.messages()
    assert _is_queue_empty()


def test_a_queue_that_the_broker_never_had_is_empty(broker: Broker) -> None:
    broker.app.conf.task_default_queue = "nobody-asked"
    assert _is_queue_empty()


def test_nobody_knows_whether_a_queue_of_a_broker_that_is_down_is_empty(broker: Broker) -> None:
    broker.app.conf.broker_url = "amqp://127.0.0.1:1//"
    assert not _is_queue_empty()
