"""The ticket sender: what it pushes, when, to whom, and for how long a ticket counts."""

from __future__ import annotations

import base64
import hashlib
import io
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.conftest import ci_package
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.listeners import tls_context
from wx_static_store.emulator.quirks import BadInput
from wx_static_store.emulator.server import APPID
from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN
from wx_static_store.emulator.variants import FOREIGN, REPLAY, RIGHT, VARIANTS

from .conftest import ENV, NOON, Client, Clock
from .test_tls import pair  # noqa: F401 -- a fixture

SOON = 10.0  # seconds in which everything comes that comes at all
NEVER = 3600.0  # seconds to the next push


@dataclass(frozen=True)
class Pushed:
    """One push as the receiver saw it, opened with nothing of the emulator's."""

    path: str
    query: dict[str, list[str]]
    body: bytes

    def one(self, name: str) -> str:
        """Return a parameter that is there once."""
        (value,) = self.query[name]
        return value

    @cached_property
    def encrypts(self) -> list[str]:
        """What stands in the elements Encrypt."""
        found = re.findall(rb"<Encrypt><!\[CDATA\[(.*?)\]\]></Encrypt>", self.body)
        return [text.decode() for text in found]

    @property
    def signed(self) -> bool:
        """Its signature is the one of the documents."""
        parts = [PUSH_TOKEN, self.one("timestamp"), self.one("nonce"), self.encrypts[0]]
        digest = hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()
        return self.one("msg_signature") == digest

    @cached_property
    def padded(self) -> bytes:
        """Decrypted, with its padding."""
        key = base64.b64decode(PUSH_AES_KEY + "=")
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        return decryptor.update(base64.b64decode(self.encrypts[0])) + decryptor.finalize()

    @property
    def length(self) -> int:
        """What the length field says of the message."""
        return int.from_bytes(self.padded[16:20], "big")

    @cached_property
    def inner(self) -> bytes:
        """The message."""
        return self.padded[20 : 20 + self.length]

    @property
    def tail(self) -> bytes:
        """What stands behind the message."""
        return self.padded[20 + self.length : -self.padded[-1]]

    @property
    def fields(self) -> dict[str, str]:
        """The message's own."""
        return {child.tag: child.text or "" for child in ElementTree.fromstring(self.inner)}

    @property
    def ticket(self) -> str:
        """What it is all about."""
        return self.fields["ComponentVerifyTicket"]


class Receiver(ThreadingHTTPServer):
    """Keeps what is pushed to it, and answers what the test wants."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: queue.Queue[Pushed] = queue.Queue()
        self.status, self.answer = 200, b"success"
        self.hold = threading.Event()  # clear: it thinks about its answer
        self.hold.set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/wx/callback/"

    def next(self) -> Pushed:
        """Return the next push."""
        return self.got.get(timeout=SOON)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        self.server.got.put(Pushed(parts.path, query, body))
        self.server.hold.wait(SOON)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):  # the sender went away
            super().handle()


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it is so, but not for long."""
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.002)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.hold.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def emulator(receiver: Receiver) -> Iterator[EmulatorServer]:
    """Start an emulator that pushed its first ticket and pushes the next on request only."""
    server = EmulatorServer(envs=[ENV], clock=Clock(), push_url=receiver.url, push_seconds=NEVER)
    with server:
        wait_for(lambda: len(server.pushes) == 1)
        yield server


@pytest.fixture
def first(emulator: EmulatorServer, receiver: Receiver) -> Pushed:
    """Return the first push."""
    return receiver.next()


def opened_by_wechatpy(
    pushed: Pushed, token: str = PUSH_TOKEN, aes_key: str = PUSH_AES_KEY
) -> dict[str, str]:
    """By a client that others wrote."""
    wechatpy = ci_package("wechatpy.crypto")
    crypto = wechatpy.WeChatCrypto(token, aes_key, APPID)
    names = ("msg_signature", "timestamp", "nonce")
    text = crypto.decrypt_message(pushed.body, *(pushed.one(name) for name in names))
    return {child.tag: child.text or "" for child in ElementTree.fromstring(text)}


