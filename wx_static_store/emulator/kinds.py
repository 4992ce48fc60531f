"""The table of faults: what each kind is called, what it takes and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import effects
from .answers import Answer
from .effects import Values
from .incoming import Request
from .paths import PATHS
from .wire import Wire

API = tuple(PATHS.values())
PUT = ("put_object",)
ANY = (*API, *PUT, "get_object", "other")
CONNECTION = ("connection",)  # met before there is a request

TEXT, WHOLE, FLAG = (str,), (int,), (bool,)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kind: its types, and its default unless it is required."""

    types: tuple[type, ...]
    default: Any = None
    required: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind of fault; the hooks run in this order around the normal handling."""

    text: str
    on: tuple[str, ...] = ANY
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    before: Callable[[Values, Request, Wire], None] | None = None
    receive: Callable[[Values, Request], Answer] | None = None  # instead of the handling
    change: Callable[[Values, Request, Answer], Answer] | None = None
    deliver: Callable[[Values, Wire, Answer], None] | None = None


def _need(*types: type) -> Parameter:
    return Parameter(types, required=True)


_APPLY, _NOT_APPLIED = Parameter(FLAG, True), Parameter(FLAG, False)
_BYTES, _SECONDS = _need(int), _need(int, float)

KINDS: dict[str, Kind] = {
    "errcode": Kind(
        "WeChat refuses: errcode and errmsg, with a rid",
        API,
        {"errcode": _need(int), "errmsg": Parameter(TEXT, "scripted"), "apply": _NOT_APPLIED},
        change=effects.errcode,
    ),
    "status": Kind(
        "any HTTP answer",
        parameters={
            "status": _need(int),
            "headers": Parameter((dict,), {}),
            "body": Parameter(TEXT, ""),
            "apply": _NOT_APPLIED,
        },
        change=effects.status,
    ),
    "merge": Kind(
        "members of `json` laid over WeChat's answer (null is a value), those of `drop` left out",
        API,
        {"json": Parameter((dict,), {}), "drop": Parameter((list,), [])},
        change=effects.merge,
    ),
    "cos_error": Kind(
        "COS refuses, in XML; with `apply` it still stored the object",
        PUT,
        {
            "code": _need(str),
            "status": _need(int),
            "message": Parameter(TEXT, ""),
            "server_time": Parameter(TEXT, ""),
            "apply": _NOT_APPLIED,
        },
        change=effects.cos_error,
    ),
    "etag": Kind(
        "stored, but with another ETag or CRC-64 in the answer (empty text: without it)",
        PUT,
        {
            "value": Parameter((str, type(None))),
            "crc64": Parameter((str, type(None))),
        },
        change=effects.etag,
    ),
    "store_truncated": Kind(
        "only the first `bytes` are stored, the answer is 200 with the ETag of those",
        PUT,
        {"bytes": _BYTES},
        before=effects.keep_some,
    ),
    "reset": Kind(
        "TCP reset instead of an answer, after the whole request was read",
        parameters={"apply": _NOT_APPLIED},
        change=effects.silence,
        deliver=effects.reset,
    ),
    "reset_after": Kind(
        "TCP reset after `bytes` of the body",
        PUT,
        {"bytes": _BYTES},
        receive=effects.receive_some,
        change=effects.silence,
        deliver=effects.reset,
    ),
    "drop_reply": Kind(
        "everything is read and done, but the connection closes without an answer",
        parameters={"apply": _APPLY},
        change=effects.silence,
        deliver=effects.close,
    ),
    "hang": Kind(
        "no answer for `seconds`, then the connection closes",
        parameters={"seconds": _SECONDS, "apply": _NOT_APPLIED},
        change=effects.silence,
        deliver=effects.hang,
    ),
    "delay": Kind(
        "the normal answer, `seconds` later; `late`: the request takes effect only then",
        parameters={"seconds": _SECONDS, "late": Parameter(FLAG, False)},
        before=effects.wait_late,
        deliver=effects.wait_early,
    ),
    "drip": Kind(
        "`seconds` between single bytes of the head or the body, for the first `limit` bytes",
        parameters={
            "seconds": _SECONDS,
            "part": Parameter(TEXT, "body", choices=("head", "body")),
            "limit": Parameter(WHOLE, 10_000),
        },
        deliver=effects.drip,
    ),
    "truncate_json": Kind(
        "WeChat's answer breaks off after `keep` bytes (default half); Content-Length agrees",
        API,
        {"keep": Parameter((int, type(None)))},
        change=effects.truncate_json,
    ),
    "short_body": Kind(
        "Content-Length announces `missing` bytes more than come, then the connection closes",
        parameters={"missing": Parameter(WHOLE, 10)},
        deliver=effects.short_body,
    ),
    "html": Kind(
        "an HTML page instead of the answer, as of a captive portal",
        parameters={
            "status": Parameter(WHOLE, 200),
            "body": Parameter(TEXT, ""),
            "apply": _NOT_APPLIED,
        },
        change=effects.html,
    ),
    "redirect": Kind(
        "a redirect to `location` (default: the same address)",
        parameters={
            "status": Parameter(WHOLE, 302),
            "location": Parameter(TEXT, ""),
            "apply": _NOT_APPLIED,
        },
        change=effects.redirect,
    ),
    "huge": Kind(
        "200 with `bytes` of spaces, chunked",
        parameters={"bytes": _BYTES, "apply": _NOT_APPLIED},
        change=effects.huge,
    ),
    "gzip_bomb": Kind(
        "200 with `megabytes` of zeros, gzipped, chunked",
        parameters={"megabytes": _need(int), "apply": _NOT_APPLIED},
        change=effects.gzip_bomb,
    ),
    "interim": Kind(
        "an interim status first, then the normal answer",
        parameters={"status": Parameter(WHOLE, 103)},
        deliver=effects.interim,
    ),
    "stop_reading": Kind(
        "reads `bytes` of the body, nothing more for `seconds`, then closes",
        PUT,
        {"bytes": _BYTES, "seconds": _SECONDS},
        receive=effects.receive_some,
        deliver=effects.stop_reading,
    ),
    "early_status": Kind(
        "refuses after `bytes` of the body, then reads the rest, closes or resets",
        PUT,
        {
            "bytes": _BYTES,
            "status": _need(int),
            "code": _need(str),
            "mode": Parameter(TEXT, "drain", choices=("drain", "close", "reset")),
        },
        receive=effects.receive_some_and_refuse,
        deliver=effects.early_status,
    ),
    "link": Kind(
        "a signed_url with another host, scheme, key or userinfo, text replaced, or expired",
        ("staticuploadfile",),
        {
            "host": Parameter(TEXT, ""),
            "scheme": Parameter(TEXT, ""),
            "new_key": Parameter(TEXT, ""),  # "key" chooses the requests
            "userinfo": Parameter(TEXT, ""),
            "replace": Parameter((list,), []),
            "expired": Parameter(FLAG, False),
        },
        change=effects.link,
    ),
    "tls_eof": Kind(
        "closes during the TLS handshake, after the client's first words",
        CONNECTION,
        change=effects.silence,
    ),
    "accept_then_close": Kind(
        "accepts the connection (and its TLS), then closes without reading a request",
        CONNECTION,
        change=effects.silence,
    ),
    "close_on_reuse": Kind(
        "closes without an answer, only on a connection that already served a request",
        parameters={"apply": _NOT_APPLIED},
        change=effects.silence,
        deliver=effects.close,
    ),
}
