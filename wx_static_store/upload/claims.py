"""Names that are about to be taken: noted in the shared cache between the look and the PUT."""

from __future__ import annotations

import os
from hashlib import md5
from threading import get_ident

from django.core.cache import caches

from ..conf.options import Options
from ..core.shared_cache import SharedCache

LOOKS = 3  # a key that is neither free nor held was released between, or the cache keeps nothing
SECONDS = 60  # in which a save has ended, or its object is in the list


def claim(options: Options, key: str) -> bool:
    """
    Claim the key for this thread; False while another one has claimed it, a minute at most.

    Where the cache fails, or keeps nothing, every claim holds.
    """
    cache, name = SharedCache(lambda: caches[options.token_cache]), _name(options, key)
    for _look in range(LOOKS):
        if cache.add(name, _mine(), SECONDS):
            return True
        if (holder := cache.get(name)) is not None:
            return bool(holder == _mine())
    return True


def release(options: Options, key: str) -> None:
    """Let others claim this thread's key: nothing is stored there, or the list shows what is."""
    cache, name = SharedCache(lambda: caches[options.token_cache]), _name(options, key)
    if cache.get(name) == _mine():
        cache.delete(name)  # or the claim ends by itself


def _mine() -> str:
    return f"{os.getpid()}:{get_ident()}"


def _name(options: Options, key: str) -> str:
    digest = md5(f"{options.env}:{key}".encode(), usedforsecurity=False).hexdigest()
    return f"wx_static_store:name:{digest}"
