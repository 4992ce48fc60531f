"""The only retry loop, for every call: it follows the remedy of an exception, and a deadline."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..exceptions import DeadlineExceeded, Remedy, WxStaticStoreError
from ..i18n import gettext_lazy as _

T = TypeVar("T")

READ_RATE = 64 * 1024  # bytes a second that must come; a default domain gives some 100 KB/s
_LARGEST_EXPONENT = 32  # 2**32 seconds is beyond every cap; larger powers only cost time


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, sleep and chance, so that a test needs none of them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(slots=True)
class Deadline:
    """A moment of the monotonic clock after which nothing is started."""

    at: float
    clock: Clock = Clock()
    longest_wait: float = 0.0  # seconds of waiting for a slot that may still be given back

    @classmethod
    def after(cls, seconds: float, clock: Clock = Clock()) -> "Deadline":
        return cls(clock.now() + seconds, clock, longest_wait=seconds)

    def extend(self, seconds: float) -> None:
        """Allow that much more: the file is larger than was known."""
        self.at += seconds

    def give_back(self, waited: float) -> None:
        """Count a wait for a slot not as the file's own time, up to as long again in all."""
        given = min(waited, self.longest_wait)
        self.longest_wait -= given
        self.at += given

    def left(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.at - self.clock.now())

    def check(self, stage: str) -> None:
        if not self.left():
            raise DeadlineExceeded(_("The time for this upload is over"), stage=stage)


def backoff(attempt: int, chance: float, *, base: float = 0.5, cap: float = 20.0) -> float:
    """Return anything between nothing and the doubled base, in seconds: full jitter."""
    return chance * min(cap, base * 2.0 ** min(attempt, _LARGEST_EXPONENT))


def run(
    attempt: Callable[[int], T],
    *,
    max_attempts: int,
    deadline: Deadline,
    on_error: Callable[[WxStaticStoreError], None] = lambda error: None,
) -> T:
    """
    Call `attempt(number)` until it succeeds or no remedy is left; return its result.

    `on_error` gets each error before its remedy is tried (to discard a refused token, to
    remember that a body may be stored). An error that is not ours passes at once.
    """
    tried_once: set[type[WxStaticStoreError]] = set()
    for number in range(1, max_attempts + 1):
        try:
            return attempt(number)
        except WxStaticStoreError as error:
            failure = error.with_context(attempts=number)
        on_error(failure)
        spent = failure.once and type(failure) in tried_once
        delay = failure.pause
        if failure.remedy is Remedy.WAIT:
            delay += backoff(number, deadline.clock.random())
        if failure.remedy is Remedy.GIVE_UP or spent or number == max_attempts:
            raise failure
        if delay >= deadline.left():
            raise failure
        tried_once.add(type(failure))
        if delay:
            deadline.clock.sleep(delay)
    raise ValueError("max_attempts must be at least 1")
