"""The accounts that gave the platform their authorization, page by page."""

from __future__ import annotations

from collections.abc import Callable

from .quirks import Quirks
from .refusals import Fields, WeChatRefusal, invalid, required
from .state import State

MOST = 500  # accounts on a page


def token_names(quirks: Quirks) -> list[str]:
    """Return the names that the token may have in the query."""
    both = ["access_token", "component_access_token"]
    return {"both": both}.get(quirks.authorizer_token, [quirks.authorizer_token])


def _list(state: State, fields: Fields) -> Fields:
    if required(fields, "component_appid") != state.account.appid:
        raise WeChatRefusal(40013, "invalid appid")
    offset, count = _number(fields, "offset", 0, None), _number(fields, "count", 1, MOST)
    rows = [_row(state, appid) for appid in _in_order(state)]
    return {"total_count": len(rows), "list": rows[offset : offset + count]}


def _number(fields: Fields, name: str, least: int, most: int | None) -> int:
    value = required(fields, name)
    if type(value) is not int or value < least or (most is not None and value > most):
        raise invalid(name)
    return value


def _in_order(state: State) -> list[str]:
    state.listed += 1
    turned = state.quirks.authorizer_order == "turning" and state.listed % 2 == 0
    appids = list(state.accounts)
    return appids[::-1] if turned else appids


def _row(state: State, appid: str) -> Fields:
    row: Fields = {"authorizer_appid": appid}
    if state.quirks.authorizer_refresh_token:
        row["refresh_token"] = f"refreshtoken@@@emulator-{appid}"
    return {**row, "auth_time": int(state.accounts.get(appid, 0))}


CALLS: dict[str, Callable[[State, Fields], Fields]] = {"api_get_authorizer_list": _list}
