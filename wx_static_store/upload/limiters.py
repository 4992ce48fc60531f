"""Limit calls: how many run at once, and how many begin in a second in all processes together."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import TIMEOUT_MAX, Event, Lock
from uuid import uuid4

from ..core.notes import Notes
from ..core.retry import Deadline
from ..exceptions import DeadlineExceeded
from ..i18n import gettext_lazy as _

LOOK = 1.0  # seconds between two looks whether another process met a throttle
_SKEW = 60  # seconds that the clocks of two hosts may differ
_HOUR = 3600.0
_ROUNDS_BEFORE_REFUSED = 20  # of successes, before a width that was refused is tried again


class AdaptiveLimiter:
    """
    Limit how many calls run at once: half as many after a throttle, then slowly more.

    Slots go to callers in the order in which they came. A round of successes at the present width
    adds one more; the width that was refused last is tried again only after many rounds. Without
    `most` the first throttle sets a width. With `shared` notes it narrows also after a throttle of
    another process. With a `rate`, only calls that have a slot ask for a turn: a process with more
    slots gets more turns.
    """

    def __init__(
        self,
        throttle: type[Exception],
        most: float = math.inf,
        shared: Notes | None = None,
        rate: "Rate | None" = None,
    ) -> None:
        self.width: float = most
        self._most, self._throttle, self._shared, self._rate = most, throttle, shared, rate
        self._inside = 0
        self._peak = 0  # most that were inside at once since it narrowed
        self._refused = 0  # the width that was too much the last time
        self._successes = 0
        self._elders = 0  # went in before it narrowed: what they meet says nothing of the new width
        self._line = deque[Event]()  # of those who wait; an event is set with its slot
        self._lock = Lock()
        self._next_look = 0.0
        self._known: str | None = None  # the last throttle; None: the next look only learns

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Wait for a slot and its turn, which cost none of the caller's own time."""
        if self._shared:
            self._look(self._shared)
        self._enter(deadline)
        try:
            if self._rate:
                _wait_for_turn(self._rate, deadline)
            yield
        except BaseException as error:
            if self._shared and isinstance(error, self._throttle):
                self._known = None
                self._shared.write("throttle", uuid4().hex, _HOUR)
            self._leave(error)
            raise
        self._leave(None)

    def narrow(self) -> None:
        """Halve the width after a throttle, unless it was halved just now for the same one."""
        with self._lock:
            if self._peak and not self._elders:
                self._narrow()

    def _enter(self, deadline: Deadline) -> None:
        with self._lock:
            if self._inside < self.width:  # then nobody waits
                self._count_in()
                return
            self._line.append(ticket := Event())
        asked, came = deadline.clock.now(), False
        try:
            came = ticket.wait(min(deadline.patience(), TIMEOUT_MAX))
        finally:  # also when Ctrl-C ends the wait
            if not came:
                self._step_out(ticket)
        if not came:
            text = _("No call had a free slot for this upload in time")
            raise DeadlineExceeded(text, cause="slots")
        deadline.give_back(deadline.clock.now() - asked)

    def _step_out(self, ticket: Event) -> None:
        with self._lock:
            if ticket in self._line:
                self._line.remove(ticket)
            else:  # the slot came at this moment
                self._inside -= 1
                self._admit()

    def _admit(self) -> None:
        """Give the free slots to the first in line."""
        while self._line and self._inside < self.width:
            self._count_in()
            self._line.popleft().set()

    def _count_in(self) -> None:
        self._inside += 1
        self._peak = max(self._peak, self._inside)

    def _leave(self, error: BaseException | None) -> None:
        with self._lock:
            self._inside -= 1
            if self._elders:
                self._elders -= 1  # near enough: calls end about in the order in which they began
            elif isinstance(error, self._throttle):
                self._narrow()
            elif error is None:
                self._successes += 1
                rounds = _ROUNDS_BEFORE_REFUSED if self.width + 1 == self._refused else 1
                if self._successes >= rounds * self.width and self.width < self._most:
                    self.width, self._successes = self.width + 1, 0
            self._admit()

    def _narrow(self) -> None:
        self._refused, self.width = self._peak, max(1, self._peak // 2)
        self._peak = self._successes = 0
        self._elders = self._inside

    def _look(self, shared: Notes) -> None:
        """Narrow once after a throttle, however many calls of the other process met it."""
        with self._lock:
            if time.monotonic() < self._next_look:
                return
            self._next_look = time.monotonic() + LOOK
        found = shared.read("throttle") or ""
        is_new = self._known is not None and found not in ("", self._known)
        self._known = None if is_new else found
        if is_new:
            self.narrow()


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
        self._rate, self._turns = rate, math.ceil(rate)
        self._seconds = self._turns / rate
        self._shared, self._alone, self._now = shared, alone, now

    def turn(self, patience: float) -> float:
        """Return the seconds until the next turn; a number above `patience` if that is too late."""
        now = self._now()
        window = int(now // self._seconds)
        while (begins := window * self._seconds - now) <= patience:
            name, passed = f"rate:{self._rate}:{window}", max(0, int(-begins * self._rate))
            facts = name, passed, begins + self._seconds + _SKEW
            # While the cache fails, this process counts alone.
            number = self._shared.count(*facts) or self._alone.count(*facts) or 1
            if number <= self._turns:
                return max(0.0, begins + (number - 1) / self._rate)
            window += 1
        return math.inf


def _wait_for_turn(rate: Rate, deadline: Deadline) -> None:
    seconds = rate.turn(patience := deadline.patience())
    if seconds > patience:
        text = _("API_RATE allows no call within the time for this upload")
        raise DeadlineExceeded(text, cause="slots", pause=patience)
    if seconds:
        deadline.clock.sleep(seconds)
        deadline.give_back(seconds)
