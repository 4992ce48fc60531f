"""What all processes share through a cache: small values, a token among them."""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..secrets import Secret

logger = logging.getLogger("wx_static_store.tokens")

_REST_SECONDS = 2.0  # that a failing cache is left alone: each question may cost a timeout


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
            return cls(
                Secret(str(value["token"])),
                float(value["issued_at"]),
                float(value["expires_in"]),
                int(value["generation"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {"token": self.token.reveal()}

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.token.reveal().encode()).hexdigest()[:16]


class SharedState:
    """
    Named JSON values with a lifetime in seconds, under one prefix of a Django cache.

    `cache()` gives this thread's handle of it. This process remembers what it wrote: while the
    cache is down, or where it keeps nothing, each process goes on alone.
    """

    def __init__(
        self, cache: Callable[[], Any], owner: str, now: Callable[[], float] = time.time
    ) -> None:
        self._cache = cache
        self._now = now
        self._memory: dict[str, tuple[Any, float, float]] = {}
        self._failed_at: float | None = None
        self._told = False
        self._prefix = f"wx_static_store:{hashlib.sha256(owner.encode()).hexdigest()[:16]}:"

    @property
    def works(self) -> bool:
        """Whether the cache answered when it was asked last."""
        return self._failed_at is None

    def read(self, name: str) -> Any:
        """The shared value; what this process wrote, if the cache forgot it; else None."""
        try:
            return json.loads(self._ask("get", name))
        except (TypeError, ValueError):  # nothing there, or somebody else's value
            value, left = self._remembered(name)
        if left:  # a cache that was started anew is told again
            self._ask("add", name, json.dumps(value), timeout=_whole(left))
        return value

    def write(self, name: str, value: Any, seconds: float) -> None:
        self._remember(name, value, seconds)
        self._ask("set", name, json.dumps(value), timeout=_whole(seconds))

    def claim(self, name: str, seconds: float) -> bool:
        """True for the first who asks, until `seconds` are over; nobody can give it back."""
        if self._remembered(name)[1]:
            return False
        won = self._ask("add", name, "true", timeout=_whole(seconds))
        if won is False:
            return False
        self._remember(name, True, seconds)  # also where the cache does not answer
        return True

    def _ask(self, method: str, name: str, *args: Any, **kwargs: Any) -> Any:
        """What the cache answers; None while it fails, which is told once until it works again."""
        if self._failed_at is not None and 0 <= self._now() - self._failed_at < _REST_SECONDS:
            return None
        try:
            answer = getattr(self._cache(), method)(self._prefix + name, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 -- each cache has exceptions of its own
            failed = type(error).__name__  # its text may hold the token
        else:
            self._failed_at, self._told = None, False
            return answer
        self._failed_at = self._now()
        if not self._told:
            logger.warning(
                "The token cache fails (%s): each process goes on alone, and whoever fetches a "
                "token ends the others' within five minutes",
                failed,
            )
        self._told = True
        return None

    def _remember(self, name: str, value: Any, seconds: float) -> None:
        for old in [*self._memory]:
            if not self._remembered(old)[1]:
                self._memory.pop(old, None)
        self._memory[name] = (value, self._now(), seconds)

    def _remembered(self, name: str) -> tuple[Any, float]:
        """The value and the seconds that are left to it; nothing that a clock set back prolongs."""
        value, since, seconds = self._memory.get(name, (None, 0.0, 0.0))
        left = seconds - (self._now() - since)
        return (value, left) if 0 < left <= seconds else (None, 0.0)


def _whole(seconds: float) -> int:
    """Memcached and Redis take whole seconds."""
    return max(1, math.ceil(seconds))
