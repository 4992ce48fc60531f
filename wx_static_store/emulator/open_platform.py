"""WeChat's open platform: who may call, and which call answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from . import accounts, credentials, diagnosis, environments, static_hosting
from .answers import Answer, wechat_error
from .incoming import Request
from .limits import address_verdict
from .paths import CLOUD, PATHS
from .quirks import Quirks
from .refusals import Fields, WeChatRefusal, check, json_object, read_fields
from .state import State

_CALLS: dict[str, Callable[[State, Fields], Fields]] = {
    **credentials.CALLS,
    **accounts.CALLS,
    **diagnosis.CALLS,
    **environments.CALLS,
    **static_hosting.CALLS,
}


def identify(request: Request) -> None:
    """Fill in what an API call is about, as far as it can be read."""
    request.name = PATHS.get(request.path.decode(errors="replace"), "other")
    fields = json_object(request.content) or {}
    request.env = fields["env"] if isinstance(fields.get("env"), str) else ""
    request.key = fields["filename"] if isinstance(fields.get("filename"), str) else ""


def handle(state: State, request: Request) -> Answer:
    """Answer one call."""
    if request.name == "other":
        return Answer(404, {"Content-Type": "text/plain"}, b"no such API; see /__emulator__/\n")
    try:
        return Answer(data=_call(state, request))
    except WeChatRefusal as refused:
        return wechat_error(refused.errcode, refused.errmsg, state.now())


def render(answer: Answer, _: Request, quirks: Quirks) -> Answer:
    """Make bytes of the JSON object, as the quirks want it."""
    if answer.data is None:
        return answer
    data = dict(answer.data)
    if "errcode" in data and quirks.errcode_as == "string":
        data["errcode"] = str(data["errcode"])
    headers = {"Content-Type": quirks.content_type, **answer.headers}
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return replace(answer, headers=headers, body=body)


# --- checks, in WeChat's order --------------------------------------------------------------


def _call(state: State, request: Request) -> Fields:
    if request.method != "POST":
        raise WeChatRefusal(43002, "require POST method")
    check(address_verdict(state.quirks, request.peer))
    if request.name not in credentials.CALLS:
        _check_token(state, request)
    if request.name != "clear_quota":  # which must work when the quota is used up
        check(state.counters.count(request.name, state.now(), state.quirks))
    fields = read_fields(request)
    if request.path.startswith(CLOUD.encode()) and not state.quirks.batch_opened:
        raise WeChatRefusal(85088, "no qbase privilege")
    return _CALLS[request.name](state, fields)


def _check_token(state: State, request: Request) -> None:
    names = accounts.token_names(state.quirks) if request.name in accounts.CALLS else None
    token = next(filter(None, map(request.params.get, names or ["access_token"])), None)
    if not token:
        raise WeChatRefusal(41001, "access_token missing")
    check(state.tokens.verdict(token, state.now()))
