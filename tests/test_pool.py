"""The only worker threads: bounded in flight, errors surface, serial with one."""

from __future__ import annotations

import math
import os
import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from itertools import zip_longest
from typing import Any

import pytest

from tests.conftest import can_share_a_cpu
from wx_static_store import cpus as cpus_module, pool
from wx_static_store.pool import Batch, Crew, Gate, beside, run

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
    results.close()


def test_several_workers_work_at_once() -> None:
    together = threading.Barrier(4)
    assert sorted(run(lambda _: together.wait(SOON), range(4), max_workers=4)) == [0, 1, 2, 3]


def cpus() -> frozenset[int]:
    """Which this thread may use."""
    return frozenset(os.sched_getaffinity(0))


def on_one_cpu(
    function: Callable[[Any], Any], items: Iterable[Any], max_workers: int = 2
) -> Generator[Any, None, None]:
    with Crew(max_workers, one_cpu=True) as crew:
        yield from run(function, items, max_workers=max_workers, crew=crew)


def cpus_of(*, one_cpu: bool) -> set[tuple[frozenset[int], frozenset[int]]]:
    """Those of each of four workers, and of the caller meanwhile."""
    together = threading.Barrier(4)

    def where(_: int) -> frozenset[int]:
        together.wait(SOON)
        return cpus()

    with Crew(4, one_cpu=one_cpu) as crew:
        found = run(where, range(4), max_workers=4, crew=crew)
        return {(worker, cpus()) for worker in found}


@can_share_a_cpu
def test_workers_share_one_cpu_with_the_caller() -> None:
    [(workers, caller)] = cpus_of(one_cpu=True)
    assert workers == caller
    assert len(caller) == 1


def fail(number: int) -> None:
    raise ZeroDivisionError


def numbers_and_an_error() -> Iterator[int]:
    yield 1
    raise ZeroDivisionError


@can_share_a_cpu
@pytest.mark.parametrize(
    ("function", "items"),
    [(abs, [1, 2, 3]), (fail, [1]), (abs, numbers_and_an_error())],
    ids=["all is done", "a worker fails", "the items fail"],
)
def test_at_the_end_the_caller_has_all_cpus_again(function: Any, items: Any) -> None:
    before = cpus()
    with suppress(ZeroDivisionError):
        list(on_one_cpu(function, items))
    assert cpus() == before


@can_share_a_cpu
@pytest.mark.parametrize("in_another_thread", [False, True])
def test_who_gives_up_has_all_cpus_again(in_another_thread: bool) -> None:
    before = cpus()
    results = on_one_cpu(abs, [1, 2, 3])
    next(results)
    assert cpus() < before
    if in_another_thread:
        other = threading.Thread(target=results.close)
        other.start()
        other.join(SOON)
    else:
        results.close()
    assert cpus() == before


@can_share_a_cpu
def test_an_interruption_right_after_the_cpu_was_taken_gives_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, take = cpus(), os.sched_setaffinity

    def take_and_be_interrupted(thread: int, cpu: set[int]) -> None:
        take(thread, cpu)
        if len(cpu) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "sched_setaffinity", take_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(on_one_cpu(abs, [1]))
    assert cpus() == before


@can_share_a_cpu
def test_where_no_thread_can_be_started_that_is_said_and_the_cpu_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = cpus()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        next(on_one_cpu(abs, [1]))
    assert cpus() == before


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
        list(run(abs, range(9), max_workers=4))
    assert not any(thread.is_alive() for thread in started)


@can_share_a_cpu
def test_one_worker_stays_where_the_caller_is() -> None:
    before = cpus()
    assert list(on_one_cpu(lambda _: cpus(), range(2), max_workers=1)) == [before] * 2


@can_share_a_cpu
def test_workers_use_any_cpu_unless_they_are_told_to_share_one() -> None:
    assert cpus_of(one_cpu=False) == {(cpus(), cpus())}


@can_share_a_cpu
@pytest.mark.parametrize("call", ["sched_getaffinity", "sched_setaffinity"])
def test_where_the_system_refuses_one_cpu_workers_take_any(
    monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, call, refuse)
    assert sorted(on_one_cpu(lambda n: n, range(9), max_workers=3)) == list(range(9))


