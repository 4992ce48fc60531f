"""Token providers: other sources of a `component_access_token` than our own fetch."""

import logging
import re
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from django.utils.functional import Promise

from ..causes import CAUSES
from ..core.frames import clearing_frames, described, is_from_signal
from ..core.secrets import Secret
from ..exceptions import ConfigurationError, TokenUnavailable, WxStaticStoreError
from ..i18n import gettext_lazy as _, gettext_noop

logger = logging.getLogger("wx_static_store.tokens")


@runtime_checkable
class TokenProvider(Protocol):
    def get(self) -> str:
        """Return the token to use now."""

    def invalidate(self, token: str) -> None:
        """
        Discard `token`, which WeChat refused, and no newer one.

        Raise ConfigurationError if the next token would be refused, too.
        """


class CallableToken:
    """A project's function that returns the current token."""

    def __init__(self, function: Callable[[], str]) -> None:
        self._function = function

    def get(self) -> str:
        return self._function()

    def invalidate(self, token: str) -> None:
        """Do nothing: the function is asked again for each attempt."""


class FixedToken(CallableToken):
    """The token of ACCESS_TOKEN, which nobody refreshes."""

    def __init__(self, token: Secret) -> None:
        super().__init__(token.reveal)


@clearing_frames
def current_token(provider: TokenProvider) -> Secret:
    """Return the provider's token; an error about a value that is no token does not show it."""
    token = _ask(provider.get, _("The token provider failed"))
    if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]{1,2048}", token):
        return Secret(token)
    raise ConfigurationError(cause="token.form", stage="token")


@clearing_frames
def current_ticket(function: Callable[[], str]) -> Secret:
    """Return the verify ticket of a project's function; raise TokenUnavailable."""
    ticket = _ask(function, _("The verify ticket cannot be read"))
    if isinstance(ticket, str) and ticket.strip():
        return Secret(ticket.strip())
    if ticket and not isinstance(ticket, str):
        kind = type(ticket).__name__
        text = _("VERIFY_TICKET gives %(kind)s, where it must give a text", kind=kind)
        raise ConfigurationError(text, stage="token")
    raise TokenUnavailable(_("There is no component_verify_ticket yet"), stage="token")


def _ask(function: Callable[[], object], failed: str | Promise) -> object:
    """Call a project's function, which may return and raise anything."""
    try:
        return function()
    except WxStaticStoreError as error:
        failure = error.with_context(stage=error.stage or "token")
    except Exception as error:
        if is_from_signal(error):
            raise
        details = {"stage": "token", "errmsg": described(error)}
        failure = TokenUnavailable(failed, cause="token.provider", **details)
    # Out of the block: the error of the project may hold a secret.
    raise failure


@clearing_frames
def discard_token(provider: TokenProvider, token: Secret, refusal: WxStaticStoreError) -> None:
    """Report to the provider that WeChat refused `token`; a fixed one explains `refusal`."""
    if isinstance(provider, FixedToken):
        entry = CAUSES["token.fixed"]
        refusal.with_context(cause=entry.id, hint=entry.operator)
    refused = getattr(provider, "refused", None)  # of our own, which keeps the errcode as well
    try:
        if refused:
            refused(token.reveal(), refusal.errcode)
        else:
            provider.invalidate(token.reveal())
        return
    except ConfigurationError as error:  # no other token would do
        hopeless = error
    except Exception as error:  # its traceback holds the token
        if is_from_signal(error):
            raise
        text = gettext_noop("The token provider cannot discard a token (%s)")
        logger.warning(text, type(error).__name__)
        return
    raise hopeless.with_traceback(None)
