"""Wait for what another thread, process or connection is about to do."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

from wx_static_store.core.retry import Clock

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
