"""The baggage of an exception: the errors that it wraps, and local variables that are secrets."""

import os
import signal
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from functools import wraps
from types import CodeType
from typing import Any, ParamSpec, TypeVar

from .secrets import masked

P = ParamSpec("P")
T = TypeVar("T")

# Where code is that no project wrote.
_LIBRARIES = (
    *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
    os.path.dirname(os.path.dirname(__file__)),
    "<frozen",
)


def wrapped(error: BaseException, handled: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and all errors that it wraps, without those that the caller was handling."""
    seen, todo = {id(handled)}, [error]
    while todo:
        link = todo.pop(0)
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            others = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
            todo += [inner for inner in others if isinstance(inner, BaseException)]


def clearing_frames(function: Callable[P, T]) -> Callable[P, T]:
    """Let an exception leave the function without the local variables of what it called."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        handled = sys.exc_info()[1]
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            # The functions and lines of the traceback stay.
            for link in wrapped(error, handled):
                traceback.clear_frames(link.__traceback__)
            raise

    return call


def described(error: BaseException) -> str:
    """Return the class and the masked text of a project's error, and its last line of their own."""
    steps = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__)]
    own = [(path, line) for path, line in steps if not path.startswith(_LIBRARIES)]
    place = "".join(f" ({os.path.basename(path)}, line {line})" for path, line in own[-1:])
    text = " ".join(masked(str(error)).split())[:300]
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}"


def is_from_signal(error: BaseException) -> bool:
    """Return whether a signal handler raised the error."""
    # Such an error belongs to the owner of the handler: nobody else may catch it.
    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()}
    return any(frame.f_code in handlers for frame, _ in traceback.walk_tb(error.__traceback__))


def _code(handler: Any) -> CodeType | None:
    # A handler may be a method, or an object that can be called.
    if callable(handler) and not hasattr(handler, "__code__"):
        handler = getattr(handler, "__func__", handler.__call__)
    code = getattr(handler, "__code__", None)
    return code if isinstance(code, CodeType) else None
