"""One deploy at a time per environment."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from tests.callback.conftest import BROKEN
from tests.conftest import ENV
from tests.notes import plant, planted, uproot
from wx_static_store.core import notes
from wx_static_store.deploy import locks
from wx_static_store.deploy.locks import (
    DeployLock,
    DeployLockLost,
    DeployRunning,
    DeployTimeUp,
    deploying,
)
from wx_static_store.models import Deployment
from wx_static_store.upload import workers
from wx_static_store.upload.uploader import Uploader, get_uploader


@pytest.fixture
def uploader(configure: Any) -> Uploader:
    configure()
    return get_uploader("staticfiles")


@pytest.fixture
def dead_pid() -> Iterator[int]:
    """Of a process that has ended, and was waited for."""
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert process.pid
    yield process.pid
    process.close()


def hold(**changes: Any) -> dict[str, Any]:
    """Another process holds the environment."""
    holder = {"host": "other-host", "pid": 7, "id": "other"} | changes
    plant("deploy", "holder", holder, about=ENV)
    return holder


def holder() -> Any:
    return planted("deploy", "holder", about=ENV)


def lose() -> None:
    uproot("deploy", "holder", about=ENV)


def test_a_second_deploy_of_an_environment_is_refused_and_the_holder_is_named(
    uploader: Uploader,
) -> None:
    hold()
    refused = pytest.raises(DeployRunning, match=r"process 7 on other-host.*--wait")
    with refused as caught, deploying(uploader, wait=False):
        pass
    assert caught.value.returncode == 2


def test_a_lock_of_one_environment_leaves_another_free(uploader: Uploader) -> None:
    hold()
    with deploying(get_uploader("staticfiles", "tenant-b"), wait=False):
        assert planted("deploy", "holder", about="tenant-b")


def test_the_environment_is_free_again_after_a_deploy_that_failed(uploader: Uploader) -> None:
    held = []

    def fail() -> None:
        with deploying(uploader, wait=False):
            held.append(holder())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert held != [None]
    assert holder() is None


def test_a_waiting_deploy_begins_when_the_other_ends(uploader: Uploader) -> None:
    order = []
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with deploying(uploader, wait=True):
            inside.set()
            go_on.wait(10)
            order.append("first ends")

    def second() -> None:
        with deploying(uploader, wait=True):
            order.append("second begins")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    inside.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert order == ["first ends", "second begins"]


def test_a_waiting_deploy_is_reported_once(
    uploader: Uploader, monkeypatch: Any, capsys: Any
) -> None:
    hold()
    naps = iter([None, None])

    def sleep(seconds: float) -> None:
        if next(naps, "over") == "over":
            lose()

    monkeypatch.setattr(locks.time, "sleep", sleep)
    with deploying(uploader, wait=True):
        pass
    shown = f"Waiting for another deploy to {ENV} (process 7 on other-host)\n"
    assert capsys.readouterr().err == shown


def test_a_deploy_does_not_wait_for_ever(uploader: Uploader, monkeypatch: Any) -> None:
    hold()
    monkeypatch.setattr(locks, "LONGEST", 0)
    with pytest.raises(DeployRunning), deploying(uploader, wait=True):
        pass


def test_a_killed_process_of_this_host_blocks_no_deploy(
    uploader: Uploader, dead_pid: int, monkeypatch: Any, capsys: Any
) -> None:
    """But for the seconds in which what it had sent still may arrive."""
    hold(host=locks._host(), pid=dead_pid)
    slept: list[float] = []
    monkeypatch.setattr(locks.time, "sleep", slept.append)
    with deploying(uploader, wait=False):
        assert holder()["pid"] == os.getpid()
    assert slept == [locks.LAST_PUT] == [5.0]
    assert f"A deploy to {ENV} was killed: waiting 5 s for what it sent" in capsys.readouterr().err


@pytest.mark.django_db
def test_a_killed_deploy_of_which_only_the_log_knows_is_waited_for(
    uploader: Uploader, monkeypatch: Any
) -> None:
    """Each process has a cache of its own, Django's default: no lock is left of it."""
    Deployment.objects.create(env=ENV, source="wx_deploy")
    slept: list[float] = []
    monkeypatch.setattr(locks.time, "sleep", slept.append)
    with deploying(uploader, wait=False):
        pass
    assert slept == [locks.LAST_PUT]


def test_an_interrupted_waiting_deploy_holds_up_the_next_one_for_seconds_only(
    uploader: Uploader, dead_pid: int, monkeypatch: Any
) -> None:
    hold(host=locks._host(), pid=dead_pid)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(locks.time, "sleep", interrupted)
        patch.setattr(locks, "LAST_PUT", 0.05)
        with pytest.raises(KeyboardInterrupt), deploying(uploader, wait=False):
            pass
    for name, seconds in {"LAST_PUT": 0.0, "POLL": 0.05, "LONGEST": 2.0}.items():
        monkeypatch.setattr(locks, name, seconds)
    with deploying(uploader, wait=True):
        pass


