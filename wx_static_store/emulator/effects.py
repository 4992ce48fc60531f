"""What each kind of fault does: to the answer, to the body of a PUT, on the wire."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from . import answers
from .answers import Answer, nothing, page, wechat_error
from .incoming import BLOCK, Request
from .wire import Wire, shortened, status_line

Values = Mapping[str, Any]

# --- another answer -------------------------------------------------------------------------


def errcode(values: Values, request: Request, _: Answer) -> Answer:
    return wechat_error(values["errcode"], values["errmsg"], request.started)


def status(values: Values, _: Request, __: Answer) -> Answer:
    return Answer(values["status"], dict(values["headers"]), values["body"].encode())


def cos_error(values: Values, request: Request, _: Answer) -> Answer:
    code, now = values["code"], request.started
    more = {"ServerTime": values["server_time"]} if values["server_time"] else {}
    message, resource = values["message"] or code, f"{request.host}/{request.key}"
    return answers.cos_error(values["status"], code, message, resource, now, **more)


def html(values: Values, _: Request, __: Answer) -> Answer:
    answer = page(values["status"], "Sign in to the network")
    return replace(answer, body=values["body"].encode() or answer.body)


def redirect(values: Values, request: Request, _: Answer) -> Answer:
    location = values["location"] or f"{request.scheme}://{request.host}{request.target}"
    return Answer(values["status"], {"Location": location})


def huge(values: Values, _: Request, __: Answer) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, stream=_spaces(values["bytes"]))


def gzip_bomb(values: Values, _: Request, __: Answer) -> Answer:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return Answer(200, headers, stream=_gzip_zeros(values["megabytes"]))


def _spaces(left: int) -> Iterator[bytes]:
    while left > 0:
        yield b" " * min(left, BLOCK)
        left -= BLOCK


def _gzip_zeros(megabytes: int) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for _ in range(megabytes):
        if block := packer.compress(bytes(1 << 20)):
            yield block
    yield packer.flush()


# --- the normal answer, changed -------------------------------------------------------------


def merge(values: Values, _: Request, answer: Answer) -> Answer:
    data = {**(answer.data or {}), **values["json"]}
    return replace(answer, data={k: v for k, v in data.items() if k not in values["drop"]})


def etag(values: Values, _: Request, answer: Answer) -> Answer:
    headers = dict(answer.headers)
    for name, value in (("ETag", values["value"]), ("x-cos-hash-crc64ecma", values["crc64"])):
        if value == "":
            headers.pop(name, None)
        elif value is not None:
            headers[name] = f'"{value}"' if name == "ETag" and '"' not in value else value
    return replace(answer, headers=headers)


def link(values: Values, _: Request, answer: Answer) -> Answer:
    data = dict(answer.data or {})
    if isinstance(url := data.get("signed_url"), str):
        data["signed_url"] = _other_link(values, url)
    return replace(answer, data=data)


def _other_link(values: Values, url: str) -> str:
    parts = urlsplit(url)
    host = values["host"] or parts.netloc
    netloc = f"{values['userinfo']}@{host}" if values["userinfo"] else host
    path = f"/{quote(values['new_key'])}" if values["new_key"] else parts.path
    url = urlunsplit((values["scheme"] or parts.scheme, netloc, path, parts.query, ""))
    if values["expired"]:
        url = re.sub(r"(\d+)%3B(\d+)", _hour_ago, url)
    for old, new in [values["replace"]] if values["replace"] else []:
        url = url.replace(old, new)
    return url


def _hour_ago(match: re.Match[str]) -> str:
    return "%3B".join(str(int(second) - 3600) for second in match.groups())


def truncate_json(values: Values, _: Request, answer: Answer) -> Answer:
    text = json.dumps(answer.data, ensure_ascii=False).encode() if answer.data else answer.body
    keep = len(text) // 2 if values["keep"] is None else values["keep"]
    return Answer(200, {"Content-Type": "application/json"}, text[:keep])


# --- the body of a PUT ----------------------------------------------------------------------


def receive_some(values: Values, request: Request) -> Answer:
    request.body.drain(values["bytes"])
    return nothing()


def receive_some_and_refuse(values: Values, request: Request) -> Answer:
    request.body.drain(values["bytes"])
    return cos_error({**values, "message": "", "server_time": ""}, request, nothing())


def keep_some(values: Values, request: Request, _: Wire) -> None:
    request.keep = values["bytes"]


def silence(_: Values, __: Request, ___: Answer) -> Answer:
    return nothing()


# --- how it leaves --------------------------------------------------------------------------


def close(_: Values, wire: Wire, __: Answer) -> None:
    wire.close()


def reset(_: Values, wire: Wire, __: Answer) -> None:
    wire.reset()


def hang(values: Values, wire: Wire, _: Answer) -> None:
    wire.wait(values["seconds"])
    wire.close()


def stop_reading(values: Values, wire: Wire, answer: Answer) -> None:
    wire.starve()
    hang(values, wire, answer)


def wait_late(values: Values, _: Request, wire: Wire) -> None:
    if values["late"]:
        wire.wait(values["seconds"])


def wait_early(values: Values, wire: Wire, answer: Answer) -> None:
    if not values["late"]:
        wire.wait(values["seconds"])
    wire.send(answer)


def drip(values: Values, wire: Wire, answer: Answer) -> None:
    head, body = wire.head(answer), wire.body(answer)
    if values["part"] == "head":
        wire.drip(head, values["seconds"], values["limit"])
        wire.write(body)
    else:
        wire.write(head)
        wire.drip(body, values["seconds"], values["limit"])


def short_body(values: Values, wire: Wire, answer: Answer) -> None:
    wire.send(shortened(answer, values["missing"]))


def interim(values: Values, wire: Wire, answer: Answer) -> None:
    wire.write(f"{status_line(values['status'])}\r\n".encode())
    wire.send(answer)


def early_status(values: Values, wire: Wire, answer: Answer) -> None:
    wire.send(replace(answer, close=values["mode"] != "drain"))
    if values["mode"] == "reset":
        wire.reset()