# --- what is pushed -------------------------------------------------------------------------


def test_a_push_is_what_the_documents_say(first: Pushed) -> None:
    assert first.path == "/wx/callback/"
    assert set(first.query) == {
        "signature", "timestamp", "nonce", "encrypt_type", "msg_signature",
    }  # fmt: skip
    parts = sorted([PUSH_TOKEN, first.one("timestamp"), first.one("nonce")])
    assert first.one("signature") == hashlib.sha1("".join(parts).encode()).hexdigest()
    assert first.one("encrypt_type") == "aes"
    assert first.signed
    assert {child.tag: child.text for child in ElementTree.fromstring(first.body)} == {
        "AppId": APPID,
        "Encrypt": first.encrypts[0],
    }
    assert first.fields == {
        "AppId": APPID,
        "CreateTime": str(int(NOON)),
        "InfoType": "component_verify_ticket",
        "ComponentVerifyTicket": first.ticket,
    }
    padding = first.padded[-first.padded[-1] :]
    assert (first.tail, padding) == (APPID.encode(), bytes([len(padding)]) * len(padding))
    assert (len(first.padded) % 32, 1 <= len(padding) <= 32) == (0, True)


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


def test_keys_and_a_query_of_one_s_own_are_used(receiver: Receiver) -> None:
    key = base64.b64encode(bytes(range(32))).decode().rstrip("=")
    url = receiver.url + "?tenant=1"
    with EmulatorServer(push_url=url, push_token="of-my-own", push_aes_key=key):
        pushed = receiver.next()
    assert pushed.one("tenant") == "1"
    fields = opened_by_wechatpy(pushed, "of-my-own", key)
    assert fields["InfoType"] == "component_verify_ticket"


# --- every variant --------------------------------------------------------------------------

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
    assert SAYS.keys() == VARIANTS.keys()


@pytest.mark.parametrize("variant", SAYS)
def test_a_variant_is_what_it_is_called(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed, variant: str
) -> None:
    emulator.push(variant)
    assert SAYS[variant](receiver.next())


@pytest.mark.parametrize("variant", [name for name in SAYS if name != "plain"])
def test_a_right_push_is_not_called_a_variant(first: Pushed, variant: str) -> None:
    """So that no line of the table is true of everything."""
    try:
        assert not SAYS[variant](first)
    except UnicodeDecodeError:  # as it is no UTF-16
        assert variant == "utf_16"


