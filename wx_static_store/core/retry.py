"""The only retry loop, for every call: it follows the remedy of an exception, and a deadline."""

import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from ..exceptions import DeadlineExceeded, Remedy, WxStaticStoreError
from ..i18n import gettext_lazy as _
from .types import during

T = TypeVar("T")

REQUEST = 25.0  # seconds of a web request: many web servers end a worker after 30
READ_RATE = 64 * 1024  # bytes a second that must come; a default domain gives some 100 KB/s

_latest: ContextVar[float] = ContextVar("wx_static_store_latest", default=math.inf)


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
    longest_wait: float = math.inf  # seconds of waiting for a slot that may still be given back
    latest: float = field(default_factory=_latest.get)  # nothing moves it beyond

    def __post_init__(self) -> None:
        self.extend(0.0)

    @classmethod
    def after(cls, seconds: float, clock: Clock = Clock()) -> "Deadline":
        """Allow these seconds, and as many to wait for slots: a person or a client waits, too."""
        return cls(clock.now() + seconds, clock, longest_wait=seconds)

    def extend(self, seconds: float) -> None:
        """Allow more seconds: the file is larger than was known."""
        self.at = min(self.at + seconds, self.latest)

    def patience(self) -> float:
        """Return the seconds that a wait for a slot may take."""
        now = self.clock.now()
        return min(self.longest_wait, self.latest - now) if self.at > now else 0.0

    def give_back(self, waited: float) -> None:
        """Exclude a wait for a slot from the file's own time."""
        given = min(waited, self.longest_wait)
        self.longest_wait -= given
        self.extend(given)

    def left(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.at - self.clock.now())

    def check(self, stage: str) -> None:
        if not self.left():
            raise DeadlineExceeded(_("The time for this upload is over"), stage=stage)


def ending_within(seconds: float) -> AbstractContextManager[float]:
    """Let each deadline made in the block end within these seconds from now."""
    return ending_by(time.monotonic() + seconds)


def ending_by(moment: float) -> AbstractContextManager[float]:
    """Let each deadline made in this block end by a moment of the monotonic clock."""
    return during(_latest, min(moment, _latest.get()))


def seconds_left() -> float:
    """Return the seconds until the moment of `ending_by`, never negative; without one infinite."""
    return max(0.0, _latest.get() - time.monotonic())


def ending_alike(function: Callable[..., T]) -> Callable[..., T]:
    """Return the function for another thread, where its deadlines end by the same moment."""
    moment = _latest.get()

    def call(*args: object) -> T:
        with ending_by(moment):
            return function(*args)

    return function if moment == math.inf else call


def backoff(attempt: int, chance: float) -> float:
    """Return a random time in seconds, of a window that doubles from 1 to 20: full jitter."""
    # The whole span is random: processes that met one throttle must not come back together.
    return chance * min(20.0, 2.0 ** min(attempt - 1, 5))


def run(
    attempt: Callable[[int], T],
    *,
    max_attempts: int,
    deadline: Deadline,
    on_error: Callable[[WxStaticStoreError], None] = lambda error: None,
    give_up: Callable[[], bool] = lambda: False,
    patient: bool = False,
) -> T:
    """
    Call `attempt(number)` until it succeeds or no remedy is left; return its result.

    `give_up()` says that no try follows this one. Who is `patient` waits more than once for what
    passes, also where the error allows one wait.
    """
    tried_once: set[type[WxStaticStoreError]] = set()
    for number in range(1, max_attempts + 1):
        try:
            return attempt(number)
        except WxStaticStoreError as error:
            failure = error.with_context(attempts=number)
        # Before the remedy: a refused token must be discarded, a sent body remembered.
        on_error(failure)
        spent = failure.once and type(failure) in tried_once
        spent = spent and not (patient and failure.remedy is Remedy.WAIT)
        delay = failure.pause
        if failure.remedy is Remedy.WAIT:
            delay += backoff(number, deadline.clock.random())
        over = spent or give_up() or number == max_attempts or delay >= deadline.left()
        if over or (failure.remedy.gives_up and not failure.once):
            # The last error is the answer: "no time left" would hide it.
            raise failure
        tried_once.add(type(failure))
        if delay:
            deadline.clock.sleep(delay)
    raise ValueError("max_attempts must be at least 1")
