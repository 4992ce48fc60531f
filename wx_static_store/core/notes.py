"""What all processes remember together, in a Django cache that may fail."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partialmethod
from hashlib import md5
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

from .frames import is_from_signal

REST_SECONDS = 2.0  # that a failing cache is left alone: each question may cost a time-out

# In the key of each note. Raise it when what is noted changes its form: two versions of the app may
# share a cache, and neither should read what it cannot understand.
FORM = 1


@dataclass(slots=True)
class Rest:
    """Since when a cache is left alone, and why."""

    since: float = -math.inf
    why: str = ""


rests: defaultdict[str, Rest] = defaultdict(Rest)  # of this process, by alias


def own_memory() -> LocMemCache:
    """Return a cache of this process alone."""
    return LocMemCache("wx_static_store", {})


@contextmanager
def own_caches() -> Iterator[None]:
    """Let a thread make handles of its own in this block, and close their connections."""
    for alias in caches:
        with suppress(AttributeError):  # it has none of whoever made the context
            del caches[alias]
    try:
        yield
    finally:
        for cache in caches.all(initialized_only=True):
            # Django's handles have pools of their own, else left to the garbage collector; those of
            # django-redis share one with all threads.
            if isinstance(cache, RedisCache) and (client := redis_client(cache)) is not None:
                client.connection_pool.disconnect()
            cache.close()


def redis_client(cache: Any) -> Any:
    """Return the Redis client of Django's own backend or of django-redis; None for others."""
    owner = getattr(cache, "_cache" if isinstance(cache, RedisCache) else "client", None)
    get_client = getattr(owner, "get_client", None)
    return get_client(write=True) if get_client else None


def whole(seconds: float) -> int:
    """Round up: Memcached and Redis take whole seconds."""
    return max(1, math.ceil(seconds))


class SharedCache:
    """
    Ask a Django cache; each answer is None while it fails, and for two seconds after.

    `cache` is an alias, which rests for all of this process once it failed, or a function that
    gives this thread's handle of another cache. `report` is called once in each rest, with the name
    of the error; no more, as the text of the error may hold what was asked.
    """

    def __init__(
        self,
        cache: str | Callable[[], Any],
        report: Callable[[str], object] = lambda error: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._handle = cache if callable(cache) else lambda: caches[cache]
        self._rest = Rest() if callable(cache) else rests[cache]
        self._report, self._now, self._reported = report, now, -math.inf

    def ask(self, method: str, key: str | list[str], *args: Any, **kwargs: Any) -> Any:
        if not self.rests:
            try:
                return getattr(self._handle(), method)(key, *args, **kwargs)
            except Exception as error:  # each cache has exceptions of its own
                if is_from_signal(error):
                    raise
                self.rest(type(error).__name__)
        if self._reported != self._rest.since:  # it may have failed for others first
            self._reported = self._rest.since
            self._report(self._rest.why)
        return None

    def get(self, key: str, default: Any = None) -> Any:
        found = self.ask("get", key)
        return default if found is None else found

    set = partialmethod(ask, "set")
    add = partialmethod(ask, "add")

    def rest(self, why: str) -> None:
        """Leave the cache alone for a while."""
        self._rest.why, self._rest.since = why, self._now()

    @property
    def rests(self) -> bool:
        return 0 <= self._now() - self._rest.since < REST_SECONDS


class Notes:
    """JSON values of a kind `about` a platform or environment; none while the cache fails."""

    def __init__(
        self,
        kind: str,
        cache: str | Callable[[], Any],
        *,
        seconds: float,
        about: str = "",
        report: Callable[[str], object] = lambda error: None,
    ) -> None:
        self._kind, self._about, self._seconds = kind, about, seconds
        self._cache = SharedCache(cache, report)
        self._ask = self._cache.ask

    def read(self, name: str) -> Any:
        return _read(self._ask("get", self._key(name)))

    def read_many(self, names: Collection[str]) -> dict[str, Any]:
        """Return the value of each name, or None, by one call."""
        keys = {name: self._key(name) for name in names}
        found = self._ask("get_many", [*keys.values()]) or {} if keys else {}
        return {name: _read(found.get(key)) for name, key in keys.items()}

    def write(self, name: str, value: Any, seconds: float | None = None) -> None:
        self._put("set", name, json.dumps(value), seconds)

    def first(self, name: str, value: Any = 1, seconds: float | None = None) -> bool | None:
        """Write the value if there is none, and return whether; None: the cache cannot say."""
        added: bool | None = self._put("add", name, json.dumps(value), seconds)
        return added

    def count(self, name: str, passed: int, seconds: float) -> int | None:
        """Return the next number above `passed`, each once; None while the cache fails."""
        self._put("add", name, passed, seconds)
        number: int | None = self._ask("incr", self._key(name))
        return number

    def prolong(self, name: str) -> None:
        self._ask("touch", self._key(name), whole(self._seconds))

    def take(self, name: str) -> bool:
        """Forget the value; return True to one of many who try."""
        return bool(self._ask("delete", self._key(name)))

    def forget(self, *names: str) -> None:
        self._ask("delete_many", [self._key(name) for name in names])

    @property
    def rests(self) -> bool:
        return self._cache.rests

    def _put(self, method: str, name: str, value: Any, seconds: float | None) -> Any:
        lasts = whole(self._seconds if seconds is None else seconds)
        return self._ask(method, self._key(name), value, lasts)

    def _key(self, name: str) -> str:
        digest = md5(f"{self._about}\n{name}".encode(), usedforsecurity=False).hexdigest()
        return f"wx_static_store:{self._kind}:{FORM}:{digest}"


def _read(text: Any) -> Any:
    """Return the noted value; None if there is none, or somebody else's."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
