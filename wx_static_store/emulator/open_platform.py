"""WeChat's open platform: who may call, and the four calls of static hosting."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from . import credentials, signing
from .answers import Answer, iso_time, wechat_error
from .bucket import StoredObject
from .credentials import Fields, WeChatRefusal, check
from .incoming import Request
from .limits import address_verdict
from .quirks import Quirks
from .state import REGION, Environment, State

PATHS = {
    b"/cgi-bin/component/api_component_token": "api_component_token",
    b"/cgi-bin/component/api_start_push_ticket": "api_start_push_ticket",
    b"/cgi-bin/component/clear_quota/v2": "clear_quota",
    b"/componenttcb/createstaticstore": "createstaticstore",
    b"/componenttcb/describestaticstore": "describestaticstore",
    b"/componenttcb/staticuploadfile": "staticuploadfile",
    b"/componenttcb/staticfilelist": "staticfilelist",
}
MAX_KEY = 850  # bytes of UTF-8


def identify(request: Request) -> None:
    """Fill in what an API call is about, as far as it can be read."""
    request.name = PATHS.get(request.path, "other")
    fields = _json_object(request.content) or {}
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
    own = credentials.CALLS.get(request.name)
    if own is None:
        _check_token(state, request)
    if request.name != "clear_quota":  # which must work when the quota is used up
        check(state.counters.count(request.name, state.now(), state.quirks))
    if own is not None:
        return own(state, _fields(request))
    fields = _fields(request)
    return _CALLS[request.name](state, _environment(state, fields), fields, request)


def _check_token(state: State, request: Request) -> None:
    token = request.params.get("access_token")
    if not token:
        raise WeChatRefusal(41001, "access_token missing")
    check(state.tokens.verdict(token, state.now()))


def _fields(request: Request) -> Fields:
    if not request.content:
        raise WeChatRefusal(44002, "empty post data")
    fields = _json_object(request.content)
    if fields is None:
        raise WeChatRefusal(47001, "data format error")
    return fields


def _json_object(content: bytes) -> Fields | None:
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _required(fields: Fields, name: str) -> str:
    if name not in fields:
        raise WeChatRefusal(40101, f"missing parameter {name}")
    if not fields[name]:
        raise WeChatRefusal(40097, f"invalid args: {name}")
    return _optional(fields, name)


def _optional(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise WeChatRefusal(40097, f"invalid args: {name}")
    return value


def _environment(state: State, fields: Fields) -> Environment:
    env = _required(fields, "env")
    if env not in state.environments:
        raise WeChatRefusal(-501000, "resource not found, TcbCode: [ResourceNotFound.Env]")
    return state.settle(state.environments[env])


def _check_online(environment: Environment) -> None:
    # Which code WeChat gives is not known. "Never opened" and "not in service" differ here.
    if environment.status == "none":
        raise WeChatRefusal(85088, "no qbase privilege")
    if environment.status != "online":
        raise WeChatRefusal(-501005, f"env status abnormal: {environment.status}")


def _filename(fields: Fields) -> str:
    name = _required(fields, "filename")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        raise WeChatRefusal(40097, "invalid args: filename") from None
    if size > MAX_KEY or name.startswith("/") or ".." in name.split("/"):
        raise WeChatRefusal(40097, "invalid args: filename")
    return name


# --- the calls ------------------------------------------------------------------------------


def _create(state: State, environment: Environment, _: Fields, __: Request) -> Fields:
    if environment.status in ("none", "offline", "create_fail"):
        environment.status = "process"
        environment.online_from = state.now() + state.quirks.store_delay
    return {"errcode": 0, "errmsg": "ok"}


def _describe(state: State, environment: Environment, _: Fields, request: Request) -> Fields:
    quirks, env = state.quirks, environment.env
    store = {
        "env": env,
        "domain": quirks.domain.format(env=env) or environment.address,
        "bucket": environment.bucket_name,
        quirks.region_key: REGION,
        "status": environment.status,
    }
    data: list[Fields] | None = [store]
    if environment.status == "none":
        data = None if quirks.describe_empty == "null" else []
    return {"errcode": 0, "errmsg": "ok", quirks.data_key: data}


def _upload(state: State, environment: Environment, fields: Fields, _: Request) -> Fields:
    key = _filename(fields)
    _check_online(environment)
    start = int(state.now())
    key_time = f"{start};{start + int(state.quirks.link_seconds)}"
    account, text = state.account, signing.http_string("PUT", f"/{key}")
    sign = signing.authorization(account.secret_id, account.secret_key, key_time, text)
    url = f"{_link_base(state, environment)}/{quote(key)}?sign={signing.percent(sign)}"
    return {"errcode": 0, "errmsg": "ok", "signed_url": url, "token": account.security_token}


def _link_base(state: State, environment: Environment) -> str:
    base = state.quirks.link_base or f"{state.scheme}://{{address}}"
    return base.format(
        env=environment.env,
        bucket=environment.bucket_name,
        region=REGION,
        address=environment.address,
    )


def _list(state: State, environment: Environment, fields: Fields, _: Request) -> Fields:
    prefix, delimiter, marker = (_optional(fields, n) for n in ("prefix", "delimiter", "marker"))
    _check_online(environment)
    quirks = state.quirks
    objects = environment.bucket.all(as_of=state.now() - quirks.list_lag_seconds)
    rows = _rows(objects, prefix, delimiter)
    after = [row for row in rows if _behind(row, marker, quirks.marker)]
    page = after[: quirks.page_size]
    contents = [_content(key, objects[key], quirks) for key in page if key in objects]
    truncated: bool | str = len(after) > len(page)
    if quirks.truncated_as == "string":
        truncated = str(truncated).lower()
    return {"errcode": 0, "errmsg": "ok", **_contents(contents, quirks), "is_truncated": truncated}


def _rows(objects: dict[str, StoredObject], prefix: str, delimiter: str) -> list[str]:
    """
    Return keys in binary order; with a delimiter, folders in place of what is in them, as in COS.

    A folder counts for the size of a page, but WeChat's answer has no member for it.
    """
    keys = {key for key in objects if key.startswith(prefix)}
    if delimiter:
        keys = {_folded(key, prefix, delimiter) for key in keys}
    return sorted(keys, key=str.encode)


def _folded(key: str, prefix: str, delimiter: str) -> str:
    head, found, _ = key[len(prefix) :].partition(delimiter)
    # A mark that no key can hold keeps a folder apart from an object of the same name.
    return f"{prefix}{head}{found}\N{NULL}folder" if found else key


def _behind(row: str, marker: str, mode: str) -> bool:
    if not marker:
        return True
    row = row.partition("\N{NULL}")[0]
    return row.encode() > marker.encode() or (mode == "inclusive" and row == marker)


def _contents(contents: list[Fields], quirks: Quirks) -> Fields:
    if contents or quirks.list_empty == "[]":
        return {"contents": contents}
    return {"contents": None} if quirks.list_empty == "null" else {}


def _content(key: str, entry: StoredObject, quirks: Quirks) -> Fields:
    return {
        "key": key,
        "last_modified": iso_time(entry.last_modified, milliseconds=True),
        "md5": entry.md5 + ("-1" if quirks.list_md5 == "multipart" else ""),
        "size": str(entry.size),
    }


_CALLS: dict[str, Callable[[State, Environment, Fields, Request], Fields]] = {
    "createstaticstore": _create,
    "describestaticstore": _describe,
    "staticuploadfile": _upload,
    "staticfilelist": _list,
}
