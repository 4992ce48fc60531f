"""
Ctrl-C and SIGTERM in a command: they act at once while it waits, else as soon as it waits.

An exception inside a bookkeeping step loses what the step records. Therefore a run is `held`,
and its waits (for a result, a lock, an answer on the terminal) are `interruptible`.
"""

import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from ..i18n import gettext as _

LONGEST = 10.0  # seconds that an interrupted command may take to end, whatever hangs
EXIT_CODE = 130  # of a command that was interrupted

_DEFAULTS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


class _State:
    """The state that the signal handlers and the main thread share."""

    handled = held = waiting = False  # `handled`: our handlers are installed
    came_at = 0.0  # when the first one came, by the monotonic clock


@contextmanager
def handled() -> Iterator[None]:
    """
    Raise KeyboardInterrupt on SIGTERM as on Ctrl-C while the block runs in the main thread.

    An interrupted block that does not end in `LONGEST` seconds is ended with the process.
    """
    # A process that has handlers of its own keeps them.
    ours = [number for number, default in _DEFAULTS.items() if signal.getsignal(number) is default]
    if _State.handled or not _in_main_thread() or not ours:
        yield
        return
    # The watchdog reads a socket: Python calls no handler while SQLite waits for a lock.
    ended, (signals_end, wakeup_end) = threading.Event(), socket.socketpair()
    wakeup_end.setblocking(False)
    # Started before it is needed: a handler must take no lock that the main thread may hold.
    watchdog = threading.Thread(target=_watch, args=(signals_end, ours, ended), daemon=True)
    watchdog.start()
    _State.handled, _State.came_at = True, 0.0
    before = signal.set_wakeup_fd(wakeup_end.fileno(), warn_on_full_buffer=False)
    try:
        for number in ours:
            signal.signal(number, _interrupt)
        yield
    finally:
        for number in ours:
            signal.signal(number, _DEFAULTS[number])
        _State.handled, _State.came_at = False, 0.0
        signal.set_wakeup_fd(before)
        ended.set()
        wakeup_end.close()
        watchdog.join()
        signals_end.close()


@contextmanager
def held() -> Iterator[None]:
    """Hold back KeyboardInterrupt while the block runs, and raise it at its end if it came."""
    if _State.held or not _in_main_thread():
        yield
        return
    with handled():
        _State.held = True
        try:
            yield
        finally:
            _State.held = False
        check()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let KeyboardInterrupt come while the block waits for something."""
    if not (_State.held and _in_main_thread()):
        yield
        return
    _State.waiting = True
    try:
        check()
        yield
    finally:
        _State.waiting = False


def check() -> None:
    """Raise KeyboardInterrupt if the run was interrupted."""
    if _State.came_at and _in_main_thread():
        raise KeyboardInterrupt


def leave(*, for_good: bool) -> NoReturn:
    """End an interrupted command; at the end of the process no signal changes its exit code."""
    for number in _DEFAULTS if for_good else ():
        signal.signal(number, signal.SIG_IGN)
    sys.exit(EXIT_CODE)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _interrupt(_number: int, _frame: Any) -> None:
    _State.came_at = _State.came_at or time.monotonic()
    if _State.waiting or not _State.held:
        _State.waiting = False
        raise KeyboardInterrupt


def _watch(signals: socket.socket, ours: Sequence[int], ended: threading.Event) -> None:
    """End the process `LONGEST` seconds after one of our signals, unless the block ended."""
    while number := signals.recv(1):  # empty: the other end is closed
        if number[0] in ours:
            if not ended.wait(LONGEST):
                _give_up()
            return


def _give_up() -> None:
    # Without Python's own exit, which would wait for what hangs.
    text = _(
        "The command did not end within %(seconds)d s after it was interrupted; it is ended now. "
        "Rows of the log may be missing: the next deploy looks at the cloud itself.",
        seconds=LONGEST,
    )
    with suppress(OSError, ValueError):
        # Nobody may read the pipe: a write would wait for ever.
        if select.select([], [2], [], 1)[1]:
            os.write(2, f"\n{text}\n".encode())
    os._exit(EXIT_CODE)