@pytest.mark.parametrize("locked", [True, False])
def test_without_python_s_lock_no_cpu_is_shared(
    monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: locked, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cpus_module.a_cpu() == ({3} if locked else set())


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
    peer, hanging, at_it = threading.Event(), threading.Event(), list[threading.Thread]()

    def work(number: int) -> int:
        if number == 2:
            at_it.append(threading.current_thread())
            hanging.set()
            peer.wait(SOON)
        return number

    results: Any = run(work, [1, 2], max_workers=2)
    next(results)
    assert hanging.wait(SOON)
    results.close()
    (worker,) = at_it
    assert worker.is_alive()
    assert worker.daemon
    peer.set()
    for worker in workers():
        worker.join(SOON)


# --- several at a time --------------------------------------------------------------------------


def by(crew: Crew, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    return run(function, items, max_workers=crew.max_workers, crew=crew)


def test_batches_at_the_same_time_share_the_workers() -> None:
    together, seen = threading.Barrier(2), set[threading.Thread]()

    def note(number: int) -> int:
        together.wait(SOON)
        seen.add(threading.current_thread())
        return number

    with Crew(2) as crew:
        one, other = (by(crew, note, range(50)) for _ in range(2))
        assert sorted([next(one), *other, *one]) == sorted([*range(50)] * 2)
    assert len(seen) == 2


def test_each_gets_the_results_of_its_own_items() -> None:
    with Crew(4) as crew:
        one, other = by(crew, abs, range(40)), by(crew, str, range(40))
        first = next(one)
        assert {*other} == {str(number) for number in range(40)}
        assert {first, *one} == {*range(40)}


def test_the_first_step_waits_for_no_result() -> None:
    """What begins beside something else must not hold it up."""
    go_on = threading.Event()
    for many in (1, 50):
        with Crew(4) as crew:
            steps = Batch(crew, lambda _: go_on.wait(SOON)).steps(range(many))
            next(steps)
            go_on.set()
            assert len(list(steps)) == many
            go_on.clear()


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt, Surprise])
def test_where_one_breaks_off_the_others_are_interrupted(
    size: int, error: type[BaseException]
) -> None:
    def fail(_: int) -> None:
        raise error

    with Crew(size) as crew:
        other = by(crew, abs, range(50))
        next(other)
        with pytest.raises(error):
            next(by(crew, fail, [1]))
        with pytest.raises(KeyboardInterrupt):
            list(other)


@pytest.mark.parametrize("size", [1, 2])
def test_a_crew_that_was_stopped_begins_nothing(size: int) -> None:
    numbers: list[int] = []
    with Crew(size) as crew:
        crew.stop()
        with pytest.raises(KeyboardInterrupt):
            list(by(crew, numbers.append, range(9)))
    assert numbers == []


def test_what_waits_for_a_worker_is_dropped_when_the_crew_is_stopped() -> None:
    begun, hanging, go_on = [], threading.Event(), threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        hanging.set()
        go_on.wait(SOON)

    with Crew(2) as crew:
        steps = Batch(crew, work).steps(range(4))
        next(steps)
        assert hanging.wait(SOON)
        crew.stop()
        go_on.set()
        with pytest.raises(KeyboardInterrupt):
            list(steps)
    assert len(begun) <= 2


def test_a_crew_has_room_when_few_items_wait_and_no_batch_has_more() -> None:
    go_on = threading.Event()
    with Crew(4) as crew:
        steps = Batch(crew, lambda _: go_on.wait(SOON)).steps(range(9))
        next(steps)
        assert not crew.has_room, "one more is to come, and four wait"
        go_on.set()
        list(steps)
        assert crew.has_room
        crew.stop()
        assert not crew.has_room


def test_a_crew_has_no_room_while_a_batch_has_more_items() -> None:
    """However few wait: they come as soon as its caller has time for it."""
    with Crew(4) as crew:
        steps = Batch(crew, abs).steps(range(20))
        for _ in range(9):
            next(steps)
        assert not crew.has_room
        steps.close()
        assert crew.has_room


def test_all_batches_have_the_patience_of_their_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, go_on, asked = threading.Event(), threading.Event(), list[float]()
    with Crew(2) as crew:
        steps = Batch(crew, lambda _: hanging.set() or go_on.wait(SOON)).steps([1])
        next(steps)
        assert hanging.wait(SOON)
        monkeypatch.setattr(crew, "patience", lambda: asked.append(0.0) or 0.0)
        steps.close()
        monkeypatch.undo()
        go_on.set()
    assert asked == [0.0]


