"""
Names that a save is about to take, and objects that a failed form abandoned, by the shared cache.

A name is claimed between the list call and the PUT. An object that a form uploaded before it failed
has no row: the next save of the same bytes under the same name uses it, and needs no suffix.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import get_ident
from typing import Any

from ..conf import Options
from ..core.notes import Notes

LOOKS = 3  # a key that is neither free nor held was released meanwhile, or the cache keeps nothing
SECONDS = 60  # until then a save has ended, or its object is in the list
ABANDONED_SECONDS = 15 * 60  # until then a failed form is usually sent again


@dataclass(frozen=True, slots=True)
class Save:
    """A finished save: the name that was asked for, the name that it took, the bytes."""

    storage: Any
    asked: str
    name: str
    content: Any


_saves: ContextVar[list[Save] | None] = ContextVar("saves", default=None)


def claim(options: Options, key: str, seconds: float = SECONDS) -> bool:
    """
    Claim the key for this thread for some seconds; return False if another thread has claimed it.

    If the cache fails or keeps nothing, every claim succeeds.
    """
    claims = _claims(options)
    for _look in range(LOOKS):
        if claims.first(key, _mine(), seconds):
            return True
        if (holder := claims.read(key)) is not None:
            return bool(holder == _mine())
    return True


def release(options: Options, key: str) -> None:
    """End the claim of this thread: nothing is stored at the key, or the list shows the object."""
    claims = _claims(options)
    if claims.read(key) == _mine():
        claims.forget(key)  # or the claim ends by itself


def note_abandoned(options: Options, asked: str, size: int, md5: str, name: str) -> None:
    """Note that the object of this name belongs to no row: the form that saved it failed."""
    _abandoned(options).write(f"{asked}:{size}", [md5, name])


def abandoned_object(options: Options, asked: str, size: int) -> tuple[str, str]:
    """Return MD5 and name of the object that a failed form left for this key, or empty texts."""
    md5, name = _abandoned(options).read(f"{asked}:{size}") or ("", "")
    return md5, name


def claim_abandoned(options: Options, asked: str, size: int) -> bool:
    """Take the abandoned object; return False if another save took it first."""
    return _abandoned(options).take(f"{asked}:{size}")


@contextmanager
def remembered_saves() -> Iterator[list[Save]]:
    """Collect the saves inside the block, for a form that may fail after them."""
    saves: list[Save] = []
    token = _saves.set(saves)
    try:
        yield saves
    finally:
        _saves.reset(token)


def remember(save: Save) -> None:
    if (saves := _saves.get()) is not None:
        saves.append(save)


def _abandoned(options: Options) -> Notes:
    return Notes("left", options.token_cache, seconds=ABANDONED_SECONDS, about=str(options.env))


def _mine() -> str:
    return f"{os.getpid()}:{get_ident()}"


def _claims(options: Options) -> Notes:
    return Notes("claim", options.token_cache, seconds=SECONDS, about=str(options.env))
