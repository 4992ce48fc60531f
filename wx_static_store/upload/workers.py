"""The only worker threads: a bounded pool, the limiter of calls, and a thread that beats."""

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import islice
from typing import Any, Self, TypeVar

from ..core.interrupts import interruptible
from ..core.retry import Deadline, ending_alike
from ..exceptions import DeadlineExceeded
from ..i18n import gettext_lazy as _

Item = TypeVar("Item")
Result = TypeVar("Result")

GRACE = 3.0  # seconds that whoever ends a run waits for what is under way
_ROUNDS_BEFORE_REFUSED = 20  # of successes, before a width that was refused is tried again


class WorkerPool:
    """
    Call functions in worker threads, `max_workers` at once.

    The threads are daemons, unlike those of ThreadPoolExecutor: a peer that hangs does not keep the
    process. With one worker a call is made at once, in the caller's thread.
    """

    def __init__(self, max_workers: int) -> None:
        self.max_workers = max_workers
        # Calls that should be under way, so that no worker waits for the next one.
        self.capacity = 2 * max_workers if max_workers > 1 else 1
        self._calls: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._until = math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _thread in self._threads:
            self._calls.put(None)
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join(self.patience())

    def patience(self) -> float:
        """Return the seconds left to wait for running calls, since the first question."""
        now = time.monotonic()
        if now > self._until + GRACE:  # that was another run
            self._until = math.inf
        self._until = min(self._until, now + GRACE)
        return max(0.0, self._until - now)

    def submit(self, function: Callable[..., Result], *args: Any) -> Future[Result]:
        """Return the future of `function(*args)`."""
        future: Future[Result] = Future()
        if self.max_workers == 1:
            with interruptible():
                _call(future, function, args)
            return future
        if len(self._threads) < self.max_workers:
            thread = threading.Thread(target=self._work, daemon=True, name="wx-static-store")
            self._threads.append(thread)  # first: Ctrl-C may come while it starts
            thread.start()
        self._calls.put((future, ending_alike(function), args))
        return future

    def run(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield `function(item)` of each item, as they finish; raise the first exception."""
        finished: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
        futures = set[Future[Result]]()

        def submit(some: Iterable[Item]) -> None:
            for item in some:
                futures.add(future := self.submit(function, item))
                future.add_done_callback(finished.put)

        rest = iter(items)
        try:
            submit(islice(rest, self.capacity))
            while futures:
                with interruptible():
                    future = finished.get()
                futures.remove(future)
                yield future.result()
                submit(islice(rest, 1))
        finally:
            for future in futures:
                future.cancel()

    def _work(self) -> None:
        for call in iter(self._calls.get, None):
            _call(*call)


def _call(future: Future[Result], function: Callable[..., Result], args: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function(*args))
    except BaseException as error:  # noqa: BLE001 -- whoever reads the future raises it
        future.set_exception(error)


def run(
    function: Callable[[Item], Result], items: Iterable[Item], *, max_workers: int
) -> Iterator[Result]:
    """Yield `function(item)` of each item, as they finish, by a pool of its own."""
    with WorkerPool(max_workers) as pool:
        yield from pool.run(function, items)


@contextmanager
def every(seconds: float, function: Callable[[], object]) -> Iterator[None]:
    """Call `function` now and then while the block runs."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds):
            function()

    thread = threading.Thread(target=beat, daemon=True, name="wx-static-store-beat")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(GRACE)


class AdaptiveLimiter:
    """
    Limit how many calls run at once: half as many after a throttle, then slowly more.

    Slots go to callers in the order in which they came, so that nobody who comes back at once is
    served before those who wait. A round of successes at the present width adds one more slot; the
    width that was refused last is tried again only after many rounds. Without `most` the first
    throttle sets a width.
    """

    def __init__(self, throttle: type[Exception], most: float = math.inf) -> None:
        self.width = self._most = most
        self._throttle = throttle
        self._inside = 0
        self._peak = 0  # most that were inside at once since it narrowed
        self._refused = 0  # the width that was too much the last time
        self._successes = 0
        self._elders = 0  # went in before it narrowed: what they meet says nothing of the new width
        self._line = deque[threading.Event]()  # of those who wait; an event is set with its slot
        self._lock = threading.Lock()

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Wait for a slot, which costs none of the caller's own time; raises DeadlineExceeded."""
        asked = deadline.clock.now()
        self._enter(deadline.patience())
        deadline.give_back(deadline.clock.now() - asked)
        try:
            yield
        except BaseException as error:
            self._leave(error)
            raise
        self._leave(None)

    def narrow(self) -> None:
        """Halve the width after a throttle, unless it was halved just now for the same one."""
        with self._lock:
            if self._peak and not self._elders:
                self._narrow()

    def _enter(self, patience: float) -> None:
        ticket, came = threading.Event(), False
        with self._lock:
            self._line.append(ticket)
            self._admit()
        try:
            came = ticket.wait(min(patience, threading.TIMEOUT_MAX))
        finally:  # also when Ctrl-C ends the wait
            if not came:
                self._step_out(ticket)
        if not came:
            raise DeadlineExceeded(
                _("No call had a free slot for this upload in time"),
                cause="slots",
            )

    def _step_out(self, ticket: threading.Event) -> None:
        with self._lock:
            if ticket in self._line:
                self._line.remove(ticket)
            else:  # the slot came at this moment
                self._inside -= 1
                self._admit()

    def _admit(self) -> None:
        """Give the free slots to the first in line."""
        while self._line and self._inside < self.width:
            self._inside += 1
            self._peak = max(self._peak, self._inside)
            self._line.popleft().set()

    def _leave(self, error: BaseException | None) -> None:
        with self._lock:
            self._inside -= 1
            if self._elders:
                self._elders -= 1  # near enough: calls end about in the order in which they began
            elif isinstance(error, self._throttle):
                self._narrow()
            elif error is None:
                self._widen()
            self._admit()

    def _narrow(self) -> None:
        self._refused, self.width = self._peak, max(1, self._peak // 2)
        self._peak = self._successes = 0
        self._elders = self._inside

    def _widen(self) -> None:
        self._successes += 1
        rounds = _ROUNDS_BEFORE_REFUSED if self.width + 1 == self._refused else 1
        if self._successes >= rounds * self.width and self.width < self._most:
            self.width, self._successes = self.width + 1, 0
