"""The connections, token and limiters that all stores of a service provider's platform share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from inspect import isclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.module_loading import import_string

from ..clients.component import ComponentToken
from ..clients.links import is_loopback
from ..clients.platform import Quota
from ..clients.tokens import CallableToken, FixedToken, TokenProvider, current_token, discard_token
from ..clients.wechat import WeChatClient
from ..conf import Options, sealing
from ..conf.cache_checks import is_shared
from ..conf.check_table import CHECKS
from ..core.frames import described
from ..core.notes import Notes, own_memory
from ..core.retry import Deadline, run
from ..core.secrets import Secret
from ..exceptions import (
    ConfigurationError,
    CosThrottled,
    Remedy,
    TokenUnavailable,
    WeChatThrottled,
    WxStaticStoreError,
)
from ..i18n import gettext_lazy as _
from .limiters import AdaptiveLimiter, Rate

if TYPE_CHECKING:
    from ..clients.transport import Transport

T = TypeVar("T")

QUOTA_KEPT = 600.0  # seconds: the calls that ask are limited, too

# The path is not known there, the path is another account's, quota/get has none left itself.
NO_FIGURE = (76021, 76022, 45009)
HOUR = 3600


@dataclass(frozen=True)
class Platform:
    """Connections, token and limiters of one platform."""

    transport: Transport
    tokens: TokenProvider
    api_limiter: AdaptiveLimiter  # for each call at the API host
    put_limiter: AdaptiveLimiter  # for each link call and the PUT after it: a link must not wait
    remembered: Notes

    def ask(
        self,
        call: Callable[..., T],
        *args: object,
        deadline: Deadline,
        max_attempts: int,
        env: str = "",
    ) -> T:
        """Return the answer of `call(token, *args, deadline=…)`, with a token that WeChat takes."""
        token: Secret | None = None

        def try_once(number: int) -> T:
            nonlocal token
            token = current_token(self.tokens)
            with self.api_limiter.slot(deadline):
                return call(token, *args, deadline=deadline)

        def learn(error: WxStaticStoreError) -> None:
            error.with_context(env=env)
            if error.remedy is Remedy.NEW_TOKEN and token is not None:
                discard_token(self.tokens, token, error)

        return run(try_once, max_attempts=max_attempts, deadline=deadline, on_error=learn)

    def quota(self, path: str, ask: Callable[[], Quota]) -> Quota:
        """Return the quota of the call at `path`; `ask()` if no process asked for ten minutes."""
        name = f"quota:{path}"
        if known := self.remembered.read(name):
            return Quota(**known)
        try:
            found = ask()
        except WxStaticStoreError as error:
            if error.errcode not in NO_FIGURE:
                raise
            found = Quota()  # without figures
        self.remembered.write(name, asdict(found), QUOTA_KEPT)
        return found


_platforms: dict[tuple[int, Options], Platform] = {}


def platform_for(options: Options) -> Platform:
    """Return the platform behind these options, the same for every store of it."""
    # By process, too: on a connection of before a fork, a child reads its parent's answers.
    key = os.getpid(), options.shared
    if (found := _platforms.get(key)) is None:
        if len(_platforms) >= 32:
            _platforms.pop(next(iter(_platforms)), None)
        # Of several threads that come here at once, one wins: there is one token and one limiter.
        found = _platforms.setdefault(key, _make_platform(options.shared))
    return found


def _make_platform(options: Options) -> Platform:
    from ..clients.transport import Transport  # requests comes with it: half of the start-up time

    transport = Transport(
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        pool_size=max(options.max_workers, 10),
        upload_hosts=options.upload_hosts,
        loopback=is_loopback(options.api_base_url),
    )
    limiters = _api_limiter(options), AdaptiveLimiter(CosThrottled)
    return Platform(transport, _provider(options, transport), *limiters, platform_notes(options))


def platform_notes(options: Options, cache: Callable[[], Any] | None = None) -> Notes:
    """Return what all processes remember of a platform, or what this one does in its own cache."""
    about = f"{options.api_base_url} {options.component_appid}"
    return Notes("platform", cache or options.token_cache, seconds=HOUR, about=about)


def _api_limiter(options: Options) -> AdaptiveLimiter:
    """Return the limiter of calls, of this process alone where the cache is not shared."""
    alone = platform_notes(options, own_memory)
    shared = platform_notes(options) if is_shared(options.token_cache) else alone
    rate = Rate(options.api_rate, shared, alone) if options.api_rate else None
    most = options.api_concurrency or options.max_workers
    return AdaptiveLimiter(WeChatThrottled, most, shared, rate)


def _provider(options: Options, transport: Transport) -> TokenProvider:
    if options.token_provider:
        return _own_provider(options.token_provider)
    if options.access_token:
        return FixedToken(options.access_token)
    if options.fetches_tokens and options.component_appsecret:
        return ComponentToken(
            WeChatClient(transport, options.api_base_url),
            options.token_cache,
            appid=options.component_appid,
            appsecret=options.component_appsecret,
            ticket=ticket_source(options),
            seals=(sealing.to_cache, sealing.from_cache),
            min_interval=options.token_min_interval,
        )
    raise ConfigurationError(
        _("There is no source of a component_access_token"),
        stage="token",
        hint=_(
            "Set COMPONENT_APPID and COMPONENT_APPSECRET in WX_STATIC_STORE, or ACCESS_TOKEN, or a "
            "token_provider."
        ),
    )


def _own_provider(given: object) -> TokenProvider:
    try:
        found = import_string(given) if isinstance(given, str) else given
        provider = found() if isclass(found) else found
    except Exception as error:  # noqa: BLE001 -- a project's own code
        why = described(error)
        failed = _("token_provider cannot be made (%(why)s)", why=why)
    else:
        if isinstance(provider, TokenProvider):
            return provider
        if callable(provider):
            return CallableToken(provider)
        failed = _("token_provider gives %(kind)s", kind=type(provider).__name__)
    hint = _("It must be a function that gives the token, or have get() and invalidate(token).")
    raise ConfigurationError(failed, stage="token", hint=hint)


def ticket_source(options: Options) -> Callable[[], str]:
    """Return the function that reads the newest verify ticket: VERIFY_TICKET, or the callback's."""
    given = options.verify_ticket
    if isinstance(given, Secret):
        return given.reveal
    return given or (lambda: _pushed_ticket(options.component_appid))


def _pushed_ticket(appid: str) -> str:
    if _ticket_reader is None:
        text, hint = _("Nothing receives the verify ticket"), CHECKS["E015"].operator
        raise TokenUnavailable(text, cause="E015", hint=hint)
    return _ticket_reader(appid)


_ticket_reader: Callable[[str], str] | None = None


def offer_tickets(reader: Callable[[str], str]) -> None:
    """Let `reader(appid)` give the newest ticket where VERIFY_TICKET is not set."""
    global _ticket_reader
    _ticket_reader = reader
