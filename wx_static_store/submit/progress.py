"""
How far a submission is on its way to the cloud: noted by its sender, for a page that asks.

The note is in the cache that all processes share. Without one there is none, and a cache that fails
changes nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.core.cache import caches

from ..conf import platform_options
from ..conf.cache_checks import is_for_all
from ..core.shared_cache import SharedCache

PAUSE = 0.25  # seconds between two notes: a page asks less often
KEPT = 60  # seconds


def is_noted() -> bool:
    """Return whether there is a cache for notes."""
    return is_for_all(platform_options().token_cache)


def note_of(digest: str) -> Callable[[int], None] | None:
    """Return what notes the bytes sent of the submission with this digest; None: nothing can."""
    if not is_noted():
        return None
    cache, due = _cache(), 0.0

    def note(sent: int) -> None:
        nonlocal due
        if (now := time.monotonic()) < due:
            return
        cache.set(_name(digest), sent, KEPT)
        # Each question may cost a time-out: a cache that failed is not asked again for this file.
        due = float("inf") if cache.rests else now + PAUSE

    return note


def sent_of(digest: str) -> int | None:
    """Return the bytes of the submission that were sent; None where nobody notes them."""
    if not is_noted():
        return None
    found: Any = _cache().get(_name(digest))
    return found if isinstance(found, int) else 0


def _cache() -> SharedCache:
    return SharedCache(lambda: caches[platform_options().token_cache])


def _name(digest: str) -> str:
    return f"wx_static_store:sent:{digest}"
