"""Show what is said where work cannot be handed to Celery, and to which queue it goes."""

import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from tests.conftest import ci_package
from tests.rollouts.conftest import Broker, broker as broker
from tests.upload.conftest import Shop, shop as shop
from tests.waiting import in_threads
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.models import WaitingFile
from wx_static_store.submit import queue
from wx_static_store.upload.waiting import send_now

Make = Callable[..., Shop]
TASK = "wx_static_store.rollouts.tasks.deploy_environment"


def test_without_celery_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.setitem(sys.modules, "kombu.exceptions", None)
    for call in (queue.celery_app, queue.check_broker):
        with pytest.raises(ConfigurationError) as caught:
            call()
        assert "pip install 'wx_static_store[celery]'" in str(caught.value)
    assert not queue.is_available()
    assert queue.send(TASK, []) == 0


def test_without_an_app_the_recipe_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"celery\.py"):
        queue.check_broker()


def test_the_app_is_found_in_the_threads_of_a_web_server(broker: Broker) -> None:
    found = in_threads(lambda _: (queue.is_available(), queue.celery_app()), [1, 2], max_workers=2)
    assert [*found] == [(True, broker.app)] * 2


def test_a_broker_that_is_down_is_named(broker: Broker) -> None:
    broker.app.conf.broker_url = "amqp://127.0.0.1:1//"
    with pytest.raises(ConfigurationError, match="broker of Celery cannot be reached"):
        queue.check_broker()


@pytest.fixture
def silent(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the broker be a Redis that takes connections and never answers."""
    ci_package("redis")
    monkeypatch.setattr(
        queue, "REDIS_TIMEOUTS", {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker.app.conf.broker_url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        yield


@pytest.mark.usefixtures("silent")
def test_a_redis_that_hangs_is_named_after_seconds() -> None:
    with pytest.raises(ConfigurationError, match="broker of Celery cannot be reached"):
        queue.check_broker()


@pytest.mark.usefixtures("silent")
def test_a_redis_that_hangs_takes_no_message(caplog: pytest.LogCaptureFixture) -> None:
    assert queue.send(TASK, [(1,), (2,)]) == 0
    assert "will be sent again later" in caplog.text


def test_timeouts_of_the_project_for_redis_stay(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ci_package("redis")
    # Only the options count: no Redis is there.
    monkeypatch.setattr("kombu.Connection.ensure_connection", lambda *_given, **_options: None)
    broker.app.conf.broker_url = "redis://127.0.0.1:1/0"
    broker.app.conf.broker_transport_options = {"socket_timeout": 30}
    with queue.connected(broker.app) as connection:
        assert connection.transport_options == queue.REDIS_TIMEOUTS | {"socket_timeout": 30}


def test_a_message_that_cannot_be_sent_is_logged(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.app.conf.broker_url = "amqp://127.0.0.1:1//"
    broker.app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0.1}
    broker.app.conf.task_publish_retry = False
    assert queue.send(TASK, [(1,), (2,)]) == 0
    assert "will be sent again later" in caplog.text


def test_tasks_go_to_the_queue_of_the_settings(broker: Broker, configure: Any) -> None:
    configure(WX_STATIC_STORE={"CELERY_QUEUE": "sites"})
    queue.send(TASK, [(7,)])
    with broker.app.connection_for_read() as connection:
        with connection.SimpleQueue("celery") as usual, pytest.raises(Empty):
            usual.get_nowait()
        with connection.SimpleQueue("sites") as named:
            message = named.get_nowait()
            message.ack()
    assert message.headers["task"] == TASK
    assert message.payload[0] == [7]


def test_a_message_tells_workers_when_it_is_too_old(broker: Broker) -> None:
    queue.send(TASK, [(7,)], expires=3600)
    with broker.app.connection_for_read() as connection, connection.SimpleQueue("celery") as all_:
        message = all_.get_nowait()
        message.ack()
    left = datetime.fromisoformat(message.headers["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


# --- what waits ----------------------------------------------------------------------------------

committed = pytest.mark.django_db(transaction=True)


@committed
@pytest.mark.parametrize(("wait", "pushes"), [("always", [queue.PUSH]), ("outage", [])])
def test_saves_that_always_wait_ask_for_one_push(
    shop: Make, broker: Broker, wait: str, pushes: list[str]
) -> None:
    here = shop(wait=wait)
    for name in ("a.txt", "b.txt"):
        here.save_in_outage(b"tea", name)
    assert [message.headers["task"] for message in broker.take()] == pushes


@committed
@pytest.mark.parametrize("what", ["deletion", "send now"])
def test_whatever_else_is_due_where_saves_always_wait_asks_for_a_push(
    shop: Make, broker: Broker, what: str
) -> None:
    here = shop(wait="always")
    here.storage.delete("a.txt")
    if what == "send now":
        cache.clear()  # as after two seconds
        broker.take()
        assert send_now(WaitingFile.objects.get())
    assert [message.headers["task"] for message in broker.take()] == [queue.PUSH]


@committed
def test_a_save_that_is_rolled_back_asks_for_no_push(shop: Make, broker: Broker) -> None:
    here = shop(wait="always")
    with transaction.atomic():
        here.save(b"tea")
        transaction.set_rollback(True)
    assert not [*broker.take()]


@committed
def test_a_broker_that_is_down_costs_one_save_a_moment_and_none_its_file(
    shop: Make, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    here = shop(wait="always")
    broker.app.conf.broker_url = "amqp://127.0.0.1:1//"
    for name in ("a.txt", "b.txt"):
        here.save(b"tea", name)
    assert here.waiting() == {"a.txt": "save", "b.txt": "save"}
    assert caplog.text.count(f"{queue.PUSH} will be sent again later") == 1
