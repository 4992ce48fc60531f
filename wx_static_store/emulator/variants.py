"""
Pushes that differ from a correct one: forged, damaged or late, for tests of the receiver.

A row names the part that it changes, in the words of `tickets.build`. Whatever comes after that
part is made from the changed one, so a signature is right unless the row is about signatures.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

FOREIGN = "wxffffffffffffffff"  # the appid of somebody else
_LATE = 600  # seconds; twice what a receiver should allow
_MANY = 100_000
_MEGABYTES = 2 << 20

Fields = dict[str, Any]
Change = Callable[[Any], Any]


def _put(name: str, value: object) -> Change:
    return lambda fields: {**fields, name: value}


def _drop(*names: str) -> Change:
    return lambda fields: {name: fields[name] for name in fields if name not in names}


def _twice(name: str) -> Change:
    return lambda fields: {**fields, name: [fields[name]] * 2}


def _edit(name: str, change: Change) -> Change:
    return lambda fields: {**fields, name: change(fields[name])}


def _always(value: object) -> Change:
    return lambda _: value


def _last(value: int) -> Change:
    return lambda padded: padded[:-1] + bytes([value])


def _other_digit(signature: str) -> str:
    return signature[:-1] + ("0" if signature[-1] != "0" else "1")


def _inconsistent(padded: bytes) -> bytes:
    """Add a block whose last byte says 32 while the others are not 32."""
    return padded + bytes(31) + b"\x20"


# --- XML that a receiver must not read ------------------------------------------------------


def _before(prolog: bytes) -> Change:
    return lambda body: prolog + body


def _within(more: bytes) -> Change:
    return lambda body: re.sub(rb"(?=</xml>\s*$)", lambda _: more, body)


def _with_entity(definition: bytes) -> Change:
    prolog = b"<!DOCTYPE xml [" + definition + b"]>\n"
    return lambda body: prolog + _within(b"<Note>&last;</Note>")(body)


def _laughs() -> bytes:
    """Return entities that expand to a billion copies of a word."""
    names = ["first", *(f"e{level}" for level in range(1, 9)), "last"]
    lines = ["<!ENTITY first 'ha'>"]
    for inner, outer in pairwise(names):
        lines.append(f"<!ENTITY {outer} '{f'&{inner};' * 10}'>")
    return "".join(lines).encode()


def _recoded(encoding: str) -> Change:
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    return lambda body: (head + body.decode()).encode(encoding)


def _attributes() -> bytes:
    return b"<Note " + b" ".join(b"a%d=''" % number for number in range(_MANY)) + b"/>"


# --- the table ------------------------------------------------------------------------------

_NEEDED = ("timestamp", "nonce", "msg_signature")

VARIANTS: dict[str, tuple[str, Change]] = {
    # right ones
    "plain": ("", _always(None)),
    "few_parameters": ("query", _drop("signature", "encrypt_type")),
    "only_encrypt": ("outside", _drop("AppId")),
    "no_pre_auth_code": ("inside", _drop("PreAuthCode")),  # which not every grant has
    # the query
    **{f"no_{name}": ("query", _drop(name)) for name in _NEEDED},
    **{f"repeated_{name}": ("query", _twice(name)) for name in _NEEDED},
    "bad_signature": ("query", _edit("msg_signature", _other_digit)),
    "upper_case_signature": ("query", _edit("msg_signature", str.upper)),
    "long_signature": ("query", _edit("msg_signature", lambda text: text + "0")),
    "old_timestamp": ("timestamp", lambda moment: moment - _LATE),
    "future_timestamp": ("timestamp", lambda moment: moment + _LATE),
    # whose it is
    "foreign_envelope": ("outside", _put("AppId", FOREIGN)),
    "foreign_tail": ("tail", _always(FOREIGN.encode())),
    "foreign_inside": ("inside", _put("AppId", FOREIGN)),
    # the envelope
    "no_encrypt": ("outside", _drop("Encrypt")),
    "repeated_encrypt": ("outside", _twice("Encrypt")),
    "empty_encrypt": ("encrypt", _always("")),
    "encrypt_not_base64": ("encrypt", lambda text: "*" + text[1:]),
    "encrypt_cut_off": ("encrypt", lambda text: text[:-3]),
    "encrypt_no_whole_block": ("cipher", lambda cipher: cipher[:-1]),
    "no_xml": ("body", _always(b"success")),
    "large": ("body", _within(b"<Note>" + b"x" * _MEGABYTES + b"</Note>")),
    "nested": ("body", _within(b"<a>" * 2 * _MANY + b"</a>" * 2 * _MANY)),
    "attributes": ("body", _within(_attributes())),
    "dtd": ("body", _before(b"<!DOCTYPE xml>\n")),
    "instruction": ("body", _before(b"<?xml-stylesheet href='a.xsl'?>\n")),
    "entities": ("body", _with_entity(_laughs())),
    "external_entity": ("body", _with_entity(b"<!ENTITY last SYSTEM 'file:///etc/hostname'>")),
    "utf_7": ("body", _recoded("utf-7")),
    "utf_16": ("body", _recoded("utf-16")),
    # what is encrypted
    "padding_0": ("padded", _last(0)),
    "padding_33": ("padded", _last(33)),
    "padding_255": ("padded", _last(255)),
    "padding_inconsistent": ("padded", _inconsistent),
    "length_too_long": ("length", lambda length: length[:2] + b"\xff\xff"),
    "length_negative": ("length", _always(b"\xff" * 4)),
    "length_0": ("length", _always(bytes(4))),
    # the message
    "inside_no_xml": ("inner", _always(b"ticket")),
    "inside_dtd": ("inner", _before(b"<!DOCTYPE xml>\n")),
    "no_info_type": ("inside", _drop("InfoType")),
    "other_info_type": ("inside", _put("InfoType", "unauthorized")),
    "unknown_info_type": ("inside", _put("InfoType", "never_heard_of")),
    "older_create_time": ("inside", _edit("CreateTime", lambda moment: moment - 3600)),
    "no_create_time": ("inside", _drop("CreateTime")),
    "no_ticket": ("inside", _drop("ComponentVerifyTicket")),
    "empty_ticket": ("inside", _put("ComponentVerifyTicket", "")),
    "long_ticket": ("inside", _put("ComponentVerifyTicket", "x" * 513)),
    "control_ticket": ("inside", _put("ComponentVerifyTicket", "ticket\n\x7f")),
}
RIGHT = ("plain", "few_parameters", "only_encrypt", "no_pre_auth_code")  # what they say is true
REPLAY = "replay"  # the last push again, byte for byte


def names() -> list[str]:
    """Return every variant."""
    return [*VARIANTS, REPLAY]
