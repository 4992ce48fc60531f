"""The only worker threads: a bounded pool, and a thread that beats."""

import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import islice
from typing import Any, Self, TypeVar

from ..core.interrupts import interruptible
from ..core.retry import ending_alike

Item = TypeVar("Item")
Result = TypeVar("Result")

GRACE = 3.0  # seconds that whoever ends a run waits for what is under way


class WorkerPool:
    """Call functions in threads, `max_workers` at once; with one worker in the caller's own."""

    def __init__(self, max_workers: int) -> None:
        self.max_workers = max_workers
        # Calls that should be under way, so that no worker waits for the next one.
        self.capacity: int = 2 * max_workers if max_workers > 1 else 1
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
            # A daemon, unlike those of ThreadPoolExecutor: a peer that hangs keeps no process.
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
        while call := self._calls.get():
            _call(*call)
            del call  # an idle thread keeps no result


def _call(future: Future[Result], function: Callable[..., Result], args: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function(*args))
    except BaseException as error:  # noqa: BLE001 -- whoever reads the future raises it
        future.set_exception(error)


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
