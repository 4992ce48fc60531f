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
from hashlib import md5
from threading import get_ident
from typing import Any

from django.core.cache import caches

from ..conf.options import Options
from ..core.shared_cache import SharedCache

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
    cache, name = SharedCache(lambda: caches[options.token_cache]), _name(options, key)
    for _look in range(LOOKS):
        if cache.add(name, _mine(), seconds):
            return True
        if (holder := cache.get(name)) is not None:
            return bool(holder == _mine())
    return True


def release(options: Options, key: str) -> None:
    """End the claim of this thread: nothing is stored at the key, or the list shows the object."""
    cache, name = SharedCache(lambda: caches[options.token_cache]), _name(options, key)
    if cache.get(name) == _mine():
        cache.delete(name)  # or the claim ends by itself


def note_abandoned(options: Options, asked: str, size: int, md5: str, name: str) -> None:
    """Note that the object of this name belongs to no row: the form that saved it failed."""
    cache = SharedCache(lambda: caches[options.token_cache])
    cache.set(_abandoned(options, asked, size), f"{md5} {name}", ABANDONED_SECONDS)


def abandoned_object(options: Options, asked: str, size: int) -> tuple[str, str]:
    """Return MD5 and name of the object that a failed form left for this key, or empty texts."""
    cache = SharedCache(lambda: caches[options.token_cache])
    found, _space, name = str(cache.get(_abandoned(options, asked, size), "")).partition(" ")
    return found, name


def claim_abandoned(options: Options, asked: str, size: int) -> bool:
    """Take the abandoned object; return False if another save took it first."""
    return bool(
        SharedCache(lambda: caches[options.token_cache]).delete(_abandoned(options, asked, size))
    )


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


def _abandoned(options: Options, asked: str, size: int) -> str:
    digest = md5(f"{options.env}:{asked}:{size}".encode(), usedforsecurity=False).hexdigest()
    return f"wx_static_store:left:{digest}"


def _mine() -> str:
    return f"{os.getpid()}:{get_ident()}"


def _name(options: Options, key: str) -> str:
    digest = md5(f"{options.env}:{key}".encode(), usedforsecurity=False).hexdigest()
    return f"wx_static_store:name:{digest}"
