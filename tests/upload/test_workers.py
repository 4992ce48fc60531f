"""The only worker threads: bounded in flight, errors surface, serial with one."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tables import each
from tests.waiting import in_threads, wait_for
from wx_static_store.core.retry import Deadline, ending_by
from wx_static_store.upload import workers as pool
from wx_static_store.upload.workers import WorkerPool

SOON = 5.0  # seconds; what does not happen until then never will


class Numbers:
    """An endless source that knows how far it was read."""

    def __init__(self, stop: int = 1_000) -> None:
        self.read, self.stop = 0, stop

    def __iter__(self) -> Iterator[int]:
        while self.read < self.stop:
            self.read += 1
            yield self.read


older = set[threading.Thread]()  # of a test elsewhere, whose peer hangs


def workers() -> set[threading.Thread]:
    """Those that this test has started."""
    found = {thread for thread in threading.enumerate() if thread.name == "wx-static-store"}
    return found - older


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    older.clear()
    older.update(workers())
    yield
    assert not workers()


@pytest.mark.parametrize("size", [1, 2, 8])
def test_every_item_has_its_result(size: int) -> None:
    assert sorted(in_threads(lambda n: n * n, range(50), max_workers=size)) == [
        n * n for n in range(50)
    ]


@pytest.mark.parametrize("size", [1, 4])
def test_no_items_give_no_result_and_start_no_thread(size: int) -> None:
    assert list(in_threads(lambda n: n, [], max_workers=size)) == []


def test_one_worker_is_the_caller_s_own_thread_in_order() -> None:
    """So that a debugger can step into it, and a database connection is the caller's."""
    found = list(in_threads(lambda n: (n, threading.current_thread()), range(5), max_workers=1))
    assert found == [(n, threading.current_thread()) for n in range(5)]


def test_one_worker_reads_no_further_than_it_gives() -> None:
    numbers = Numbers()
    results = in_threads(lambda n: n, numbers, max_workers=1)
    assert [next(results), next(results), numbers.read] == [1, 2, 2]
    results.close()


def test_several_workers_work_at_once() -> None:
    together = threading.Barrier(4)
    assert sorted(in_threads(lambda _: together.wait(SOON), range(4), max_workers=4)) == [
        0,
        1,
        2,
        3,
    ]


def test_no_more_threads_than_workers_and_no_more_than_items() -> None:
    seen: set[int] = set()

    def note(number: int) -> None:
        seen.add(threading.get_ident())
        most.append(len(workers()))

    most: list[int] = []
    list(in_threads(note, range(100), max_workers=3))
    assert max(most) <= 3
    assert threading.get_ident() not in seen
    most.clear()
    list(in_threads(note, range(2), max_workers=64))
    assert max(most) <= 2


def test_the_source_is_read_only_as_far_as_there_is_room() -> None:
    """A million files do not become a million queued objects."""
    numbers = Numbers()
    results = in_threads(lambda n: n, numbers, max_workers=2)
    for taken in range(1, 50):
        next(results)
        assert numbers.read <= taken + 2 * 2
    results.close()  # type: ignore[attr-defined]


def test_results_come_as_they_finish() -> None:
    """A slow file does not hold back the others."""
    others = threading.Event()

    def slow_first(number: int) -> int:
        if number == 0:
            others.wait(SOON)
        return number

    results = in_threads(slow_first, range(3), max_workers=2)
    first, second = next(results), next(results)
    others.set()
    assert {first, second} == {1, 2}
    assert list(results) == [0]


class Surprise(BaseException):
    """Not even an Exception."""


@each("error", [ValueError, KeyboardInterrupt, SystemExit, Surprise])
@each("size", [1, 4])
def test_what_a_worker_raises_surfaces(size: int, error: type[BaseException]) -> None:
    """The future is always read: no upload that fails in a thread vanishes."""

    def fail(number: int) -> int:
        if number == 3:
            raise error("of number 3")
        return number

    with pytest.raises(error, match="of number 3"):
        list(in_threads(fail, range(10), max_workers=size))


