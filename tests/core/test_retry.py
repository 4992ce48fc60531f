"""The only retry loop, on a clock that does not wait."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.conftest import examples
from wx_static_store.causes import CAUSES
from wx_static_store.core.retry import (
    REQUEST,
    Clock,
    Deadline,
    backoff,
    ending_by,
    ending_within,
    run,
    seconds_left,
)
from wx_static_store.exceptions import (
    ConfigurationError,
    CosRefused,
    DeadlineExceeded,
    IntegrityError,
    LinkExpired,
    Remedy,
    TokenRejected,
    WeChatBusy,
    WeChatThrottled,
    WxStaticStoreError,
    error_of,
)


class Time:
    """A clock whose sleep moves it on; keeps the naps."""

    def __init__(self, chance: float = 1.0) -> None:
        self.seconds, self.naps = 1_000.0, []
        self.clock = Clock(now=lambda: self.seconds, sleep=self.sleep, random=lambda: chance)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds


class Attempts:
    """Fails with each of the errors in turn, then succeeds."""

    def __init__(self, *errors: Exception, takes: Callable[[], object] = lambda: None) -> None:
        self.errors, self.takes, self.numbers = list(errors), takes, []

    def __call__(self, number: int) -> str:
        self.numbers.append(number)
        self.takes()
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def go(attempts: Attempts, time: Time | None = None, **more: Any) -> str:
    time = time or Time()
    values = {"max_attempts": 4, "deadline": Deadline.after(1_000, time.clock)} | more
    return run(attempts, **values)


def always(error: Callable[[], WxStaticStoreError], times: int = 99) -> Attempts:
    return Attempts(*[error() for _ in range(times)])


# --- remedies -------------------------------------------------------------------------------


def test_a_success_is_returned_at_once() -> None:
    time, attempts = Time(), Attempts()
    assert go(attempts, time) == "done"
    assert (attempts.numbers, time.naps) == ([1], [])


@pytest.mark.parametrize("error", [ConfigurationError, CosRefused, WxStaticStoreError])
def test_an_error_with_give_up_is_not_retried(error: type[WxStaticStoreError]) -> None:
    attempts = always(lambda: error("x"))
    with pytest.raises(error):
        go(attempts)
    assert attempts.numbers == [1]


def test_an_error_with_wait_waits_longer_each_time() -> None:
    time, attempts = Time(), Attempts(*[WeChatBusy("x") for _ in range(3)])
    assert go(attempts, time) == "done"
    assert attempts.numbers == [1, 2, 3, 4]
    assert time.naps == [1.0, 2.0, 4.0], "the whole of each window, as chance is 1"


@pytest.mark.parametrize("error", [LinkExpired, TokenRejected])
def test_a_new_link_or_token_is_tried_at_once(error: type[WxStaticStoreError]) -> None:
    time, attempts = Time(), Attempts(error("x"))
    assert go(attempts, time) == "done"
    assert time.naps == []


@pytest.mark.parametrize("cause", ["TokenRejected", "IntegrityError", "AccessDenied"])
def test_what_may_be_tried_once_more_is_tried_once_more(cause: str) -> None:
    """Even if its remedy is a change: a link that COS denies says nothing of the next one."""
    attempts = always(lambda: error_of(CAUSES[cause], "x"))
    with pytest.raises(WxStaticStoreError):
        go(attempts)
    assert attempts.numbers == [1, 2]


def test_once_counts_apart_for_each_kind_of_error() -> None:
    attempts = Attempts(TokenRejected("x"), IntegrityError("x"))
    assert go(attempts) == "done"


def test_a_remedy_that_works_once_is_not_tried_again_after_another_error() -> None:
    attempts = Attempts(TokenRejected("x"), WeChatBusy("x"), TokenRejected("x"))
    with pytest.raises(TokenRejected):
        go(attempts)
    assert attempts.numbers == [1, 2, 3]


@pytest.mark.parametrize("kind", [WeChatBusy, TokenRejected])
def test_who_is_patient_waits_again_for_what_passes_and_for_nothing_else(
    kind: type[WxStaticStoreError],
) -> None:
    attempts = always(lambda: kind("x", once=True))
    with pytest.raises(kind):
        go(attempts, patient=True)
    assert attempts.numbers == ([1, 2, 3, 4] if kind is WeChatBusy else [1, 2])


def test_who_gives_up_tries_no_more_and_gets_the_error_as_it_was() -> None:
    attempts = always(lambda: WeChatBusy("x"))
    with pytest.raises(WeChatBusy) as caught:
        go(attempts, give_up=lambda: len(attempts.numbers) == 2)
    assert (attempts.numbers, caught.value.remedy) == ([1, 2], Remedy.WAIT)


def test_a_remedy_without_once_is_tried_to_the_last_attempt() -> None:
    attempts = always(lambda: LinkExpired("x"))
    with pytest.raises(LinkExpired):
        go(attempts)
    assert attempts.numbers == [1, 2, 3, 4]


def test_the_last_error_is_raised() -> None:
    with pytest.raises(WeChatBusy, match="second"):
        go(Attempts(LinkExpired("first"), WeChatBusy("second")), max_attempts=2)


@pytest.mark.parametrize("most", [1, 2, 4])
def test_there_are_no_more_attempts_than_allowed(most: int) -> None:
    attempts = always(lambda: WeChatBusy("x"))
    with pytest.raises(WeChatBusy) as caught:
        go(attempts, max_attempts=most)
    assert attempts.numbers == list(range(1, most + 1))
    assert caught.value.attempts == most


def test_the_loop_does_not_sleep_after_the_last_attempt() -> None:
    time = Time()
    with pytest.raises(WeChatBusy):
        go(always(lambda: WeChatBusy("x")), time, max_attempts=2)
    assert len(time.naps) == 1


def test_less_than_one_attempt_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        go(Attempts(), max_attempts=0)


def test_an_error_that_is_not_ours_passes_at_once() -> None:
    attempts = Attempts(KeyError("a bug"))
    with pytest.raises(KeyError):
        go(attempts)
    assert attempts.numbers == [1]


def test_an_error_has_no_other_as_its_context() -> None:
    """Else a traceback would show the frames, and the errors, of every attempt."""
    with pytest.raises(WeChatBusy) as caught:
        go(always(lambda: WeChatBusy("x")))
    assert caught.value.__context__ is None


# --- pauses ---------------------------------------------------------------------------------


def test_the_pause_of_an_error_is_added_to_the_backoff() -> None:
    time = Time(chance=0.0)
    go(Attempts(WeChatThrottled("x")), time)
    assert time.naps == [2.0]
    time = Time(chance=1.0)
    go(Attempts(WeChatThrottled("x", pause=60.0)), time)
    assert time.naps == [61.0]


def test_a_pause_holds_for_a_remedy_that_does_not_wait_too() -> None:
    time = Time()
    go(Attempts(LinkExpired("x", pause=3.0)), time)
    assert time.naps == [3.0]


# --- the deadline ---------------------------------------------------------------------------


def test_a_pause_beyond_the_deadline_is_not_begun() -> None:
    time = Time()
    with pytest.raises(WeChatThrottled):
        go(
            Attempts(WeChatThrottled("x", pause=60.0)),
            time,
            deadline=Deadline.after(30, time.clock),
        )
    assert time.naps == []


def test_no_attempt_begins_after_the_deadline() -> None:
    time = Time()
    attempts = Attempts(*[LinkExpired("x")] * 9, takes=lambda: time.sleep(10))
    with pytest.raises(LinkExpired):
        go(attempts, time, deadline=Deadline.after(20, time.clock))
    assert attempts.numbers == [1, 2]


def test_a_deadline_s_remaining_seconds_are_never_negative() -> None:
    time = Time()
    deadline = Deadline.after(10, time.clock)
    assert deadline.left() == 10
    time.seconds += 9
    assert deadline.left() == 1
    deadline.check("put")
    time.seconds += 9
    assert deadline.left() == 0
    with pytest.raises(DeadlineExceeded) as caught:
        deadline.check("put")
    assert caught.value.stage == "put"
    assert isinstance(caught.value, TimeoutError)


# --- on_error -------------------------------------------------------------------------------


def test_on_error_gets_each_error_before_its_remedy_is_tried() -> None:
    errors = []
    time, attempts = Time(), Attempts(TokenRejected("first"), WeChatBusy("second"))

    def note(error: WxStaticStoreError) -> None:
        errors.append((error.message, error.attempts, len(attempts.numbers), len(time.naps)))

    go(attempts, time, on_error=note)
    assert errors == [("first", 1, 1, 0), ("second", 2, 2, 0)]


def test_on_error_gets_the_last_error_too() -> None:
    errors: list[WxStaticStoreError] = []
    with pytest.raises(ConfigurationError):
        go(Attempts(ConfigurationError("x")), on_error=errors.append)
    assert len(errors) == 1


def test_on_error_may_change_the_remedy() -> None:
    attempts = always(lambda: WeChatBusy("x"))
    with pytest.raises(WeChatBusy):
        go(attempts, on_error=lambda error: error.with_context(remedy=Remedy.CHANGE))
    assert attempts.numbers == [1]


# --- properties -----------------------------------------------------------------------------


@examples(200)
@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_backoff_lies_between_nothing_and_its_cap(attempt: int, chance: float) -> None:
    """H6, and no overflow for large numbers."""
    assert 0 <= backoff(attempt, chance) <= 20
    assert backoff(attempt, 0.5) == backoff(attempt, 1.0) / 2, "the mean is half the window"


def test_the_window_of_the_backoff_doubles_up_to_its_cap() -> None:
    windows = [backoff(number, 1.0) for number in range(1, 9)]
    assert windows == [1, 2, 4, 8, 16, 20, 20, 20]


_ERRORS = st.sampled_from(
    [WeChatBusy, WeChatThrottled, TokenRejected, LinkExpired, IntegrityError, CosRefused]
)


@examples(200)
@given(
    st.lists(_ERRORS, max_size=8),
    st.integers(1, 6),
    st.floats(0.5, 120),
    st.floats(0, 30),
    st.floats(0, 1, exclude_max=True),
)
def test_any_sequence_of_failures_is_bounded(
    kinds: list[type[WxStaticStoreError]], most: int, seconds: float, takes: float, chance: float
) -> None:
    """H5: attempts within their limit, no attempt begun after the deadline."""
    time = Time(chance)
    deadline, begun = Deadline.after(seconds, time.clock), []

    def attempt() -> None:
        begun.append(deadline.left())
        time.seconds += takes

    attempts = Attempts(*[kind("x") for kind in kinds], takes=attempt)
    try:
        outcome = go(attempts, time, max_attempts=most, deadline=deadline)
    except WxStaticStoreError as error:
        outcome = type(error).__name__
    assert outcome == "done" or outcome in {kind.__name__ for kind in kinds}
    assert len(begun) <= min(most, len(kinds) + 1)
    assert all(left > 0 for left in begun)


def test_a_deadline_gives_back_the_waits_for_slots_up_to_as_long_again() -> None:
    deadline = Deadline.after(10, Time().clock)
    deadline.give_back(4)
    assert (deadline.left(), deadline.patience()) == (14, 6)
    deadline.give_back(8)
    assert (deadline.left(), deadline.patience()) == (20, 0)


def test_a_deadline_may_give_back_every_wait() -> None:
    deadline = Deadline(1_010, Time().clock)
    deadline.give_back(4_000)
    assert (deadline.left(), deadline.patience()) == (4_010, math.inf)


def test_nobody_waits_for_a_slot_beyond_the_moment_of_its_block_or_without_time() -> None:
    time = Time()
    with ending_by(time.seconds + 10):
        assert Deadline.after(25, time.clock).patience() == 10
    assert Deadline(time.seconds, time.clock).patience() == 0


def test_a_deadline_is_extended_for_a_larger_file() -> None:
    deadline = Deadline.after(10, Time().clock)
    deadline.extend(5)
    assert deadline.left() == 15


# --- the moment by which all deadlines end -------------------------------------------------------


def test_a_deadline_is_not_moved_beyond_the_moment_of_its_block() -> None:
    time = Time()
    with ending_by(time.seconds + 10):
        deadline = Deadline.after(25, time.clock)
        short = Deadline.after(5, time.clock)
    deadline.extend(100)
    deadline.give_back(100)
    short.extend(2)
    assert (deadline.left(), short.left()) == (10, 7)
    assert Deadline.after(25, time.clock).left() == 25


def test_an_inner_block_does_not_end_later_than_the_outer_one() -> None:
    time = Time()
    with ending_by(time.seconds + 10), ending_by(time.seconds + 20):
        assert Deadline.after(25, time.clock).left() == 10


def test_the_seconds_left_are_infinite_without_a_moment() -> None:
    assert seconds_left() == math.inf
    with ending_by(0):
        assert seconds_left() == 0


def test_a_request_is_over_before_many_web_servers_end_it() -> None:
    assert REQUEST < 30


def test_no_deadline_made_in_the_block_ends_after_its_seconds() -> None:
    with ending_within(8):
        assert 7 < Deadline.after(60).left() <= 8
    assert seconds_left() == math.inf
