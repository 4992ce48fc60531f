"""
Note how many bytes of a submission, or of a form's save, were sent, for a page that asks.

The note is in the cache that all processes share. Without such a cache there is no note; a cache
that fails changes nothing else.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar

from django.template.defaultfilters import filesizeformat

from ..conf import platform_options
from ..conf.cache_checks import is_for_all
from ..core.notes import Notes

PAUSE = 0.25  # seconds between two notes: a page asks less often
KEPT = 60  # seconds

# The function that notes the sent bytes of the save under way.
note_of_save: ContextVar[Callable[[int], None] | None] = ContextVar("note", default=None)


def shared_notes(kind: str, seconds: float = KEPT) -> Notes | None:
    """Return the notes in the cache that all processes share; None without such a cache."""
    cache = platform_options().token_cache
    return Notes(kind, cache, seconds=seconds) if is_for_all(cache) else None


def is_noted() -> bool:
    """Return whether there is a cache for notes."""
    return shared_notes("sent") is not None


def note_of(digest: str) -> Callable[[int], None] | None:
    """Return a function that notes the sent bytes of a submission; None without one or a cache."""
    notes, due = shared_notes("sent") if digest else None, 0.0
    if notes is None:
        return None

    def note(sent: int) -> None:
        nonlocal due
        if (now := time.monotonic()) < due:
            return
        notes.write(digest, sent)
        # Each call may cost a timeout: a cache that failed is not called again for this file.
        due = float("inf") if notes.rests else now + PAUSE

    return note


def sent_of(*digests: str) -> list[int | None]:
    """Return the sent bytes of each submission; None if no notes are kept."""
    if (notes := shared_notes("sent")) is None:
        return [None] * len(digests)
    found = notes.read_many(digests)
    return [found[digest] or 0 for digest in digests]


def sizes() -> list[str]:
    """Return an example of each unit, such as 1.0 KB: the script writes sizes like these."""
    return [filesizeformat(size) for size in (1, 2, *(2 ** (10 * step) for step in range(1, 5)))]
