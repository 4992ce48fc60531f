"""Compare bytes that we know of with the object that a list shows: one answer for all who ask."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .types import RemoteFile


class Known(Protocol):
    """What a file of a tree, a row of the log and the memory of a plan have in common."""

    @property
    def size(self) -> int | None: ...

    @property
    def md5(self) -> str | None: ...


class Match(StrEnum):
    SAME = "same"
    UNSURE = "unsure"  # the sizes agree, and one side has no MD5
    DIFFERS = "differs"
    MISSING = "missing"


def match(known: Known, remote: RemoteFile | None) -> Match:
    """Return whether the object has the known bytes; a size or an MD5 that is absent fits all."""
    if remote is None:
        return Match.MISSING
    if known.size not in (None, remote.size):
        return Match.DIFFERS
    if not (known.md5 and remote.md5):
        return Match.UNSURE
    return Match.SAME if known.md5 == remote.md5 else Match.DIFFERS
