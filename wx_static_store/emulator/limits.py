"""Who may call and how often: the IP allow-list, the call counters and their clearing."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

from .quirks import Quirks

_CLEARS = 10  # a month
_BEIJING = timedelta(hours=8)  # WeChat's days and months begin there

Verdict = tuple[int, str]
GOOD: Verdict = (0, "ok")


def address_verdict(quirks: Quirks, peer: str) -> Verdict:
    """Return WeChat's errcode for a call from that address, 0 if it is allowed."""
    allowed = quirks.allowed_ip.replace(",", " ").split()
    if not allowed or peer in allowed:
        return GOOD
    return 61004, f"access clientip is not registered requestIP: {peer}"


class Counters:
    """Calls by API name and day or minute, and how often they were set back this month."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._clears: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str, now: float, quirks: Quirks) -> Verdict:
        """Count one call and return its errcode, 0 within the limits."""
        with self._lock:
            today = self._one_more(name, _period(now, "%Y-%m-%d"))
            minute = self._one_more(name, _period(now, "%Y-%m-%d %H:%M"))
        if 0 < quirks.daily_limit < today:
            return 45009, "reach max api daily quota limit"
        if 0 < quirks.minute_limit < minute:
            return 45011, "api minute-quota reach limit, must slower, retry next minute"
        return GOOD

    def clear(self, now: float) -> Verdict:
        """Set all counters to 0, if that is still allowed this month."""
        month = _period(now, "%Y-%m")
        with self._lock:
            if self._clears[month] >= _CLEARS:
                return 48006, "forbid to clear quota because of reaching the limit"
            self._clears[month] += 1
            self._calls.clear()
        return GOOD

    def _one_more(self, name: str, period: str) -> int:
        self._calls[name, period] += 1
        return self._calls[name, period]


def _period(now: float, form: str) -> str:
    return (datetime.fromtimestamp(now, UTC) + _BEIJING).strftime(form)
