"""Each variant of a push differs from a correct one in what its name says."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.conftest import ci_package
from tests.tables import each
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.quirks import BadInput
from wx_static_store.emulator.server import APPID
from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN
from wx_static_store.emulator.variants import FOREIGN, REPLAY, RIGHT, VARIANTS

from .conftest import NOON, Client
from .receiver import Pushed, Receiver


@pytest.fixture
def emulator(pushing: EmulatorServer) -> EmulatorServer:
    return pushing


def opened_by_wechatpy(
    pushed: Pushed, token: str = PUSH_TOKEN, aes_key: str = PUSH_AES_KEY
) -> dict[str, str]:
    """By a client that others wrote."""
    wechatpy = ci_package("wechatpy.crypto")
    crypto = wechatpy.WeChatCrypto(token, aes_key, APPID)
    names = ("msg_signature", "timestamp", "nonce")
    text = crypto.decrypt_message(pushed.body, *(pushed.one(name) for name in names))
    return {child.tag: child.text or "" for child in ElementTree.fromstring(text)}


@pytest.mark.parametrize("variant", RIGHT)
def test_wechatpy_reads_every_right_push(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed, variant: str
) -> None:
    push = emulator.push(variant)
    fields = opened_by_wechatpy(receiver.next())
    assert fields["InfoType"] == "component_verify_ticket"
    assert (fields["AppId"], fields["ComponentVerifyTicket"]) == (APPID, push.ticket)


@pytest.mark.parametrize(
    ("variant", "error"),
    [("bad_signature", "InvalidSignatureException"), ("foreign_tail", "InvalidAppIdException")],
)
def test_wechatpy_refuses_a_forged_push(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed, variant: str, error: str
) -> None:
    emulator.push(variant)
    with pytest.raises(Exception, match=r"(?i)invalid") as caught:
        opened_by_wechatpy(receiver.next())
    assert type(caught.value).__name__ == error


def test_own_keys_and_an_own_query_are_used_in_a_push(receiver: Receiver) -> None:
    key = base64.b64encode(bytes(range(32))).decode().rstrip("=")
    url = receiver.url + "?tenant=1"
    with EmulatorServer(push_url=url, push_token="of-my-own", push_aes_key=key):
        pushed = receiver.next()
    assert pushed.one("tenant") == "1"
    fields = opened_by_wechatpy(pushed, "of-my-own", key)
    assert fields["InfoType"] == "component_verify_ticket"


UNSIGNED = {
    "bad_signature", "upper_case_signature", "long_signature",
    "no_timestamp", "no_nonce", "no_msg_signature",
    "repeated_timestamp", "repeated_nonce", "repeated_msg_signature",
    "no_encrypt", "no_xml", "utf_7", "utf_16",
}  # fmt: skip


def _lacks(*names: str) -> Callable[[Pushed], bool]:
    return lambda p: len(p.query) == 5 - len(names) and not set(names) & set(p.query)


def _repeats(name: str) -> Callable[[Pushed], bool]:
    return lambda p: {n for n, values in p.query.items() if len(values) == 2} == {name}


def _signature_is(change: Callable[[str], bool]) -> Callable[[Pushed], bool]:
    return lambda p: not p.signed and change(p.one("msg_signature"))


def _holds(*words: bytes) -> Callable[[Pushed], bool]:
    return lambda p: all(word in p.body for word in words)


def _field(name: str, value: str) -> Callable[[Pushed], bool]:
    return lambda p: p.fields[name] == value


def _late(seconds: int) -> Callable[[Pushed], bool]:
    return lambda p: int(p.one("timestamp")) == NOON + seconds


SAYS: dict[str, Callable[[Pushed], Any]] = {
    "plain": lambda p: p.ticket.startswith("ticket@@@"),
    "few_parameters": _lacks("signature", "encrypt_type"),
    "only_encrypt": lambda p: b"AppId" not in p.body and p.ticket,
    "no_timestamp": _lacks("timestamp"),
    "no_nonce": _lacks("nonce"),
    "no_msg_signature": _lacks("msg_signature"),
    "repeated_timestamp": _repeats("timestamp"),
    "repeated_nonce": _repeats("nonce"),
    "repeated_msg_signature": _repeats("msg_signature"),
    "bad_signature": _signature_is(lambda text: bool(re.fullmatch("[0-9a-f]{40}", text))),
    "upper_case_signature": _signature_is(str.isupper),
    "long_signature": _signature_is(lambda text: len(text) == 41),
    "old_timestamp": _late(-600),
    "future_timestamp": _late(600),
    "foreign_envelope": lambda p: _holds(FOREIGN.encode())(p) and p.tail == APPID.encode(),
    "foreign_tail": lambda p: p.tail == FOREIGN.encode(),
    "foreign_inside": lambda p: p.fields["AppId"] == FOREIGN and p.tail == APPID.encode(),
    "no_encrypt": lambda p: p.encrypts == [] and APPID.encode() in p.body,
    "repeated_encrypt": lambda p: len(p.encrypts) == 2 and p.encrypts[0] == p.encrypts[1],
    "empty_encrypt": lambda p: p.encrypts == [""],
    "encrypt_not_base64": lambda p: p.encrypts[0].startswith("*"),
    "encrypt_cut_off": lambda p: len(p.encrypts[0]) % 4 == 1,
    "encrypt_no_whole_block": lambda p: len(base64.b64decode(p.encrypts[0])) % 16 == 15,
    "no_xml": lambda p: b"<" not in p.body,
    "large": lambda p: len(p.body) > 2 << 20,
    "nested": lambda p: p.body.count(b"<a>") == p.body.count(b"</a>") == 200_000,
    "attributes": lambda p: len(re.findall(rb"\ba\d+=''", p.body)) == 100_000,
    "dtd": lambda p: p.body.startswith(b"<!DOCTYPE"),
    "instruction": lambda p: re.match(rb"<\?(?!xml )", p.body),
    "entities": lambda p: len(re.findall(rb"(?:&\w+;){10}", p.body)) == 9,
    "external_entity": _holds(b"<!DOCTYPE", b"SYSTEM", b"&last;"),
    "utf_7": _holds(b'encoding="utf-7"'),
    "utf_16": lambda p: 'encoding="utf-16"' in p.body.decode("utf-16"),
    "padding_0": lambda p: p.padded[-1] == 0,
    "padding_33": lambda p: p.padded[-1] == 33,
    "padding_255": lambda p: p.padded[-1] == 255,
    "padding_inconsistent": lambda p: p.padded[-1] == 32 and set(p.padded[-32:-1]) == {0},
    "length_too_long": lambda p: len(p.padded) < p.length < 1 << 31,
    "length_negative": lambda p: p.padded[16:20] == b"\xff" * 4,
    "length_0": lambda p: p.length == 0,
    "inside_no_xml": lambda p: p.inner and b"<" not in p.inner,
    "inside_dtd": lambda p: p.inner.startswith(b"<!DOCTYPE") and p.ticket,
    "no_info_type": lambda p: "InfoType" not in p.fields and p.ticket,
    "other_info_type": _field("InfoType", "unauthorized"),
    "unknown_info_type": _field("InfoType", "never_heard_of"),
    "older_create_time": _field("CreateTime", str(int(NOON) + 1 - 3600)),
    "no_create_time": lambda p: "CreateTime" not in p.fields and p.ticket,
    "no_ticket": lambda p: set(p.fields) == {"AppId", "CreateTime", "InfoType"},
    "empty_ticket": _field("ComponentVerifyTicket", ""),
    "long_ticket": lambda p: len(p.ticket) == 513,
    "control_ticket": lambda p: re.search(r"[\x00-\x1f]", p.ticket) and "\x7f" in p.ticket,
}


def test_every_variant_is_described() -> None:
    assert SAYS.keys() | {"no_pre_auth_code"} == VARIANTS.keys()  # which changes no ticket


@pytest.mark.parametrize("variant", SAYS)
def test_each_variant_of_a_push_is_what_its_name_says(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed, variant: str
) -> None:
    emulator.push(variant)
    assert SAYS[variant](receiver.next())


@each("variant", [name for name in SAYS if name != "plain"])
def test_a_right_push_is_not_called_a_variant(first: Pushed, variant: str) -> None:
    """So that no line of the table is true of everything."""
    try:
        assert not SAYS[variant](first)
    except UnicodeDecodeError:  # as it is no UTF-16
        assert variant == "utf_16"


@each("variant", [name for name in SAYS if name not in UNSIGNED])
def test_a_variant_that_is_not_about_the_signature_is_signed(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed, variant: str
) -> None:
    """Also where the receiver finds what is wrong only behind it."""
    emulator.push(variant)
    assert receiver.next().signed


def test_a_replay_is_the_last_push_byte_for_byte(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed
) -> None:
    emulator.push(REPLAY)
    assert receiver.next() == first


def test_a_replay_needs_an_earlier_push(receiver: Receiver) -> None:
    with pytest.raises(BadInput, match="push something first"):
        EmulatorServer(push_url=receiver.url).push(REPLAY)


def test_only_tickets_of_right_pushes_are_valid(client: Client, first: Pushed) -> None:
    """The token call refuses a forged ticket."""
    for variant in VARIANTS:
        ticket = client.server.push(variant).ticket
        answer = client.token(component_verify_ticket=ticket).json()
        assert answer.get("errcode", 0) == (0 if variant in RIGHT else 61006)
