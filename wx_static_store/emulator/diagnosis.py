"""Quotas, and what WeChat remembers of the calls that it refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .answers import Answer
from .incoming import Request
from .paths import CLOUD, PATHS
from .quirks import Quirks
from .refusals import Fields, WeChatRefusal, required, required_text
from .state import State

_KEPT = 7 * 86400  # seconds
_RID = r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"
_OF_ACCOUNTS = ("/sns/", "/tcb/", "/wxa/")  # interfaces that take an account's own token


# --- quotas ---------------------------------------------------------------------------------


def _quota(state: State, fields: Fields) -> Fields:
    quirks, now = state.quirks, state.now()
    name = _call_of(required_text(fields, "cgi_path"), quirks)
    used = state.counters.used(name, now, quirks.quota_lag_seconds)
    limit = quirks.daily_limit
    quota = {"daily_limit": limit, "used": used, "remain": max(0, limit - used)}
    answer = {"quota": _shown(quota, quirks), **_rates(quirks)}
    return {"errcode": 0, "errmsg": "ok", **answer}


def _call_of(path: str, quirks: Quirks) -> str:
    if not path.startswith("/") or "://" in path:
        raise WeChatRefusal(76003, "invalid cgi_path: a path with its leading slash, no host")
    if path.startswith(_OF_ACCOUNTS):
        raise WeChatRefusal(76022, "could not use this cgi_path, no permission")
    hidden = path.startswith(CLOUD) and not quirks.quota_knows_cloud
    if path not in PATHS or hidden:
        raise WeChatRefusal(76021, "cgi_path not found, please check")
    return PATHS[path]


def _rates(quirks: Quirks) -> Fields:
    if quirks.quota_rates == "missing":
        return {}
    if quirks.quota_rates == "null":
        return {"rate_limit": None, "component_rate_limit": None}
    count = quirks.minute_limit
    own = {"call_count": count, "refresh_second": quirks.period_seconds if count else 0}
    for_accounts = {"call_count": 0, "refresh_second": 0}
    rates = {"rate_limit": own, "component_rate_limit": for_accounts}
    return {name: _shown(rate, quirks) for name, rate in rates.items()}


def _shown(numbers: dict[str, int], quirks: Quirks) -> Fields:
    if quirks.quota_as == "zeros":
        return dict.fromkeys(numbers, 0)
    if quirks.quota_as == "string":
        return {name: str(number) for name, number in numbers.items()}
    return dict(numbers)


# --- refused calls --------------------------------------------------------------------------


@dataclass(frozen=True)
class RefusedCall:
    """One refused call, as rid/get shows it: with its token and whatever else it held."""

    moment: float
    foreign: bool  # another account made it
    request: Fields


def remember(state: State, request: Request, answer: Answer) -> None:
    """Keep a call if its answer has a rid."""
    found = re.search(f"rid: ({_RID})", str((answer.data or {}).get("errmsg", "")))
    if found is None:
        return
    now = state.now()
    shown: Fields = {
        "invoke_time": int(request.started),
        "cost_in_ms": int((now - request.started) * 1000),
        "request_url": request.query,
        "request_body": request.content.decode(errors="replace"),
        "response_body": answer.body.decode(errors="replace"),
        "client_ip": request.peer,
    }
    state.refused_calls[found[1]] = RefusedCall(now, state.quirks.rid_foreign, shown)


def _rid(state: State, fields: Fields) -> Fields:
    rid, now = required(fields, "rid"), state.now()
    if not isinstance(rid, str) or not re.fullmatch(_RID, rid):
        raise WeChatRefusal(76002, "invalid rid")
    if now - int(rid[:8], 16) > _KEPT:
        raise WeChatRefusal(76004, "rid is older than 7 days")
    call = state.refused_calls.get(rid)
    if call is None or now < call.moment + state.quirks.rid_lag_seconds:
        raise WeChatRefusal(76001, "rid not found")
    if call.foreign:
        raise WeChatRefusal(76003, "rid belongs to another account")
    return {"errcode": 0, "errmsg": "ok", "request": call.request}


CALLS: dict[str, Callable[[State, Fields], Fields]] = {"quota_get": _quota, "rid_get": _rid}
