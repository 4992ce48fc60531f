"""State that all processes share through a cache: a token, and how the last fetch failed."""

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.notes import SharedCache, whole
from ..core.secrets import Secret
from ..exceptions import WxStaticStoreError, revived
from ..i18n import gettext_noop

logger = logging.getLogger("wx_static_store.tokens")

# Seals a text for the cache, and opens what lies there (of whatever type).
Seals = tuple[Callable[[str], str], Callable[[Any], Any]]

_TOKEN = re.compile(r"[\x21-\x7e]{1,2048}")
_DAY = 24 * 3600.0


@dataclass(frozen=True)
class SharedToken:
    """A token as the processes share it; the generation counts the refreshes."""

    token: Secret
    issued_at: float
    expires_in: float
    generation: int

    @classmethod
    def read(cls, value: Any) -> "SharedToken | None":
        try:
            if not _TOKEN.fullmatch(value["token"]):
                return None
            return cls(
                Secret(value["token"]),
                float(value["issued_at"]),
                float(value["expires_in"]),
                int(value["generation"]),
            )
        except (KeyError, OverflowError, TypeError, ValueError):
            return None

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {"token": self.token.reveal()}

    def is_older_than(self, other: "SharedToken") -> bool:
        """Compare time and generation: a newer token has an older time if a clock was set back."""
        return self.issued_at < other.issued_at and self.generation <= other.generation

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.token.reveal().encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TokenState:
    """The state of the newest token, as all processes share it, for operators."""

    age: float  # seconds since it was issued
    left: float  # seconds to its end; both are 0 where there is none
    usable: bool  # it is there, not refused, and its end is not near
    failure: WxStaticStoreError | None  # of the last fetch, while nobody may try again
    surprises: int  # tokens that WeChat refused too early, in the last hour


class SharedState:
    """
    Named JSON values with a lifetime in seconds, under one prefix of a Django cache.

    `seals` are the functions that encrypt a text for it and decrypt it. This process remembers what
    it wrote: while the cache is down, or where it keeps nothing, each process goes on alone.
    """

    def __init__(
        self,
        cache: str | Callable[[], Any],
        owner: str,
        now: Callable[[], float] = time.time,
        seals: Seals | None = None,
    ) -> None:
        self._seal, self._unseal = seals or (str, lambda value: value)
        self._cache = SharedCache(cache, lambda why: self._note(kept=False, why=why), now)
        self._now = now
        self._memory: dict[str, tuple[Any, float, float]] = {}
        self._prefix = f"wx_static_store:{hashlib.sha256(owner.encode()).hexdigest()[:16]}:"
        self.works = True  # the cache kept what it was given last

    def read(self, name: str) -> Any:
        """Return the shared value, or the value of this process if the cache lost it, or None."""
        try:
            return json.loads(self._unseal(self._cache.get(self._prefix + name)))
        except (TypeError, ValueError):  # nothing there, or somebody else's value
            value, left = self._remembered(name)
        if left:  # a cache that was started anew gets it again
            self._cache.add(self._prefix + name, self._seal(json.dumps(value)), whole(left))
            self._note(kept=self._cache.get(self._prefix + name) is not None)
        return value

    def write(self, name: str, value: Any, seconds: float) -> None:
        """Write, and read back: some caches swallow their errors, and others keep nothing."""
        self._remember(name, value, seconds)
        self._cache.set(self._prefix + name, self._seal(json.dumps(value)), whole(seconds))
        self._note(kept=self._cache.get(self._prefix + name) is not None)

    def claim(self, name: str, seconds: float) -> bool:
        """Return True to the first caller in `seconds`; a claim cannot be released."""
        if self._remembered(name)[1] or not self._is_first(name, seconds):
            return False
        self._remember(name, True, seconds)
        return True

    def _is_first(self, name: str, seconds: float) -> bool:
        """Return whether nobody claimed the name before; True, too, while the cache fails."""
        for _ in range(2):  # the other's may end between the two questions
            if self._cache.add(self._prefix + name, "true", whole(seconds)) or self._cache.rests:
                return True
            if self._cache.get(self._prefix + name) is not None:
                return False
        self._note(kept=False)
        return True

    def _note(self, *, kept: bool, why: str = "it keeps nothing") -> None:
        """Log a failure once, until the cache keeps something again."""
        if not (kept or self._cache.rests):
            self._cache.rest(why)
        if self.works and not kept:
            text = gettext_noop(
                "The token cache fails (%s): each process goes on alone, and whoever fetches a "
                "token ends the others' within five minutes"
            )
            logger.warning(text, why)
        self.works = kept

    def _remember(self, name: str, value: Any, seconds: float) -> None:
        for old in [*self._memory]:
            if not self._remembered(old)[1]:
                self._memory.pop(old, None)
        self._memory[name] = (value, self._now(), seconds)

    def _remembered(self, name: str) -> tuple[Any, float]:
        """Return the value and its seconds left; a clock that was set back prolongs nothing."""
        value, since, seconds = self._memory.get(name, (None, 0.0, 0.0))
        left = seconds - (self._now() - since)
        return (value, left) if 0 < left <= seconds else (None, 0.0)


class SharedFailure:
    """The last failed fetch, so that no process tries again at once; `longest` is in seconds."""

    def __init__(self, shared: SharedState, now: Callable[[], float], *, longest: float) -> None:
        self._shared, self._now, self._longest = shared, now, longest

    def note(self, generation: int, attempt: int, error: WxStaticStoreError, pause: float) -> None:
        """Keep a failure for a day: the attempts are counted, as each has a lock of its own."""
        failure = {"generation": generation, "attempt": attempt, "until": self._now() + pause}
        self._shared.write("failure", failure | {"error": error.as_dict()}, _DAY)

    def of_generation(self, generation: int) -> tuple[int, WxStaticStoreError | None]:
        """Return how many attempts at a generation failed, and the last failure while it counts."""
        failure = self._shared.read("failure")
        try:
            if failure["generation"] != generation:
                return 0, None
            attempt, pause = int(failure["attempt"]), failure["until"] - self._now()
            error = revived(failure["error"])
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
            return 0, None
        counts = 0 < pause <= self._longest  # more: the clock was set back
        return attempt, error.with_context(pause=max(pause, error.pause)) if counts else None
