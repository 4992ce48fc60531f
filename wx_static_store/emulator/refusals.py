"""An errcode in place of an answer, and the checks of a call's parameters."""

from __future__ import annotations

import json
from typing import Any

from .incoming import Request

Fields = dict[str, Any]


class WeChatRefusal(Exception):
    """An errcode in place of an answer."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errcode, errmsg)
        self.errcode, self.errmsg = errcode, errmsg


def check(verdict: tuple[int, str]) -> None:
    """Raise WeChatRefusal unless the errcode is 0."""
    if verdict[0]:
        raise WeChatRefusal(*verdict)


def invalid(name: str) -> WeChatRefusal:
    """Return the refusal of a parameter whose value is wrong."""
    return WeChatRefusal(40097, f"invalid args: {name}")


def read_fields(request: Request) -> Fields:
    """Return the JSON object that a call sent."""
    if not request.content:
        raise WeChatRefusal(44002, "empty post data")
    fields = json_object(request.content)
    if fields is None:
        raise WeChatRefusal(47001, "data format error")
    return fields


def json_object(content: bytes) -> Fields | None:
    """Return the JSON object that the bytes hold, if they hold one."""
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def required(fields: Fields, name: str) -> Any:
    """Return a parameter that must be there."""
    if name not in fields:
        raise WeChatRefusal(40101, f"missing parameter {name}")
    return fields[name]


def required_text(fields: Fields, name: str) -> str:
    """Return a text that must be there and must not be empty."""
    if not required(fields, name):
        raise invalid(name)
    return optional_text(fields, name)


def optional_text(fields: Fields, name: str) -> str:
    """Return a text, which is empty if it is not there."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise invalid(name)
    return value