def test_an_interruption_that_takes_a_result_along_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most often Ctrl-C comes when the caller wakes up for one."""

    class Interrupted(queue.SimpleQueue[Any]):
        def get(self, *how: Any) -> Any:
            super().get(*how)
            raise KeyboardInterrupt

    with Crew(2) as crew:
        batch = Batch(crew, abs, _news=Interrupted())
        with monkeypatch.context() as patch:
            patch.setattr(crew, "patience", lambda: pytest.fail("it waits"))
            with pytest.raises(KeyboardInterrupt):
                list(batch.steps([-1]))
    assert batch.finished == [1]


def test_the_patience_of_a_crew_ends_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(pool.time, "monotonic", lambda: now[0])
    crew, told = Crew(2), list[float]()
    for passed in (0, 1, 5):
        now[0] += passed
        told.append(crew.patience())
    assert told == [3.0, 2.0, 0.0]


# --- the gate ---------------------------------------------------------------------------------


class Throttle(Exception):
    """What the other side says when there are too many."""


def forever() -> float:
    return math.inf


def through(gate: Gate, count: int, *errors: Exception) -> None:
    """So many inside at once; the first of them meet the errors."""
    calls = [gate.entered(forever) for _ in range(count)]
    for call in calls:
        call.__enter__()
    for call, error in zip_longest(calls, errors):
        call.__exit__(error and type(error), error, None)


def succeed(gate: Gate, times: int) -> None:
    for _ in range(times):
        through(gate, 1)


@pytest.mark.parametrize(("width", "meet"), [(2, True), (1, False)])
def test_a_gate_lets_only_so_many_in(width: int, meet: bool) -> None:
    """Two workers wait for each other inside: through a gate for one they cannot meet."""
    gate, together = Gate(Throttle, width), threading.Barrier(2)

    def enter(_: int) -> bool:
        with gate.entered(forever):
            try:
                together.wait(SOON if meet else 0.1)
            except threading.BrokenBarrierError:
                return False
            return True

    assert list(run(enter, range(2), max_workers=2)) == [meet, meet]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Throttle])
def test_a_gate_opens_again_after_an_error(error: type[BaseException]) -> None:
    gate = Gate(Throttle, 1)
    for _ in range(2):
        with pytest.raises(error, match="inside"), gate.entered(forever):
            raise error("inside")
    with gate.entered(forever):
        pass


def test_nobody_is_forgotten_before_a_gate_whose_width_changes() -> None:
    gate = Gate(Throttle, 8)

    def enter(number: int) -> int:
        with suppress(Throttle), gate.entered(forever):
            if number % 7 == 0:
                raise Throttle
        return number

    assert sorted(run(enter, range(300), max_workers=16)) == [*range(300)]


def test_a_gate_holds_nobody_whose_time_is_over() -> None:
    gate = Gate(Throttle, 1)
    with gate.entered(forever), gate.entered(lambda: 0.0):
        pass


@pytest.mark.parametrize(("width", "half"), [(20, 10), (9, 4), (2, 1), (1, 1)])
def test_a_throttle_halves_what_may_be_inside(width: int, half: int) -> None:
    gate = Gate(Throttle, width)
    through(gate, width, Throttle())
    assert gate.width == half


def test_throttles_of_one_moment_count_once() -> None:
    """All were sent before it was known that they are too many."""
    gate = Gate(Throttle, 20)
    through(gate, 20, *[Throttle()] * 20)
    assert gate.width == 10
    through(gate, 10, *[Throttle()] * 10)
    assert gate.width == 5


def test_half_is_meant_of_those_that_were_inside() -> None:
    gate = Gate(Throttle, 20)
    through(gate, 6, Throttle())
    assert gate.width == 3


def test_a_gate_without_a_width_learns_it_from_the_first_throttle() -> None:
    gate = Gate(Throttle)
    through(gate, 30)
    assert gate.width == math.inf
    through(gate, 30, Throttle())
    assert gate.width == 15


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt()])
def test_other_errors_leave_the_width_as_it_is(error: Exception) -> None:
    gate = Gate(Throttle, 2)
    through(gate, 2, error)
    assert gate.width == 2


def narrowed(width: int, most: int) -> Gate:
    """Was refused at twice this width."""
    gate = Gate(Throttle, most)
    through(gate, 2 * width, Throttle())
    assert gate.width == width
    return gate


def test_a_round_of_successes_makes_room_for_one_more() -> None:
    gate = narrowed(10, most=20)
    succeed(gate, 9)
    assert gate.width == 10
    succeed(gate, 1)
    assert gate.width == 11
    succeed(gate, 11)
    assert gate.width == 12


def test_errors_are_no_successes() -> None:
    gate = narrowed(2, most=4)
    for _ in range(10):
        through(gate, 1, ValueError())
    assert gate.width == 2


def test_a_gate_tries_the_refused_width_again_only_after_many_rounds() -> None:
    """Each try may cost a refused call: one in 160 calls rather than one in thirty."""
    gate = narrowed(4, most=20)
    succeed(gate, 4 + 5 + 6)
    assert gate.width == 7
    succeed(gate, 20 * 7 - 1)
    assert gate.width == 7
    succeed(gate, 1)
    assert gate.width == 8
    succeed(gate, 8)
    assert gate.width == 9, "it was not too many any more"


def test_a_gate_never_grows_beyond_its_first_width() -> None:
    gate = narrowed(2, most=4)
    succeed(gate, 1_000)
    assert gate.width == 4


def test_what_runs_beside_a_block_is_waited_for() -> None:
    inside, heard = threading.Event(), list[bool]()
    with beside(lambda: heard.append(inside.wait(5))):
        inside.set()
    assert heard == [True]
