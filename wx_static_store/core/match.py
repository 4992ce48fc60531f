"""Compare known bytes with an object in a list; every comparison is made here."""

from enum import StrEnum
from typing import Protocol

from .types import RemoteFile


class Known(Protocol):
    """The size and MD5 of a file, of a row of the log, or of an entry of a plan."""

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
    """Return whether the object has the known bytes; an absent size or MD5 matches all."""
    if remote is None:
        return Match.MISSING
    if known.size not in (None, remote.size):
        return Match.DIFFERS
    if not (known.md5 and remote.md5):
        return Match.UNSURE
    return Match.SAME if known.md5 == remote.md5 else Match.DIFFERS
