"""The only worker threads: bounded in flight, errors surface, serial with one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from wx_static_store.pool import Gate, run

SOON = 5.0  # seconds; what does not happen until then never will


class Numbers:
    """An endless source that knows how far it was read."""

    def __init__(self, stop: int = 1_000) -> None:
        self.read, self.stop = 0, stop

    def __iter__(self) -> Iterator[int]:
        while self.read < self.stop:
            self.read += 1
            yield self.read


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "wx-static-store"]


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    before = len(workers())
    yield
    assert len(workers()) == before


@pytest.mark.parametrize("size", [1, 2, 8])
def test_every_item_has_its_result(size: int) -> None:
    assert sorted(run(lambda n: n * n, range(50), max_workers=size)) == [n * n for n in range(50)]


@pytest.mark.parametrize("size", [1, 4])
def test_no_item_no_result_no_thread(size: int) -> None:
    assert list(run(lambda n: n, [], max_workers=size)) == []


def test_one_worker_is_the_caller_s_own_thread_in_order() -> None:
    """So that a debugger can step into it, and a database connection is the caller's."""
    found = list(run(lambda n: (n, threading.current_thread()), range(5), max_workers=1))
    assert found == [(n, threading.current_thread()) for n in range(5)]


def test_one_worker_reads_no_further_than_it_gives() -> None:
    numbers = Numbers()
    results = run(lambda n: n, numbers, max_workers=1)
    assert [next(results), next(results), numbers.read] == [1, 2, 2]
    results.close()  # type: ignore[attr-defined]


def test_several_workers_work_at_once() -> None:
    together = threading.Barrier(4)
    assert sorted(run(lambda _: together.wait(SOON), range(4), max_workers=4)) == [0, 1, 2, 3]


def test_no_more_threads_than_workers_and_no_more_than_items() -> None:
    seen: set[int] = set()

    def note(number: int) -> None:
        seen.add(threading.get_ident())
        most.append(len(workers()))

    most: list[int] = []
    list(run(note, range(100), max_workers=3))
    assert max(most) <= 3
    assert threading.get_ident() not in seen
    most.clear()
    list(run(note, range(2), max_workers=64))
    assert max(most) <= 2


def test_the_source_is_read_only_as_far_as_there_is_room() -> None:
    """A million files do not become a million queued objects."""
    numbers = Numbers()
    results = run(lambda n: n, numbers, max_workers=2)
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

    results = run(slow_first, range(3), max_workers=2)
    first, second = next(results), next(results)
    others.set()
    assert {first, second} == {1, 2}
    assert list(results) == [0]


class Surprise(BaseException):
    """Not even an Exception."""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, Surprise])
@pytest.mark.parametrize("size", [1, 4])
def test_what_a_worker_raises_surfaces(size: int, error: type[BaseException]) -> None:
    """The future is always read: no upload that fails in a thread vanishes."""

    def fail(number: int) -> int:
        if number == 3:
            raise error("of number 3")
        return number

    with pytest.raises(error, match="of number 3"):
        list(run(fail, range(10), max_workers=size))


def test_what_was_begun_before_an_error_is_given_before_it() -> None:
    begun, all_begun = [], threading.Event()

    def fail(number: int) -> int:
        if number == 3:
            all_begun.wait(SOON)
            raise Surprise
        begun.append(number)
        if len(begun) == 3:
            all_begun.set()
        return number

    given: list[int] = []
    with pytest.raises(Surprise):
        given.extend(run(fail, range(4), max_workers=2))
    assert sorted(given) == [0, 1, 2]


@pytest.mark.parametrize("size", [1, 2])
def test_after_an_error_nothing_more_is_started(size: int) -> None:
    started = []

    def fail(number: int) -> None:
        started.append(number)
        raise Surprise

    numbers = Numbers()
    with pytest.raises(Surprise):
        list(run(fail, numbers, max_workers=size))
    assert numbers.read <= 2 * size
    assert len(started) <= 2 * size


@pytest.mark.parametrize("size", [1, 2])
def test_an_error_of_the_source_surfaces(size: int) -> None:
    def broken() -> Iterator[int]:
        yield from range(3)
        raise OSError("cannot list the folder")

    with pytest.raises(OSError, match="cannot list the folder"):
        list(run(lambda n: n, broken(), max_workers=size))


@pytest.mark.parametrize("size", [1, 2])
def test_left_early_it_hands_out_nothing_more(size: int) -> None:
    started: list[int] = []
    numbers = Numbers()
    results: Any = run(started.append, numbers, max_workers=size)
    next(results)
    results.close()
    read, begun = numbers.read, len(started)
    assert read <= 1 + 2 * size
    assert begun <= read
    assert not workers(), "and nobody works on"


def test_left_early_it_waits_for_what_is_in_flight() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), []

    def work(number: int) -> int:
        if number == 2:
            begun.set()
            go_on.wait(SOON)
            ended.append(number)
        return number

    results: Any = run(work, [1, 2], max_workers=2)
    assert next(results) == 1
    assert begun.wait(SOON)
    go_on.set()
    results.close()
    assert ended == [2]


def test_a_hanging_worker_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a daemon, and closing waits for it a few seconds at most."""
    monkeypatch.setattr("wx_static_store.pool._GRACE", 0.05)
    peer, hanging = threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number == 2:
            hanging.set()
            peer.wait(SOON)
        return number

    results: Any = run(work, [1, 2], max_workers=2)
    next(results)
    assert hanging.wait(SOON)
    results.close()
    assert [thread.daemon for thread in workers()] == [True]
    (worker,) = workers()
    peer.set()
    worker.join(SOON)


@pytest.mark.parametrize(("width", "meet"), [(2, True), (1, False)])
def test_a_gate_lets_only_so_many_in(width: int, meet: bool) -> None:
    """Two workers wait for each other inside: through a gate for one they cannot meet."""
    gate, together = Gate(width), threading.Barrier(2)

    def enter(_: int) -> bool:
        with gate:
            try:
                together.wait(SOON if meet else 0.1)
            except threading.BrokenBarrierError:
                return False
            return True

    assert list(run(enter, range(2), max_workers=2)) == [meet, meet]


def test_a_gate_opens_again_after_an_error() -> None:
    gate = Gate(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="inside"), gate:
            raise ValueError("inside")
    with gate:
        pass
