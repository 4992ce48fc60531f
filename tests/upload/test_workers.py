"""The only worker threads: bounded in flight, errors surface, serial with one."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import zip_longest
from typing import Any

import pytest

from tests.tables import each
from tests.waiting import wait_for
from wx_static_store.core.retry import Deadline, ending_by
from wx_static_store.exceptions import DeadlineExceeded
from wx_static_store.upload import workers as pool
from wx_static_store.upload.workers import AdaptiveLimiter, WorkerPool, run

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
def test_no_items_give_no_result_and_start_no_thread(size: int) -> None:
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


@each("error", [ValueError, KeyboardInterrupt, SystemExit, Surprise])
@each("size", [1, 4])
def test_what_a_worker_raises_surfaces(size: int, error: type[BaseException]) -> None:
    """The future is always read: no upload that fails in a thread vanishes."""

    def fail(number: int) -> int:
        if number == 3:
            raise error("of number 3")
        return number

    with pytest.raises(error, match="of number 3"):
        list(run(fail, range(10), max_workers=size))


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


def test_a_thread_that_cannot_be_started_is_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        list(run(abs, [1], max_workers=2))


@pytest.mark.parametrize("size", [1, 2])
def test_no_item_is_started_after_an_error(size: int) -> None:
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
def test_a_run_that_is_left_early_starts_no_other_item(size: int) -> None:
    started: list[int] = []
    numbers = Numbers()
    results: Any = run(started.append, numbers, max_workers=size)
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

    results: Any = run(work, [1, 2], max_workers=2)
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


# --- AdaptiveLimiter --------------------------------------------------------------------------


class Throttle(Exception):
    """What the other side says when there are too many."""


def through(limiter: AdaptiveLimiter, count: int, *errors: Exception) -> None:
    """So many inside at once; the first of them meet the errors."""
    calls = [limiter.slot(Deadline(math.inf)) for _ in range(count)]
    for call in calls:
        call.__enter__()
    for call, error in zip_longest(calls, errors):
        call.__exit__(error and type(error), error, None)


def succeed(limiter: AdaptiveLimiter, times: int) -> None:
    for _ in range(times):
        through(limiter, 1)


@pytest.mark.parametrize(("width", "meet"), [(2, True), (1, False)])
def test_a_limiter_lets_no_more_calls_in_than_its_width(width: int, meet: bool) -> None:
    """Two workers wait for each other inside: through a limiter of one they cannot meet."""
    limiter, together = AdaptiveLimiter(Throttle, width), threading.Barrier(2)

    def enter(_: int) -> bool:
        with limiter.slot(Deadline(math.inf)):
            try:
                together.wait(SOON if meet else 0.1)
            except threading.BrokenBarrierError:
                return False
            return True

    assert list(run(enter, range(2), max_workers=2)) == [meet, meet]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Throttle])
def test_a_limiter_frees_a_slot_after_an_error(error: type[BaseException]) -> None:
    limiter = AdaptiveLimiter(Throttle, 1)
    for _ in range(2):
        with pytest.raises(error, match="inside"), limiter.slot(Deadline(math.inf)):
            raise error("inside")
    with limiter.slot(Deadline(math.inf)):
        pass


def test_no_waiter_is_forgotten_while_a_limiter_s_width_changes() -> None:
    limiter = AdaptiveLimiter(Throttle, 8)

    def enter(number: int) -> int:
        with suppress(Throttle), limiter.slot(Deadline(math.inf)):
            if number % 7 == 0:
                raise Throttle
        return number

    assert sorted(run(enter, range(300), max_workers=16)) == [*range(300)]


def test_whoever_leaves_and_comes_back_at_once_stands_behind_those_who_wait() -> None:
    limiter, order = AdaptiveLimiter(Throttle, 1), list[int]()

    def enter(number: int) -> None:
        with limiter.slot(Deadline(math.inf)):
            order.append(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(5)]
    with limiter.slot(Deadline(math.inf)):
        for number, thread in enumerate(threads, start=1):
            thread.start()
            wait_for(lambda number=number: len(limiter._line) == number, "a thread in line")  # type: ignore[misc]
    enter(5)
    for thread in threads:
        thread.join(SOON)
    assert order == [0, 1, 2, 3, 4, 5]


def test_a_limiter_fails_a_call_that_may_wait_no_longer_and_forgets_it() -> None:
    limiter = AdaptiveLimiter(Throttle, 1)
    for deadline in (Deadline(0), Deadline.after(0.02)):
        with (
            limiter.slot(Deadline(math.inf)),
            pytest.raises(DeadlineExceeded, match="slot") as caught,
            limiter.slot(deadline),
        ):
            pytest.fail("it began")
        assert caught.value.cause == "slots"
        assert (limiter._inside, len(limiter._line)) == (0, 0)


def test_a_waiter_that_is_interrupted_keeps_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter, wait = AdaptiveLimiter(Throttle, 1), threading.Event.wait

    def interrupted(event: threading.Event, seconds: float) -> bool:
        wait(event, seconds)
        raise KeyboardInterrupt

    for deadline in (Deadline.after(5), Deadline.after(0.01)):  # a slot was free, none was
        with ExitStack() as stack:
            if deadline.left() < 1:
                stack.enter_context(limiter.slot(Deadline(math.inf)))
            monkeypatch.setattr(threading.Event, "wait", interrupted)
            with pytest.raises(KeyboardInterrupt), limiter.slot(deadline):
                pytest.fail("it began")
            monkeypatch.undo()
        assert (limiter._inside, len(limiter._line)) == (0, 0)


@pytest.mark.parametrize(("width", "half"), [(20, 10), (9, 4), (2, 1), (1, 1)])
def test_a_throttle_halves_the_width_of_a_limiter(width: int, half: int) -> None:
    limiter = AdaptiveLimiter(Throttle, width)
    through(limiter, width, Throttle())
    assert limiter.width == half


def test_throttles_of_one_moment_count_once() -> None:
    """All were sent before it was known that they are too many."""
    limiter = AdaptiveLimiter(Throttle, 20)
    through(limiter, 20, *[Throttle()] * 20)
    assert limiter.width == 10
    through(limiter, 10, *[Throttle()] * 10)
    assert limiter.width == 5


def test_a_throttle_halves_the_number_of_calls_that_were_inside() -> None:
    limiter = AdaptiveLimiter(Throttle, 20)
    through(limiter, 6, Throttle())
    assert limiter.width == 3


def test_a_limiter_without_a_width_learns_it_from_the_first_throttle() -> None:
    limiter = AdaptiveLimiter(Throttle)
    through(limiter, 30)
    assert limiter.width == math.inf
    through(limiter, 30, Throttle())
    assert limiter.width == 15


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt()])
def test_errors_other_than_throttles_leave_the_width_as_it_is(error: Exception) -> None:
    limiter = AdaptiveLimiter(Throttle, 2)
    through(limiter, 2, error)
    assert limiter.width == 2


def test_a_limiter_narrows_from_outside_once_until_those_inside_have_left() -> None:
    limiter = AdaptiveLimiter(Throttle, 20)
    with limiter.slot(Deadline(math.inf)), limiter.slot(Deadline(math.inf)):
        through(limiter, 6)
        limiter.narrow()
        limiter.narrow()
    assert limiter.width == 4


def test_a_limiter_that_nobody_used_is_not_narrowed_from_outside() -> None:
    limiter = AdaptiveLimiter(Throttle, 20)
    limiter.narrow()
    assert limiter.width == 20


def narrowed(width: int, most: int) -> AdaptiveLimiter:
    """Was refused at twice this width."""
    limiter = AdaptiveLimiter(Throttle, most)
    through(limiter, 2 * width, Throttle())
    assert limiter.width == width
    return limiter


def test_a_round_of_successes_makes_room_for_one_more() -> None:
    limiter = narrowed(10, most=20)
    succeed(limiter, 9)
    assert limiter.width == 10
    succeed(limiter, 1)
    assert limiter.width == 11
    succeed(limiter, 11)
    assert limiter.width == 12


def test_an_error_does_not_count_as_a_success() -> None:
    limiter = narrowed(2, most=4)
    for _ in range(10):
        through(limiter, 1, ValueError())
    assert limiter.width == 2


def test_a_limiter_tries_the_refused_width_again_only_after_many_rounds() -> None:
    """Each try may cost a refused call: one in 160 calls rather than one in thirty."""
    limiter = narrowed(4, most=20)
    succeed(limiter, 4 + 5 + 6)
    assert limiter.width == 7
    succeed(limiter, 20 * 7 - 1)
    assert limiter.width == 7
    succeed(limiter, 1)
    assert limiter.width == 8
    succeed(limiter, 8)
    assert limiter.width == 9, "it was not too many any more"


def test_a_limiter_never_grows_beyond_its_first_width() -> None:
    limiter = narrowed(2, most=4)
    succeed(limiter, 1_000)
    assert limiter.width == 4


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
        [latest] = run(lambda seconds: Deadline.after(seconds).at, [1e9], max_workers=count)
    assert latest == 7.0
