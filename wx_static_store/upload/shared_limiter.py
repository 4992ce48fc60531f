"""The limit of calls that all processes share: API_RATE, and throttles that any process met."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from ..core.notes import Notes
from ..core.retry import Deadline
from ..exceptions import DeadlineExceeded
from ..i18n import gettext_lazy as _
from .workers import AdaptiveLimiter

LOOK = 1.0  # seconds between two looks whether another process met a throttle
_SKEW = 60  # seconds that the clocks of two hosts may differ
_HOUR = 3600.0


class Rate:
    """
    Give each call its turn: `rate` a second, for all processes together.

    A shared counter numbers the calls of a window, which lasts about a second and has a whole
    number of turns. Calls beyond that number belong to the next window. The turns of a window that
    passed before its first call are not given out, so that an idle second makes no burst.
    """

    def __init__(
        self, rate: float, shared: Notes, alone: Notes, now: Callable[[], float] = time.time
    ) -> None:
        self.rate, self.turns = rate, math.ceil(rate)
        self._seconds = self.turns / rate
        self._shared, self._alone, self._now = shared, alone, now

    def turn(self, patience: float) -> float:
        """Return the seconds until the next turn; a number above `patience` if that is too late."""
        now = self._now()
        window = int(now // self._seconds)
        while (begins := window * self._seconds - now) <= patience:
            name, passed = f"rate:{self.rate}:{window}", max(0, int(-begins * self.rate))
            facts = name, passed, begins + self._seconds + _SKEW
            # While the cache fails, this process counts alone.
            number = self._shared.count(*facts) or self._alone.count(*facts) or 1
            if number <= self.turns:
                return max(0.0, begins + (number - 1) / self.rate)
            window += 1
        return math.inf


class SharedLimiter(AdaptiveLimiter):
    """
    An AdaptiveLimiter that keeps a rate, and narrows after a throttle of another process.

    Inside a process, calls begin in the order in which they came. Of several processes, the one
    that asks for its turn first has the earlier one, unless both ask in the same moment. Only calls
    that have a slot ask: a process with more slots gets more turns.
    """

    def __init__(
        self, throttle: type[Exception], most: float, shared: Notes, rate: Rate | None = None
    ) -> None:
        super().__init__(throttle, most)
        self._shared, self._rate = shared, rate
        self._next_look = 0.0
        self._known: str | None = None  # the last throttle; None: the next look only learns

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Wait for a slot and for its turn, which cost the caller none of its own time."""
        self._look()
        with super().slot(deadline):
            if self._rate:
                _wait_for_turn(self._rate, deadline)
            try:
                yield
            except self._throttle:
                self._known = None
                self._shared.write("throttle", uuid4().hex, _HOUR)
                raise

    def _look(self) -> None:
        """Narrow once after a throttle, however many calls of the other process met it."""
        with self._lock:
            if time.monotonic() < self._next_look:
                return
            self._next_look = time.monotonic() + LOOK
        found = self._shared.read("throttle") or ""
        is_new = self._known is not None and found not in ("", self._known)
        self._known = None if is_new else found
        if is_new:
            self.narrow()


def _wait_for_turn(rate: Rate, deadline: Deadline) -> None:
    seconds = rate.turn(patience := deadline.patience())
    if seconds > patience:
        raise DeadlineExceeded(
            _("API_RATE allows no call within the time for this upload"),
            cause="slots",
            pause=patience,
        )
    if seconds:
        deadline.clock.sleep(seconds)
        deadline.give_back(seconds)
