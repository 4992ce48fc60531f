"""A context variable that has a value in one block."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def during(variable: ContextVar[Any], value: T) -> Iterator[T]:
    """Let the variable have the value inside the block; Python itself can do it from 3.14 on."""
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)
