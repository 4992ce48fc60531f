"""Wait for what another thread, process or connection is about to do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 60.0  # seconds for anything that must come; nothing takes so long


def wait_for(condition: Callable[[], T], what: str = "what the test waits for") -> T:
    """Wait until the condition is true, and return its value."""
    until = time.monotonic() + PATIENCE
    while not (seen := condition()):
        assert time.monotonic() < until, f"it never came: {what}"
        time.sleep(0.005)
    return seen
