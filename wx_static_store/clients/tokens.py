"""Token providers: where a `component_access_token` comes from, if we do not fetch it ourselves."""

import logging
import re
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from ..core.frames import cleared_frames, is_from_signal
from ..core.secrets import Secret
from ..exceptions import ConfigurationError, Remedy, TokenUnavailable, WxStaticStoreError
from ..i18n import gettext_lazy as _

logger = logging.getLogger("wx_static_store.tokens")

_ITS_LOG = _("Look into the provider's own log: its error is not repeated, it may hold a secret.")
_SHAPE = _("A token is one line of printable ASCII, 2,048 characters at most.")


@runtime_checkable
class TokenProvider(Protocol):
    def get(self) -> str:
        """Return the token to use now."""

    def invalidate(self, token: str) -> None:
        """
        WeChat refused `token`: discard it, and no newer one. A ConfigurationError says that the
        next one would be refused as well.
        """


class CallableToken:
    """A function that returns the current token: a project's own, or that of ACCESS_TOKEN."""

    def __init__(self, function: Callable[[], str]) -> None:
        self._function = function

    def get(self) -> str:
        return self._function()

    def invalidate(self, token: str) -> None:
        """Nothing to discard: the function is asked again for each attempt."""


@cleared_frames()
def current_token(provider: TokenProvider) -> Secret:
    """Return what the provider gives, if it can be a token at all; never show junk."""
    outcome = _ask(provider)
    if isinstance(outcome, WxStaticStoreError):
        raise outcome.with_context(stage=outcome.stage or "token")
    return outcome


def _ask(provider: TokenProvider) -> Secret | WxStaticStoreError:
    try:
        token = provider.get()
    except WxStaticStoreError as error:
        return error
    except Exception as error:  # a project's provider may raise anything
        if is_from_signal(error):
            raise
        text = _("The token provider failed (%(error)s)", error=type(error).__name__)
        return TokenUnavailable(text, remedy=Remedy.WAIT, hint=_ITS_LOG)
    if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]{1,2048}", token):
        return Secret(token)
    return ConfigurationError(_("The token provider gave no usable token"), hint=_SHAPE)


@cleared_frames()
def current_ticket(function: Callable[[], str]) -> Secret:
    """Return the verify ticket of a project's function; raise TokenUnavailable."""
    found = _ask_for_ticket(function)
    if isinstance(found, WxStaticStoreError):
        raise found.with_context(stage=found.stage or "token")
    return found


def _ask_for_ticket(function: Callable[[], str]) -> Secret | WxStaticStoreError:
    try:
        ticket = function()
    except WxStaticStoreError as error:
        return error
    except Exception as error:  # a project's function may raise anything
        if is_from_signal(error):
            raise
        text = _("The verify ticket cannot be had (%(error)s)", error=type(error).__name__)
        return TokenUnavailable(text, remedy=Remedy.WAIT, hint=_ITS_LOG)
    if isinstance(ticket, str) and ticket.strip():
        return Secret(ticket.strip())
    if ticket and not isinstance(ticket, str):
        kind = type(ticket).__name__
        text = _("VERIFY_TICKET gives %(kind)s, where it must give a text", kind=kind)
        return ConfigurationError(text)
    return TokenUnavailable(_("There is no component_verify_ticket yet"))


@cleared_frames()
def discard_token(provider: TokenProvider, token: Secret) -> None:
    """
    Report to the provider that WeChat refused `token`.

    Its ConfigurationError is raised: no other token would be better. Its other errors are logged.
    """
    try:
        provider.invalidate(token.reveal())
        return
    except ConfigurationError as error:
        hopeless = error
    except Exception as error:  # its traceback holds the token
        if is_from_signal(error):
            raise
        logger.warning("The token provider cannot discard a token (%s)", type(error).__name__)
        return
    raise hopeless.with_traceback(None)
