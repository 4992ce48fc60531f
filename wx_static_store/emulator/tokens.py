"""Access tokens, of which the newest is valid, and verify tickets."""

from __future__ import annotations

import math
import secrets
import threading
from dataclasses import dataclass


@dataclass
class _Token:
    expires: float
    replaced: bool = False


class Tokens:
    """Every token ever given, so that each refusal can name its reason.

    The first one is the user's own: it has no age, as a demo may be left open overnight.
    """

    def __init__(self, first: str) -> None:
        self._tokens = {first: _Token(math.inf)}
        self._newest = first
        self._lock = threading.Lock()

    @property
    def newest(self) -> str:
        """The token given last."""
        return self._newest

    def fetch(self, now: float, life: float, grace: float) -> str:
        """Return a new token; earlier ones stay valid for `grace` seconds."""
        value = f"emulator-token-{secrets.token_urlsafe(24)}"
        with self._lock:
            for token in self._tokens.values():
                if now < token.expires:
                    token.expires = min(token.expires, now + grace)
                    token.replaced = True
            self._tokens[value] = _Token(now + life)
            self._newest = value
        return value

    def verdict(self, value: str, now: float) -> tuple[int, str]:
        """Return WeChat's errcode for a call with that token, 0 if it is valid."""
        token = self._tokens.get(value)
        if token is None:
            return 40014, "invalid access_token"
        if now < token.expires:
            return 0, "ok"
        if token.replaced:
            return 40001, "invalid credential, access_token is invalid or not latest"
        return 42001, "access_token expired"


class Tickets:
    """Every verify ticket that was ever issued: each has its own time, a newer one ends none."""

    def __init__(self, first: str, now: float) -> None:
        self._issued: dict[str, float] = {}
        self.issue(first, now)

    def issue(self, ticket: str, now: float) -> None:
        """Issue a ticket; the time of a known one begins again."""
        self.newest: str = ticket
        self._issued[ticket] = now

    def verdict(self, ticket: object, now: float, life: float) -> tuple[int, str]:
        """Return WeChat's errcode for a token call with that ticket, 0 if it is valid."""
        issued = self._issued.get(ticket) if isinstance(ticket, str) else None
        if issued is None:
            return 61006, "component ticket is invalid"
        if now >= issued + life:
            return 61005, "component ticket is expired"
        return 0, "ok"
