"""The limiter of calls of one process: narrower after a throttle, then slowly wider."""

from __future__ import annotations

import math
import threading
from contextlib import suppress
from itertools import zip_longest

import pytest

from tests.waiting import in_threads, wait_for
from wx_static_store.core.retry import Deadline
from wx_static_store.exceptions import DeadlineExceeded
from wx_static_store.upload import limiters
from wx_static_store.upload.limiters import AdaptiveLimiter

SOON = 5.0  # seconds; what does not happen until then never will


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

    assert list(in_threads(enter, range(2), max_workers=2)) == [meet, meet]


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

    assert sorted(in_threads(enter, range(300), max_workers=16)) == [*range(300)]


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

    with limiter.slot(Deadline(math.inf)):
        monkeypatch.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), limiter.slot(Deadline.after(0.01)):
            pytest.fail("it began")
    assert (limiter._inside, len(limiter._line)) == (0, 0)


def test_a_call_that_finds_a_free_slot_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiters, "Event", None)
    with AdaptiveLimiter(Throttle, 1).slot(Deadline(0)):
        pass


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
