"""The token: where it comes from, and whether WeChat accepts it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...clients.component import ComponentToken
from ...clients.tokens import current_token
from ...exceptions import ConfigurationError, WeChatRefused, WeChatThrottled, WxStaticStoreError
from ...i18n import gettext_lazy as _, sentences_lazy
from .findings import Finding, explained, of_error, ok, warning
from .pushes import name_of, span
from .target import CheckTarget

# Refusals that say nothing of the token: the address that asks, and a token of another kind.
_NOT_OF_THE_PLATFORM = {61004, 40164, 45035, 61014}


# --- where it comes from ------------------------------------------------------------------------


def check_source(target: CheckTarget) -> Iterator[Finding]:
    options = target.options
    try:
        tokens = target.platform.tokens
    except ConfigurationError as error:
        yield explained(target, "settings.checks") or of_error(error)
        return
    if isinstance(tokens, ComponentToken):
        yield _fetched(target, tokens)
        return
    current_token(tokens)
    if options.token_provider:
        name = name_of(options.token_provider)
        text = _("TOKEN_PROVIDER gives a token (%(name)s).", name=name)
        yield ok(text, data={"source": "TOKEN_PROVIDER"})
    else:
        text = _("The token stands in ACCESS_TOKEN; nobody refreshes it here.")
        yield ok(text, data={"source": "ACCESS_TOKEN"})


def _fetched(target: CheckTarget, tokens: ComponentToken) -> Finding:
    known = tokens.state()
    # A fetch needs the ticket, and its failure would only repeat what is wrong there.
    if not known.usable and (found := explained(target, "token.ticket")):
        return found
    # All processes wait after a fetch that failed: the doctor must not fetch in between.
    if known.failure and not known.usable:
        found = of_error(known.failure)
        text = _(
            "The last fetch of the token failed, and all processes wait %(pause)s before the next "
            "one: %(why)s.",
            pause=span(known.failure.pause), why=found.text,
        )  # fmt: skip
        return replace(found, text=text)
    token, cache = current_token(tokens), target.options.token_cache
    if target.cache_is_away:
        target.hold(token)
    known = tokens.state()
    figures = {"age": round(known.age), "ends_in": round(known.left)}
    more: dict[str, Any] = {"data": {"source": "COMPONENT_APPID", **figures}}
    text = _(
        "The token is fetched with COMPONENT_APPID, and shared by the cache %(cache)r; it is "
        "%(age)s old, ends in %(left)s.",
        cache=cache, age=span(known.age), left=span(known.left),
    )  # fmt: skip
    if known.failure:
        other = _("No new one can be fetched: %(why)s.", why=of_error(known.failure).text)
        text = sentences_lazy([text, other])
        return warning(text, hint=known.failure.hint, cause=known.failure.cause, **more)
    return ok(text, **more)


# --- whether it is accepted ---------------------------------------------------------------------


def check_accepted(target: CheckTarget) -> Iterator[Finding]:
    try:
        count = len(target.environments)
    except WxStaticStoreError as error:
        yield _refused(error, target)
        return
    # An upload gets a new token, but that one ends early, too.
    tokens = target.platform.tokens
    if isinstance(tokens, ComponentToken) and (early := tokens.state().surprises):
        text = _("WeChat accepts the token. Tokens that it refused before their end, in the last "
                 "hour: %(count)d.", count=early)  # fmt: skip
        yield warning(text, cause="token.others", data={"refused_early": early})
    yield ok(_("WeChat accepts the token."), data={"environments": count})


def _refused(error: WxStaticStoreError, target: CheckTarget) -> Finding:
    found = of_error(error)
    judged = isinstance(error, WeChatRefused | WeChatThrottled | ConfigurationError)
    of_call = error.errcode and error.stage != "token"
    # Another check reports a refusal for another reason.
    if judged and of_call and error.errcode not in _NOT_OF_THE_PLATFORM:
        text = _("WeChat accepts the token, and refuses the call for another reason (errcode "
                 "%(errcode)d).", errcode=error.errcode)  # fmt: skip
        return ok(text, data=found.data)
    peer = target.options.api_base_url
    if error.errcode or error.stage == "token" or peer in str(found.text):
        return found
    return replace(found, text=_("%(label)s: %(text)s", label=peer, text=found.text))
