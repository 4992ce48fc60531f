"""The calls that need no token but the platform's own secret."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from .state import State

Fields = dict[str, Any]


class Refused(Exception):
    """WeChat says no."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errcode, errmsg)
        self.errcode, self.errmsg = errcode, errmsg


def check(verdict: tuple[int, str]) -> None:
    """Go on if the errcode is 0."""
    if verdict[0]:
        raise Refused(*verdict)


def component_token(state: State, fields: Fields) -> Fields:
    """A new token for appid, secret and ticket; on success there is no errcode."""
    _check_account(state, fields, "component_appsecret")
    check(state.ticket_verdict(fields.get("component_verify_ticket")))
    life = state.quirks.token_seconds
    token = state.tokens.fetch(state.now(), life, state.quirks.grace_seconds)
    return {"component_access_token": token, "expires_in": int(life)}


def clear_quota(state: State, fields: Fields) -> Fields:
    """All counters at 0 again, ten times a month."""
    _check_account(state, fields, "appsecret")
    check(state.counters.clear(state.now()))
    return {"errcode": 0, "errmsg": "ok"}


def start_push_ticket(state: State, fields: Fields) -> Fields:
    """Pushing counts as off if it was switched off, or once the newest ticket has expired."""
    _check_account(state, fields, "component_secret")
    errcode, _ = state.ticket_verdict(state.tickets.newest)
    if state.quirks.pushing and not errcode:
        return {"errcode": 0, "errmsg": "in a normal state"}
    state.quirks.pushing = True
    state.renew_ticket()
    return {"errcode": 0, "errmsg": "ok"}


def _check_account(state: State, fields: Fields, secret: str) -> None:
    if not fields.get("component_appid"):
        raise Refused(41002, "appid missing")
    if not fields.get(secret):
        raise Refused(41004, "appsecret missing")
    if fields["component_appid"] != state.account.appid:
        raise Refused(40013, "invalid appid")
    if not isinstance(fields[secret], str):
        raise Refused(40125, "invalid appsecret")
    if not _same(fields[secret], state.account.appsecret):
        raise Refused(40001, "invalid credential")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


CALLS: dict[str, Callable[[State, Fields], Fields]] = {
    "api_component_token": component_token,
    "clear_quota": clear_quota,
    "api_start_push_ticket": start_push_ticket,
}
