"""Who may call and how often: the IP allow-list, the call counters and their clearing."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import inf

from .quirks import Quirks

_CLEARS = 10  # a month
BEIJING = timedelta(hours=8)  # WeChat's days and months begin there

Verdict = tuple[int, str]
GOOD: Verdict = (0, "ok")


def address_verdict(quirks: Quirks, peer: str) -> Verdict:
    """Return WeChat's errcode for a call from that address, 0 if it is allowed."""
    allowed = quirks.allowed_ip.replace(",", " ").split()
    if not allowed or peer in allowed:
        return GOOD
    return 61004, f"access clientip is not registered requestIP: {peer}"


class Counters:
    """When each API was called, and when the counters were set back."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, list[float]] = defaultdict(list)
        self._clears: list[tuple[float, dict[str, int]]] = []  # with the calls until then
        self._lock = threading.Lock()

    def count(self, name: str, now: float, quirks: Quirks) -> Verdict:
        """Count one call and return its errcode, 0 within the limits."""
        with self._lock:
            insort(self._calls[name], now)
            today = self._since(name, _midnight(now))
            period = self._since(name, now - now % quirks.period_seconds)
        if 0 < quirks.daily_limit < today:
            return 45009, "reach max api daily quota limit"
        if 0 < quirks.minute_limit < period:
            return 45011, "api minute-quota reach limit, must slower, retry next minute"
        return GOOD

    def used(self, name: str, now: float, lag: float) -> int:
        """Return today's calls as they were `lag` seconds ago."""
        with self._lock:
            return self._since(name, _midnight(now), now - lag if lag else inf)

    def clear(self, now: float) -> Verdict:
        """Set all counters to 0, if that is still allowed this month."""
        with self._lock:
            if [_month(moment) for moment, _ in self._clears].count(_month(now)) >= _CLEARS:
                return 48006, "forbid to clear quota because of reaching the limit"
            lengths = {name: len(calls) for name, calls in self._calls.items()}
            self._clears.append((now, lengths))
        return GOOD

    def _since(self, name: str, start: float, as_of: float = inf) -> int:
        calls = self._calls[name]
        cleared = next((c for moment, c in reversed(self._clears) if moment <= as_of), {})
        first = max(cleared.get(name, 0), bisect_left(calls, start))
        return max(0, bisect_right(calls, as_of) - first)


def _midnight(now: float) -> float:
    ahead = BEIJING.total_seconds()
    return now - (now + ahead) % 86400


def _month(now: float) -> str:
    return (datetime.fromtimestamp(now, UTC) + BEIJING).strftime("%Y-%m")
