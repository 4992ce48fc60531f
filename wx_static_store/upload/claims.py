"""
Names that a save is about to take, and objects that a failed form abandoned, by the shared cache.

A name is claimed from before the look until the row of the upload is written: a list may be late.
Without a log, the claim lasts for a minute. An object that a form uploaded before it failed
has no row: the next save of the same bytes under the same name uses it, and needs no suffix.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..conf import Options
from ..core.notes import Notes

LOOKS = 3  # a key that is neither free nor held was released meanwhile, or the cache keeps nothing
SECONDS = 60  # until then a save has ended, or its object is in the list
SCOPE = ""  # the pytest plugin gives each test its own
ABANDONED_SECONDS = 15 * 60  # until then a failed form is usually sent again


@dataclass(frozen=True, slots=True)
class Save:
    """A finished save: the name that was asked for, the name that it took, the bytes."""

    storage: Any
    asked: str
    name: str
    content: Any


# The finished saves of a form that is validated: it may fail after them.
current_saves: ContextVar[list[Save] | None] = ContextVar("saves", default=None)
# The claim of the save under way, which takes names: Django has no way to hand it over.
current_claim: ContextVar["Claim | None"] = ContextVar("claim", default=None)


class Claim:
    """
    The keys that one save has claimed: no other save takes them until its row shows what is there.

    If the cache fails or keeps nothing, every claim succeeds. Whoever gives the id of a save that
    was killed holds its claims.
    """

    def __init__(self, save_id: str = "") -> None:
        # Not by thread: a worker serves one request after the other in the same thread.
        self._id = save_id or uuid4().hex
        self.of_a_person = False  # whose name may get a suffix without a look
        self.max_length: int | None = None  # of the name
        self._held: dict[str, Notes] = {}

    def take(self, options: Options, key: str, seconds: float = SECONDS) -> bool:
        """Claim the key for some seconds; return False if another save has claimed it."""
        claims = notes_of("claim", options, SECONDS)
        for _look in range(LOOKS):
            if claims.first(key, self._id, seconds):
                break
            if (holder := claims.read(key)) is not None:
                if holder != self._id:
                    return False
                break
        self._held[key] = claims
        return True

    def release(self, *keys: str) -> None:
        """End the claim on these keys, or on all: others see what is there, or nothing is."""
        for key in keys or [*self._held]:
            claims = self._held.pop(key, None)
            if claims and claims.read(key) == self._id:
                claims.forget(key)  # or the claim ends by itself


def drop_claim(options: Options, key: str) -> None:
    """End the claim of any save on a key whose object was deleted."""
    notes_of("claim", options, SECONDS).forget(key)


def note_abandoned(options: Options, asked: str, size: int, md5: str, key: str) -> None:
    """Note that the object at this key belongs to no row: the form that saved it failed."""
    notes_of("left", options, ABANDONED_SECONDS).write(f"{asked}:{size}", [md5, key])
    notes_of("left-at", options, ABANDONED_SECONDS).write(key, 1)


def abandoned_object(options: Options, asked: str, size: int) -> tuple[str, str]:
    """Return MD5 and key of the object that a failed form left for this key, or empty texts."""
    found = notes_of("left", options, ABANDONED_SECONDS).read(f"{asked}:{size}")
    md5, key = found or ("", "")
    return md5, key


def claim_abandoned(options: Options, key: str) -> bool:
    """Take the abandoned object; return False if it was written again, or another save took it."""
    return notes_of("left-at", options, ABANDONED_SECONDS).take(key)


def drop_abandoned(options: Options, key: str) -> None:
    """Let no save take the object at this key: whoever wrote it last may have a row of it."""
    notes_of("left-at", options, ABANDONED_SECONDS).forget(key)


def notes_of(kind: str, options: Options, seconds: float) -> Notes:
    """Return what all processes remember of an environment, by kind."""
    return Notes(kind, options.token_cache, seconds=seconds, about=f"{SCOPE}{options.env}")