def test_a_waiting_deploy_leaves_a_lock_alone_that_another_took_meanwhile(
    uploader: Uploader, dead_pid: int, monkeypatch: Any
) -> None:
    hold(host=locks._host(), pid=dead_pid)
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: hold())
    with pytest.raises(DeployRunning, match="process 7"), deploying(uploader, wait=False):
        pass


@pytest.mark.parametrize("pid", [1, "x", None, 2**80])
def test_the_lock_of_a_deploy_that_may_be_alive_is_left_alone(uploader: Uploader, pid: Any) -> None:
    other = hold(host=locks._host(), pid=pid)
    with pytest.raises(DeployRunning), deploying(uploader, wait=False):
        pass
    assert holder() == other


def test_one_of_many_waiting_deploys_takes_over_a_dead_one_s_lock(
    uploader: Uploader, dead_pid: int, monkeypatch: Any
) -> None:
    """Each that removed what is there would end the one before it."""
    monkeypatch.setattr(locks, "LAST_PUT", 0.5)
    hold(host=locks._host(), pid=dead_pid)
    inside, most = [], []

    def work() -> None:
        with deploying(uploader, wait=True):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1] * 8


def test_the_lease_is_prolonged_while_the_deploy_runs(uploader: Uploader, monkeypatch: Any) -> None:
    """It is shorter than a deploy may be; a lock that the cache forgot is taken again."""
    beaten = threading.Event()
    monkeypatch.setattr(locks, "LEASE", 0.3)
    prolong = DeployLock.prolong
    monkeypatch.setattr(DeployLock, "prolong", lambda self: prolong(self) or beaten.set())
    with deploying(uploader, wait=False) as lock:
        mine = holder()
        lose()
        assert beaten.wait(10)
        assert holder() == mine
        lock.check()


# --- a lock that is lost ----------------------------------------------------------------------


def test_a_deploy_whose_lock_another_took_names_the_other(uploader: Uploader) -> None:
    """It was asleep for longer than its lease, say."""
    with deploying(uploader, wait=False) as lock:
        lock.confirm()
        hold()
        with pytest.raises(DeployLockLost, match="process 7 on other-host") as caught:
            lock.confirm()
    assert caught.value.returncode == 1


def test_a_deploy_whose_lock_was_lost_does_not_get_it_back(uploader: Uploader) -> None:
    """The other one may have ended since."""
    with deploying(uploader, wait=False) as lock:
        hold()
        lock.prolong()
        lose()
        with pytest.raises(DeployLockLost):
            lock.check()


def test_a_deploy_notices_another_that_came_and_went(uploader: Uploader) -> None:
    """The cache was cleared: by the release script of somebody, say."""
    with deploying(uploader, wait=False) as lock:
        cache.clear()
        with deploying(uploader, wait=False):
            pass
        with pytest.raises(DeployLockLost):
            lock.confirm()


def test_a_deploy_whose_lock_the_cache_forgot_goes_on_if_no_other_began(uploader: Uploader) -> None:
    with deploying(uploader, wait=False) as lock:
        cache.clear()
        lock.confirm()
        assert holder()["pid"] == os.getpid()


def test_a_lock_that_another_took_over_is_not_released(uploader: Uploader) -> None:
    with deploying(uploader, wait=False):
        hold()
    assert holder()["pid"] == 7


# --- a cache that is of no use ----------------------------------------------------------------


def test_a_cache_that_is_down_blocks_no_deploy(
    uploader: Uploader, settings: Any, caplog: Any
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    with deploying(uploader, wait=False) as lock:
        lock.confirm()
    assert "nothing keeps two deploys apart" in caplog.text


def test_a_deploy_says_that_nothing_keeps_two_apart_while_the_cache_rests_for_others(
    uploader: Uploader, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(notes, "REST_SECONDS", 60)
    with override_settings(CACHES=BROKEN):
        plant("sent", "of another thread", 1)
        with deploying(uploader, wait=False):
            pass
    lines = [record.getMessage() for record in caplog.records if record.name == locks.logger.name]
    assert lines == ["The cache fails (ConnectionError): nothing keeps two deploys apart"]


def test_a_cache_that_swallows_its_errors_blocks_no_deploy(
    uploader: Uploader, monkeypatch: Any, caplog: Any
) -> None:
    """Then `add()` always fails, and there is no holder."""
    monkeypatch.setattr(cache._connections["default"].__class__, "add", lambda *a, **k: False)
    with deploying(uploader, wait=False) as lock:
        lock.confirm()
    assert "keeps nothing" in caplog.text


def test_the_heartbeat_of_a_lock_ends_with_its_block() -> None:
    beats, names = threading.Event(), lambda: [t.name for t in threading.enumerate()]
    with workers.every(0.01, beats.set):
        assert beats.wait(10)
        assert "wx-static-store-beat" in names()
    assert "wx-static-store-beat" not in names()


def test_a_deploy_that_takes_too_long_is_stopped_at_the_next_look(uploader: Uploader) -> None:
    with deploying(uploader, wait=False, seconds=0.0) as lock:
        with pytest.raises(DeployTimeUp, match="stopped after 0 s"):
            lock.check()
        lock.confirm()  # when all is sent, it may have taken as long as it did
