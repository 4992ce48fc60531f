"""One CPU for threads that take turns anyway; nothing happens where the system has no such call."""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def a_cpu() -> set[int]:
    """One that threads of this process can be kept to; none where that is impossible or in vain."""
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    if not locked or not hasattr(os, "sched_setaffinity"):
        return set()
    with suppress(OSError):
        return {random.choice(sorted(os.sched_getaffinity(0)))}  # noqa: S311 -- no secret
    return set()


@contextmanager
def kept_to(cpu: set[int], thread: int) -> Iterator[None]:
    """
    The thread of this native id while the block runs, and what it starts meanwhile.

    With no `cpu`, or where the system refuses, all stays as it was. Another thread may leave the
    block.
    """
    before = set[int]()
    try:
        with suppress(OSError):
            if cpu:
                before = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, cpu)
        yield
    finally:
        with suppress(OSError):
            if before:
                os.sched_setaffinity(thread, before)
