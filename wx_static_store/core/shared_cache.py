"""A cache that all processes share, and that may fail."""

import time
from collections.abc import Callable
from functools import partialmethod
from typing import Any

from .frames import is_from_signal

REST_SECONDS = 2.0  # that a failing cache is left alone: each question may cost a timeout

# In the keys of values that are built of fields. Raise it when such fields change: two versions of
# the app may share a cache, and neither should read what it cannot understand.
FORM = 1


class SharedCache:
    """
    Ask a Django cache; each answer is None while it fails, and for two seconds after.

    `handle()` gives this thread's handle of it. `report` is called with the name of the error; no
    more, as the text of the error may hold what was asked.
    """

    def __init__(
        self,
        handle: Callable[[], Any],
        report: Callable[[str], object] = lambda error: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._handle, self._report, self._now = handle, report, now
        self._failed_at = float("-inf")

    def _ask(self, method: str, key: str | list[str], *args: Any, **kwargs: Any) -> Any:
        if self.rests:
            return None
        try:
            return getattr(self._handle(), method)(key, *args, **kwargs)
        except Exception as error:  # each cache has exceptions of its own
            if is_from_signal(error):
                raise
            failed = type(error).__name__
        self.rest()
        self._report(failed)
        return None

    def get(self, key: str, default: Any = None) -> Any:
        found = self._ask("get", key)
        return default if found is None else found

    def get_many(self, keys: list[str]) -> dict[str, Any]:
        """Return the values of those keys that the cache has, by one call."""
        return self._ask("get_many", keys) or {}

    set = partialmethod(_ask, "set")
    add = partialmethod(_ask, "add")
    incr = partialmethod(_ask, "incr")
    touch = partialmethod(_ask, "touch")
    delete = partialmethod(_ask, "delete")
    delete_many = partialmethod(_ask, "delete_many")

    def rest(self) -> None:
        """Leave the cache alone for a while."""
        self._failed_at = self._now()

    @property
    def rests(self) -> bool:
        return 0 <= self._now() - self._failed_at < REST_SECONDS