@pytest.mark.parametrize("variant", [name for name in SAYS if name not in UNSIGNED])
def test_what_is_not_about_the_signature_is_signed(
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


def test_there_is_no_replay_of_nothing(receiver: Receiver) -> None:
    with pytest.raises(BadInput, match="push something first"):
        EmulatorServer(push_url=receiver.url).push(REPLAY)


def test_only_the_tickets_of_right_pushes_are_good(client: Client, first: Pushed) -> None:
    """The token call refuses a forged ticket."""
    for variant in VARIANTS:
        ticket = client.server.push(variant).ticket
        answer = client.token(component_verify_ticket=ticket).json()
        assert answer.get("errcode", 0) == (0 if variant in RIGHT else 61006)


def test_each_push_is_newer_than_the_one_before(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed
) -> None:
    """Even within one second: a receiver keeps a ticket only if its CreateTime is newer."""
    emulator.push()
    later = receiver.next()
    assert int(later.fields["CreateTime"]) == int(first.fields["CreateTime"]) + 1
    assert later.one("timestamp") == first.one("timestamp")


def test_the_time_on_a_push_is_the_receiver_s(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed
) -> None:
    """Its clock does not move with `advance`; it would take a push from tomorrow for a forgery."""
    emulator.advance(86400)
    emulator.push()
    assert receiver.next().one("timestamp") == str(int(NOON))


# --- when, and what becomes of the answer -----------------------------------------------------


def test_pushes_go_on_after_failures_each_with_another_ticket(receiver: Receiver) -> None:
    receiver.status = 500
    with EmulatorServer(push_url=receiver.url, push_seconds=0.01) as emulator:
        failed = [receiver.next() for _ in range(3)]
        receiver.status = 200
        while not emulator.pushes[-1].success:
            failed.append(receiver.next())
    assert [push.success for push in emulator.pushes[:3]] == [False] * 3
    assert len({pushed.ticket for pushed in failed}) == len(failed)


def test_the_ticket_of_a_failed_push_counts(client: Client, receiver: Receiver) -> None:
    receiver.status = 503
    push = client.server.push()
    assert not push.success
    assert "component_access_token" in client.token(component_verify_ticket=push.ticket).json()


@pytest.mark.parametrize(
    ("status", "answer", "success"),
    [
        (200, b"success", True),
        (200, b"success\n", False),
        (200, b"SUCCESS", False),
        (200, b"", False),
        (201, b"success", False),
        (403, b"", False),
        (302, b"success", False),
        (200, b"success" * 1000, False),
    ],
)
def test_success_is_a_200_with_exactly_that_word(
    emulator: EmulatorServer, receiver: Receiver, status: int, answer: bytes, success: bool
) -> None:
    receiver.status, receiver.answer = status, answer
    push = emulator.push()
    assert (push.status, push.answer, push.success) == (status, answer.decode()[:200], success)


def test_a_receiver_that_is_down_is_reported_with_the_reason() -> None:
    with Receiver() as gone:
        url = gone.url
    push = EmulatorServer(push_url=url).push()
    assert (push.status, push.success) == (0, False)
    assert "refused" in push.answer


def test_an_answer_before_the_end_of_the_push_counts() -> None:
    """A receiver may refuse what is too large by its length alone, and close."""

    def refuse(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=refuse, args=(listening,))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        push = EmulatorServer(push_url=url).push("large")
        thread.join()
    assert (push.status, push.success) == (413, False)


def test_a_site_with_tls_is_pushed_to_if_its_certificate_is_trusted(
    receiver: Receiver,
    pair: tuple[Path, Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver.socket = tls_context(*pair).wrap_socket(receiver.socket, server_side=True)
    emulator = EmulatorServer(push_url=receiver.url.replace("http:", "https:"))
    assert "certificate verify failed" in emulator.push().answer
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    assert emulator.push().success


def test_an_answer_is_waited_for_five_seconds(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wx_static_store.emulator import tickets

    assert tickets._PATIENCE == 5
    monkeypatch.setattr(tickets, "_PATIENCE", 0.05)
    receiver.hold.clear()
    push = EmulatorServer(push_url=receiver.url).push()
    assert (push.status, push.answer) == (0, "timed out")


def senders() -> int:
    """How many push."""
    return sum("tickets" in thread.name for thread in threading.enumerate())


def test_start_does_not_wait_for_the_push_and_stop_ends_it(receiver: Receiver) -> None:
    """The receiver holds its answer back all the time."""
    receiver.hold.clear()
    with EmulatorServer(push_url=receiver.url, push_seconds=NEVER) as emulator:
        receiver.next()
        assert emulator.pushes == []
    assert senders() == 0
    (push,) = emulator.pushes
    assert (push.status, push.answer == "timed out") == (0, False)  # cut off


def test_a_stop_between_two_pushes_is_at_once(receiver: Receiver) -> None:
    with EmulatorServer(push_url=receiver.url, push_seconds=NEVER):
        receiver.next()
    assert senders() == 0


def test_a_start_after_a_stop_pushes_again(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed
) -> None:
    emulator.stop()
    emulator.start()
    assert receiver.next().ticket != first.ticket


def test_the_push_address_may_be_set_later(receiver: Receiver) -> None:
    """A site that must know the emulator's address before it has one itself."""
    with EmulatorServer(push_seconds=NEVER) as emulator:
        emulator.push_to(receiver.url)
        ticket = receiver.next().ticket
        with Receiver() as second:
            emulator.push_to(second.url)
            threading.Thread(target=second.handle_request).start()
            assert second.next().ticket != ticket
        assert senders() == 1


def test_nothing_is_pushed_before_the_start(receiver: Receiver) -> None:
    emulator = EmulatorServer(push_url=receiver.url)
    emulator.push_to(receiver.url)
    assert (senders(), emulator.pushes) == (0, [])


def test_without_an_address_a_push_says_what_is_missing() -> None:
    with pytest.raises(BadInput, match=r"set push_url, or call push_to\(url\)"):
        EmulatorServer().push()


def test_a_reset_pushes_a_new_ticket(
    emulator: EmulatorServer, receiver: Receiver, first: Pushed
) -> None:
    """The old one is no longer known, so whoever holds it needs another."""
    emulator.reset()
    client = Client(emulator)
    ticket = receiver.next().ticket
    wait_for(lambda: [push.ticket for push in emulator.pushes] == [ticket])
    assert client.token(component_verify_ticket=first.ticket).json()["errcode"] == 61006
    assert "component_access_token" in client.token(component_verify_ticket=ticket).json()
    client.session.close()


def test_the_log_has_a_line_for_each_push_and_no_ticket(receiver: Receiver) -> None:
    log = io.StringIO()
    with EmulatorServer(push_url=receiver.url, push_seconds=NEVER, log=log) as emulator:
        wait_for(lambda: len(emulator.pushes) == 1)
        emulator.push("bad_signature")
    assert log.getvalue() == (
        "PUSH /wx/callback/ plain 200 'success'\nPUSH /wx/callback/ bad_signature 200 'success'\n"
    )


# --- tickets at the token call --------------------------------------------------------------


def errcode(client: Client, ticket: str) -> int:
    """Of a token call with that ticket; 0 when it gets a token."""
    answer: int = client.token(component_verify_ticket=ticket).json().get("errcode", 0)
    return answer


def test_a_ticket_is_good_for_twelve_hours_whatever_comes_after_it(
    client: Client, first: Pushed
) -> None:
    client.server.advance(12 * 3600 - 1)
    second = client.server.push().ticket
    assert (errcode(client, first.ticket), errcode(client, second)) == (0, 0)
    client.server.advance(1)
    assert (errcode(client, first.ticket), errcode(client, second)) == (61005, 0)


@pytest.mark.parametrize("ticket", ["never pushed", "", None, 5, ["x"], {"x": 1}])
def test_a_ticket_that_was_never_pushed_is_invalid(
    client: Client, first: Pushed, ticket: Any
) -> None:
    assert errcode(client, ticket) == 61006


def test_a_pushed_ticket_s_token_ends_the_one_before_after_five_minutes(
    client: Client, first: Pushed
) -> None:
    old, new = (
        client.token(component_verify_ticket=first.ticket).json()["component_access_token"]
        for _ in range(2)
    )

    def codes() -> list[int]:
        answers = (client.call("staticfilelist", params={"access_token": t}) for t in (old, new))
        return [answer.json()["errcode"] for answer in answers]

    client.server.advance(299)
    assert codes() == [0, 0]
    client.server.advance(1)
    assert codes() == [40001, 0]


def test_tickets_come_although_the_address_is_not_registered(
    client: Client, receiver: Receiver, first: Pushed
) -> None:
    """A whitelist that is wrong shows only at the call, with the address that called."""
    client.server.quirks.allowed_ip = "203.0.113.7"
    assert client.server.push().success
    answer = client.token(component_verify_ticket=receiver.next().ticket).json()
    assert answer["errcode"] == 61004
    assert "requestIP: 127.0.0.1" in answer["errmsg"]


def test_token_calls_are_counted(client: Client, first: Pushed) -> None:
    client.server.quirks.daily_limit = 2
    assert [errcode(client, first.ticket) for _ in range(3)] == [0, 0, 45009]


def start_push(client: Client) -> str:
    """`api_start_push_ticket`: what it says."""
    account = client.server.state.account
    fields = {"component_appid": account.appid, "component_secret": account.appsecret}
    url = f"{client.server.api_url}/cgi-bin/component/api_start_push_ticket"
    answer: str = client.session.post(url, json=fields, timeout=10).json()["errmsg"]
    return answer


def test_api_start_push_ticket_pushes_once_the_newest_ticket_is_too_old(
    client: Client, receiver: Receiver, first: Pushed
) -> None:
    assert start_push(client) == "in a normal state"
    client.server.advance(12 * 3600)
    assert start_push(client) == "ok"
    second = receiver.next().ticket
    assert (errcode(client, first.ticket), errcode(client, second)) == (61005, 0)


def test_api_start_push_ticket_starts_what_was_switched_off(receiver: Receiver) -> None:
    with EmulatorServer(push_url=receiver.url, push_seconds=0.01, pushing=False) as emulator:
        client = Client(emulator)
        with pytest.raises(queue.Empty):
            receiver.got.get(timeout=0.1)  # ten turns
        assert start_push(client) == "ok"
        assert receiver.next().ticket != receiver.next().ticket
        assert start_push(client) == "in a normal state"
        client.session.close()


# --- the control plane ------------------------------------------------------------------------


def test_the_control_plane_pushes_and_shows_what_was_pushed(
    client: Client, receiver: Receiver, first: Pushed
) -> None:
    receiver.status, receiver.answer = 403, b"no"
    bad = client.control("POST", "push", json={"variant": "bad_signature"}).json()
    assert (bad["number"], bad["variant"], bad["status"], bad["answer"], bad["success"]) == (
        2, "bad_signature", 403, "no", False,
    )  # fmt: skip
    plain = client.control("POST", "push").json()
    assert client.control("GET", "pushes").json()[1:] == [bad, plain]
    shown = client.control("GET", "pushes").json()[0]
    assert (shown["variant"], shown["ticket"], shown["success"]) == ("plain", first.ticket, True)
    assert plain["variant"] == "plain"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"variant": "bad_sgnature"}, "did you mean 'bad_signature'"),
        ({"variant": 1}, '{"variant": "plain"}'),
        ({"kind": "plain"}, "unknown member 'kind'"),
    ],
)
def test_the_control_plane_names_the_fix(client: Client, body: Any, text: str) -> None:
    answer = client.control("POST", "push", json=body)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://example.com/", "http://192.168.0.1/x", "https://127.0.0.1@example.com/"]
)
def test_tickets_go_to_loopback_only(url: str) -> None:
    """Their keys are public, so they must not be mistaken for WeChat's."""
    with pytest.raises(BadInput, match="pushes to loopback only"):
        EmulatorServer(push_url=url)
    with pytest.raises(BadInput, match="pushes to loopback only"):
        EmulatorServer().push_to(url)


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8000", "ftp://127.0.0.1/", "http://127.0.0.1:x/", "http://[::1/", "http://a b/"],
)
def test_an_address_is_a_whole_one(url: str) -> None:
    with pytest.raises(BadInput, match=r"such as http://127\.0\.0\.1:8000/wx/callback/"):
        EmulatorServer(push_url=url)


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("push_seconds", 0, "seconds above 0 such as 600"),
        ("push_seconds", float("nan"), "seconds above 0 such as 600"),
        ("push_token", "", "push_token is empty"),
        ("push_aes_key", "short", "43 characters"),
        ("push_aes_key", "*" * 43, "43 characters"),
    ],
)
def test_a_wrong_option_names_the_fix(option: str, value: Any, text: str) -> None:
    with pytest.raises(BadInput, match=text):
        EmulatorServer(push_url="http://127.0.0.1:1/", **{option: value})


def test_a_url_of_localhost_or_of_ipv6_is_loopback() -> None:
    for host in ("localhost", "[::1]"):
        assert EmulatorServer(push_url=f"http://{host}:1/").push().status == 0


def test_the_extra_that_is_missing_is_named() -> None:
    """In an interpreter that has no cryptography; without pushing nothing is missing."""
    code = """\
import sys
sys.modules["cryptography"] = None
from wx_static_store.emulator import EmulatorServer
EmulatorServer()
EmulatorServer(push_url="http://127.0.0.1:1/")
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (
        'BadInput: pushing tickets needs cryptography: pip install "wx_static_store[callback]"'
        in (done.stderr.splitlines()[-1])
    )
