"""The files of a batch that are under way: what is begun, what is taken away, how each ended."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from tests.deploys import item, sent
from wx_static_store.core.types import UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WeChatBusy, WeChatRefused
from wx_static_store.upload import under_way as under_ways, workers
from wx_static_store.upload.transfer import Transfer
from wx_static_store.upload.under_way import UnderWay
from wx_static_store.upload.uploader import get_uploader
from wx_static_store.upload.workers import WorkerPool


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return cloud


def transfer(name: str = "a.txt") -> Transfer:
    return Transfer(get_uploader().options, item(name, b"hello"))


class Held:
    """A file that is not open before `released`."""

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        self.transfer = Transfer(get_uploader().options, UploadItem("held.txt", open=self._open))

    def _open(self) -> BytesIO:
        self.begun.set()
        assert self.released.wait(60)
        return BytesIO(b"held")


@pytest.fixture
def held(cloud: EmulatorServer) -> Iterator[Held]:
    file = Held()
    yield file
    file.released.set()


def test_a_transfer_that_is_finished_has_its_result_until_it_is_removed(
    cloud: EmulatorServer,
) -> None:
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        under_way.begin(one := transfer())
        assert under_way.next_finished(60) is one
        result = under_way.result(one)
        assert result
        assert (result.status, [*under_way.transfers]) == ("stored", [one])
        under_way.remove(one)
    assert [*under_way.transfers] == []


def test_nothing_is_finished_while_a_file_is_being_read(held: Held) -> None:
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        under_way.begin(held.transfer)
        assert under_way.next_finished(0.01) is None
        held.released.set()
        assert under_way.next_finished(60) is held.transfer


@pytest.mark.parametrize(("workers", "room"), [(1, 1), (2, 4)])
def test_there_is_room_for_so_many_that_no_worker_waits(
    cloud: EmulatorServer, workers: int, room: int
) -> None:
    with WorkerPool(workers) as pool:
        under_way = UnderWay(pool)
        while under_way.has_room():
            under_way.begin(transfer())
        assert len(under_way.transfers) == room


def test_a_stop_takes_away_what_was_not_begun_and_lets_the_rest_try_no_more(held: Held) -> None:
    with WorkerPool(2) as pool:
        under_way, other = UnderWay(pool), Held()
        waiting = transfer()
        for one in (held.transfer, other.transfer, waiting):
            under_way.begin(one)
        assert held.begun.wait(60)
        assert other.begun.wait(60)
        under_way.stop()
        assert under_way.next_finished(60) is waiting
        assert under_way.result(waiting) is None
        assert held.transfer.last_try
        other.released.set()
        held.released.set()


def test_a_break_off_gives_what_is_begun_a_result_and_forgets_the_rest(
    cloud: EmulatorServer, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "GRACE", 0.1)
    with WorkerPool(2) as pool:
        under_way, done = UnderWay(pool), transfer("done.txt")
        under_way.begin(done)
        assert under_way.next_finished(60) is done
        other = Held()
        for one in (held.transfer, other.transfer, transfer("never.txt")):
            under_way.begin(one)
        assert held.begun.wait(60)
        assert other.begun.wait(60)
        ended = [(result.name, result.status) for result in under_way.break_off()]
        other.released.set()
        held.released.set()
        all_workers = threading.Barrier(2)  # they have done what was handed to them before
        for waiting in [pool.submit(all_workers.wait, 60) for _ in range(2)]:
            waiting.result(60)
    assert ended == [("done.txt", "stored"), ("held.txt", "failed"), ("held.txt", "failed")]
    assert sent(cloud) == ["done.txt"]


def test_a_file_that_failed_before_a_break_off_keeps_its_error(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    with WorkerPool(1) as pool:
        under_way = UnderWay(pool)
        under_way.begin(transfer())
        [result] = under_way.break_off()
    assert isinstance(result.error, WeChatRefused)


def test_a_second_ctrl_c_ends_the_wait_for_what_is_begun(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **how: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(under_ways, "wait", interrupted)
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        under_way.begin(held.transfer)
        assert held.begun.wait(60)
        ended = [(result.name, result.status) for result in under_way.break_off()]
        held.released.set()
    assert ended == [("held.txt", "failed")]


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_file_that_is_begun_as_ctrl_c_comes_has_a_result_if_a_worker_has_it(
    held: Held, monkeypatch: pytest.MonkeyPatch, handed_over: bool
) -> None:
    class Interrupted(queue.SimpleQueue[Any]):
        def put(self, call: Any, block: bool = True, timeout: float | None = None) -> None:
            if handed_over or call is None:
                super().put(call)
            if call is not None:
                raise KeyboardInterrupt

    monkeypatch.setattr(workers, "queue", SimpleNamespace(SimpleQueue=Interrupted))
    monkeypatch.setattr(workers, "GRACE", 0.1)
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        with pytest.raises(KeyboardInterrupt):
            under_way.begin(held.transfer)
        assert held.begun.wait(60 if handed_over else 0) is handed_over
        ended = [(result.name, result.status) for result in under_way.break_off()]
        held.released.set()
    assert ended == ([("held.txt", "failed")] if handed_over else [])


@pytest.mark.parametrize(
    ("failed", "sending", "stuck"), [(5, False, True), (4, False, False), (5, True, False)]
)
def test_a_batch_is_stuck_if_five_files_got_no_link_and_none_is_being_sent(
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    failed: int,
    sending: bool,
    stuck: bool,
) -> None:
    monkeypatch.setattr(under_ways, "STUCK_SECONDS", 0.0)
    under_way = six_failed()
    transfers = [*under_way.transfers]
    for one in transfers[failed:]:
        one.trouble = None
    transfers[-1].sending = sending
    under_way.give_up_if_stuck()
    assert {one.last_try for one in transfers} == {stuck}


def test_a_batch_is_stuck_thirty_seconds_after_its_last_result(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(under_ways, "time", SimpleNamespace(monotonic=lambda: clock[-1]))
    under_way = six_failed()
    clock.append(20.0)
    assert under_way.next_finished(60)
    for now, stuck in ((49.0, False), (50.0, True)):
        clock.append(now)
        under_way.give_up_if_stuck()
        assert {one.last_try for one in under_way.transfers} == {stuck}


def six_failed() -> UnderWay:
    """Return six files that got no link."""
    under_way = UnderWay(WorkerPool(1))
    for _ in range(6):
        under_way.begin(one := transfer())
        one.trouble, one.sending = WeChatBusy("no"), False
    return under_way
