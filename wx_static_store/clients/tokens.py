"""
Token providers: where a `component_access_token` comes from.

A platform has one current token: whoever fetches a new one retires everybody else's within five
minutes. So it is kept in a cache that all processes share, and fetched only when it is spent.
"""

import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from copy import copy
from typing import Any, Protocol, runtime_checkable

from ..exceptions import (
    ConfigurationError,
    Remedy,
    TokenUnavailable,
    WxStaticStoreError,
    gettext_lazy as _,
)
from ..secrets import Secret
from .wechat import FreshToken, WeChatClient

logger = logging.getLogger("wx_static_store.tokens")

FRESH_SHARE = 0.9  # of `expires_in`; WeChat advises 1 h 50 min of 2 h
_CALL_SECONDS = 15.0
_HOPELESS_SECONDS = 60.0

_ITS_LOG = _("Look into the provider's own log: its error is not repeated, it may hold a secret.")
_SHAPE = _("A token is one line of printable ASCII, 2,048 characters at most.")


@runtime_checkable
class TokenProvider(Protocol):
    def get(self) -> str:
        """The token to use now."""

    def invalidate(self, token: str) -> None:
        """WeChat refused `token`: discard it, and no newer one."""


class FixedToken:
    """A token that somebody else keeps fresh (CI, an operator's shell)."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def get(self) -> str:
        return self._token.reveal()

    def invalidate(self, token: str) -> None:
        """Nothing to do: only whoever set ACCESS_TOKEN has a newer one."""


class CallableToken:
    """A project's own function that returns the current token."""

    def __init__(self, function: Callable[[], str]) -> None:
        self._function = function

    def get(self) -> str:
        return self._function()

    def invalidate(self, token: str) -> None:
        """Nothing to discard: the function is asked again for each attempt."""


class ComponentToken:
    """
    The platform's token, fetched with its appid, appsecret and newest verify ticket.

    `cache()` gives this thread's handle of a Django cache that all processes share, `ticket()` the
    newest ticket.
    """

    def __init__(
        self,
        client: WeChatClient,
        cache: Callable[[], Any],
        *,
        appid: str,
        appsecret: Secret,
        ticket: Callable[[], str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._cache = cache
        self._appid = appid
        self._appsecret = appsecret
        self._ticket = ticket
        self._now = now
        self._lock = threading.Lock()
        self._own = ""  # what this process fetched: serves while the cache is down, or forgets
        self._cache_works = True
        self._failure: ConfigurationError | None = None
        self._failed_at = 0.0
        digest = hashlib.sha256(f"{client.base_url} {appid}".encode()).hexdigest()[:16]
        self._cache_key = f"wx_static_store:token:{digest}"

    def get(self) -> str:
        if token := self._cached():
            return token
        with self._lock:
            # Somebody may have been faster while we waited for the lock, or failed for good.
            return self._cached() or self._refresh_unless_hopeless()

    def invalidate(self, token: str) -> None:
        with self._lock:
            if self._cached() == token:
                self._store("", timeout=1)

    def _cached(self) -> str | None:
        try:
            entry = json.loads(self._load() or "{}")
            age = self._now() - entry["issued_at"]
            fresh = 0 <= age < entry["expires_in"] * FRESH_SHARE
            return str(entry["token"]) if fresh else None
        except (KeyError, TypeError, ValueError):
            return None

    def _load(self) -> str:
        try:
            entry = self._cache().get(self._cache_key)
        except Exception as error:  # noqa: BLE001 -- each cache has exceptions of its own
            self._cache_failed(error)
            return self._own
        self._cache_works = True
        return entry or self._own

    def _store(self, entry: str, timeout: int) -> None:
        self._own = entry
        try:
            self._cache().set(self._cache_key, entry, timeout=timeout)
        except Exception as error:  # noqa: BLE001
            self._cache_failed(error)

    def _cache_failed(self, error: Exception) -> None:
        """Told once until the cache works again; only its class, its text may hold the token."""
        if self._cache_works:
            name = type(error).__name__
            logger.warning("The token cache fails (%s): this process goes on alone", name)
        self._cache_works = False

    def _refresh_unless_hopeless(self) -> str:
        """A wrong secret stays wrong for a while: 20 workers do not ask 20 times."""
        if self._failure and self._now() - self._failed_at < _HOPELESS_SECONDS:
            raise copy(self._failure)
        try:
            return self._refresh()
        except ConfigurationError as error:
            self._failure, self._failed_at = copy(error), self._now()
            raise

    def _refresh(self) -> str:
        until = time.monotonic() + _CALL_SECONDS
        fresh = self._client.component_token(
            self._appid,
            self._appsecret,
            self._newest_ticket(),
            left=lambda: max(0.0, until - time.monotonic()),
        )
        self._keep(fresh)
        return fresh.token.reveal()

    def _newest_ticket(self) -> Secret:
        ticket = self._ticket()
        if not (isinstance(ticket, str) and ticket.strip()):
            raise TokenUnavailable("There is no component_verify_ticket yet", stage="token")
        return Secret(ticket.strip())

    def _keep(self, fresh: FreshToken) -> None:
        entry = {
            "token": fresh.token.reveal(),
            "issued_at": self._now(),
            "expires_in": fresh.expires_in,
        }
        self._store(json.dumps(entry), timeout=fresh.expires_in)


def current_token(provider: TokenProvider) -> Secret:
    """What the provider gives, if it can be a token at all; junk is never shown."""
    outcome = _ask(provider)
    if isinstance(outcome, WxStaticStoreError):
        raise outcome.about(stage=outcome.stage or "token")
    return outcome


def _ask(provider: TokenProvider) -> Secret | WxStaticStoreError:
    try:
        token = provider.get()
    except WxStaticStoreError as error:
        return error
    except Exception as error:  # noqa: BLE001 -- a project's provider may raise anything
        name = type(error).__name__
        return TokenUnavailable(
            f"The token provider failed ({name})", remedy=Remedy.WAIT, hint=_ITS_LOG
        )
    if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]{1,2048}", token):
        return Secret(token)
    return ConfigurationError("The token provider gave no usable token", hint=_SHAPE)


def discard_token(provider: TokenProvider, token: Secret) -> None:
    """Tell the provider that WeChat refused `token`; trouble of its own is logged, not raised."""
    try:
        provider.invalidate(token.reveal())
    except Exception as error:  # noqa: BLE001 -- its traceback holds the token
        logger.warning("The token provider cannot discard a token (%s)", type(error).__name__)
