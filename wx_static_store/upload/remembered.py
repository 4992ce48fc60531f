"""WeChat's answers about a platform, kept for a while in the cache that all processes share."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from hashlib import md5
from typing import Any

from django.core.cache import caches

from ..conf.options import Options
from ..core.shared_cache import FORM, SharedCache


class Remembered:
    """
    JSON values by name; nothing is remembered while the cache fails.

    `handle()` gives this thread's handle of another cache than the one that the options name.
    """

    def __init__(self, options: Options, handle: Callable[[], Any] | None = None) -> None:
        platform = f"{options.api_base_url} {options.component_appid}"
        digest = md5(platform.encode(), usedforsecurity=False).hexdigest()
        self._prefix = f"wx_static_store:platform:{digest}:"
        self._cache = SharedCache(handle or (lambda: caches[options.token_cache]))

    def read(self, name: str) -> Any:
        """Return the value, or None."""
        return json.loads(self._cache.get(f"{self._prefix}{FORM}:{name}", "null"))

    def write(self, name: str, value: Any, seconds: float) -> None:
        self._cache.set(f"{self._prefix}{FORM}:{name}", json.dumps(value), seconds)

    def claim(self, name: str, seconds: float) -> bool:
        """Return True to the first caller in these seconds, and to all while the cache fails."""
        return self._cache.add(self._prefix + name, "1", seconds) is not False

    def count(self, name: str, passed: int, seconds: float) -> int | None:
        """Return the next number above `passed`, each once; None while the cache fails."""
        self._cache.add(self._prefix + name, passed, math.ceil(seconds))
        number: int | None = self._cache.incr(self._prefix + name)
        return number

    def forget(self, name: str) -> None:
        self._cache.delete(self._prefix + name)