@pytest.mark.parametrize("number", [1, 3])
def test_a_worker_in_whose_start_the_interruption_comes_ends_too(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        started.append(thread)
        if len(started) == number:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(in_threads(abs, range(9), max_workers=4))
    assert not any(thread.is_alive() for thread in started)


def test_a_thread_that_cannot_be_started_is_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        list(in_threads(abs, [1], max_workers=2))


@pytest.mark.parametrize("size", [1, 2])
def test_no_item_is_started_after_an_error(size: int) -> None:
    started = []

    def fail(number: int) -> None:
        started.append(number)
        raise Surprise

    numbers = Numbers()
    with pytest.raises(Surprise):
        list(in_threads(fail, numbers, max_workers=size))
    assert numbers.read <= 2 * size
    assert len(started) <= 2 * size


@pytest.mark.parametrize("size", [1, 2])
def test_an_error_of_the_source_surfaces(size: int) -> None:
    def broken() -> Iterator[int]:
        yield from range(3)
        raise OSError("cannot list the folder")

    with pytest.raises(OSError, match="cannot list the folder"):
        list(in_threads(lambda n: n, broken(), max_workers=size))


@pytest.mark.parametrize("size", [1, 2])
def test_a_run_that_is_left_early_starts_no_other_item(size: int) -> None:
    started: list[int] = []
    numbers = Numbers()
    results: Any = in_threads(started.append, numbers, max_workers=size)
    next(results)
    results.close()
    read, begun = numbers.read, len(started)
    assert read <= 1 + 2 * size
    assert begun <= read
    assert not workers(), "and nobody works on"


def test_a_run_that_is_left_early_waits_for_items_in_flight() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), []

    def work(number: int) -> int:
        if number == 2:
            begun.set()
            go_on.wait(SOON)
            ended.append(number)
        return number

    results: Any = in_threads(work, [1, 2], max_workers=2)
    assert next(results) == 1
    assert begun.wait(SOON)
    go_on.set()
    results.close()
    assert ended == [2]


def test_a_hanging_worker_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a daemon, and closing waits for it a few seconds at most."""
    monkeypatch.setattr("wx_static_store.upload.workers.GRACE", 0.05)
    peer, hanging, at_it = threading.Event(), threading.Event(), list[threading.Thread]()

    def work(number: int) -> int:
        if number == 2:
            at_it.append(threading.current_thread())
            hanging.set()
            peer.wait(SOON)
        return number

    results: Any = in_threads(work, [1, 2], max_workers=2)
    next(results)
    assert hanging.wait(SOON)
    results.close()
    (worker,) = at_it
    assert worker.is_alive()
    assert worker.daemon
    peer.set()
    for worker in workers():
        worker.join(SOON)


# --- a pool of several callers -----------------------------------------------------------------


def test_runs_at_the_same_time_share_the_workers() -> None:
    together, seen = threading.Barrier(2), set[threading.Thread]()

    def note(number: int) -> int:
        together.wait(SOON)
        seen.add(threading.current_thread())
        return number

    with WorkerPool(2) as shared:
        one, other = (shared.run(note, range(50)) for _ in range(2))
        assert sorted([next(one), *other, *one]) == sorted([*range(50)] * 2)
    assert len(seen) == 2


def test_each_run_gets_the_results_of_its_own_items() -> None:
    with WorkerPool(4) as shared:
        one, other = shared.run(abs, range(40)), shared.run(str, range(40))
        first = next(one)
        assert {*other} == {str(number) for number in range(40)}
        assert {first, *one} == {*range(40)}


def test_an_error_of_one_run_leaves_the_others_of_its_pool_alone() -> None:
    def fail(number: int) -> int:
        raise Surprise

    with WorkerPool(2) as shared:
        other = shared.run(abs, range(50))
        next(other)
        with pytest.raises(Surprise):
            list(shared.run(fail, range(50)))
        assert len([*other]) == 49


def test_a_call_that_is_cancelled_before_its_turn_is_never_made() -> None:
    made, go_on = list[int](), threading.Event()
    with WorkerPool(2) as shared:
        for _ in range(2):
            shared.submit(go_on.wait, SOON)
        assert shared.submit(made.append, 1).cancel()
        go_on.set()
    assert made == []


def test_the_patience_of_a_pool_ends_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks, and however often: what hangs keeps nobody for longer."""
    now = [100.0]
    monkeypatch.setattr(pool.time, "monotonic", lambda: now[0])
    workers, seconds = WorkerPool(2), list[float]()
    for passed in (0, 1, 5):
        now[0] += passed
        seconds.append(workers.patience())
    assert seconds == [3.0, 2.0, 0.0]


def test_a_later_run_has_the_whole_patience_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(pool.time, "monotonic", lambda: now[0])
    workers = WorkerPool(2)
    workers.patience()
    now[0] += 2 * pool.GRACE
    assert workers.patience() == 0.0
    now[0] += 0.1
    assert workers.patience() == pool.GRACE


@pytest.mark.parametrize("count", [1, 2])
def test_the_deadlines_of_a_worker_end_by_the_moment_of_whoever_called(count: int) -> None:
    with ending_by(7.0):
        [latest] = in_threads(lambda seconds: Deadline.after(seconds).at, [1e9], max_workers=count)
    assert latest == 7.0


def test_an_idle_thread_keeps_no_result() -> None:
    """Of a list's page these would be megabytes in each thread."""
    with WorkerPool(2) as some:
        result = weakref.ref(some.submit(Numbers).result())
        wait_for(lambda: result() is None, "the end of the result", SOON)
