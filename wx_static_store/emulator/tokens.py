"""The platform's access tokens: one newest, older ones for a few minutes more."""

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
        """A new token; those before it live on for `grace` seconds."""
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
        """WeChat's errcode for a call with that token, 0 when it is good."""
        token = self._tokens.get(value)
        if token is None:
            return 40014, "invalid access_token"
        if now < token.expires:
            return 0, "ok"
        if token.replaced:
            return 40001, "invalid credential, access_token is invalid or not latest"
        return 42001, "access_token expired"
