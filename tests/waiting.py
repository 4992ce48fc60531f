"""Work in several threads, and wait for what another thread, process or connection does."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from wx_static_store.core.retry import Clock
from wx_static_store.upload.workers import WorkerPool

Item = TypeVar("Item")
T = TypeVar("T")
PATIENCE = 60.0  # seconds for anything that must come; nothing takes so long


def loaded(seconds: float) -> float:
    """Return how many seconds these may take where more processes than cores want to run."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_for(
    condition: Callable[[], T], what: str = "what the test waits for", seconds: float = PATIENCE
) -> T:
    """Wait until the condition is true, and return its value."""
    until = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < until, f"it never came: {what}"
        time.sleep(0.005)
    return seen


def skipping_clock() -> Clock:
    """Return a clock that jumps where another one sleeps."""
    skipped = [0.0]

    def sleep(seconds: float) -> None:
        skipped[0] += seconds

    return Clock(now=lambda: time.monotonic() + skipped[0], sleep=sleep, random=lambda: 0.5)


def in_threads(
    function: Callable[[Item], T], items: Iterable[Item], *, max_workers: int
) -> Iterator[T]:
    """Yield `function(item)` of each item, as they finish, by a pool of its own."""
    with WorkerPool(max_workers) as pool:
        yield from pool.run(function, items)
