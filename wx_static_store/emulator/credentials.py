"""The calls that need no token but the platform's own secret."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from .refusals import Fields, WeChatRefusal, check
from .state import State


def component_token(state: State, fields: Fields) -> Fields:
    """Return a new token for appid, secret and ticket; a success has no errcode."""
    _check_account(state, fields, "component_appsecret")
    check(state.ticket_verdict(fields.get("component_verify_ticket")))
    life = state.quirks.token_seconds
    token = state.tokens.fetch(state.now(), life, state.quirks.grace_seconds)
    return {"component_access_token": token, "expires_in": int(life)}


def clear_quota(state: State, fields: Fields) -> Fields:
    """Set all counters to 0, at most ten times a month."""
    _check_account(state, fields, "appsecret")
    check(state.counters.clear(state.now()))
    return {"errcode": 0, "errmsg": "ok"}


def start_push_ticket(state: State, fields: Fields) -> Fields:
    """Switch pushing on; it is off if switched off, or once the newest ticket has expired."""
    _check_account(state, fields, "component_secret")
    errcode, _ = state.ticket_verdict(state.tickets.newest)
    if state.quirks.pushing and not errcode:
        return {"errcode": 0, "errmsg": "in a normal state"}
    state.quirks.pushing = True
    state.renew_ticket()
    return {"errcode": 0, "errmsg": "ok"}


def _check_account(state: State, fields: Fields, secret: str) -> None:
    if not fields.get("component_appid"):
        raise WeChatRefusal(41002, "appid missing")
    if not fields.get(secret):
        raise WeChatRefusal(41004, "appsecret missing")
    if fields["component_appid"] != state.account.appid:
        raise WeChatRefusal(40013, "invalid appid")
    if not isinstance(fields[secret], str):
        raise WeChatRefusal(40125, "invalid appsecret")
    given = fields[secret].encode(errors="replace")
    if not hmac.compare_digest(given, state.account.appsecret.encode()):
        raise WeChatRefusal(40001, "invalid credential")


CALLS: dict[str, Callable[[State, Fields], Fields]] = {
    "api_component_token": component_token,
    "clear_quota": clear_quota,
    "api_start_push_ticket": start_push_ticket,
}
