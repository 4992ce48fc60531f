"""The ticket sender: what it pushes, when, to whom, and for how long a ticket counts."""

from __future__ import annotations

import hashlib
import io
import queue
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.listeners import tls_context
from wx_static_store.emulator.quirks import BadInput
from wx_static_store.emulator.server import APPID
from wx_static_store.emulator.tickets import PUSH_TOKEN

from .conftest import NOON, Client
from .receiver import NEVER, Pushed, Receiver
from .test_tls import pair  # noqa: F401 -- a fixture


@pytest.fixture
def emulator(pushing: EmulatorServer) -> EmulatorServer:
    return pushing


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
def test_a_push_succeeded_if_the_answer_is_200_with_exactly_success(
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


def test_a_stop_between_two_pushes_takes_effect_at_once(receiver: Receiver) -> None:
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


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"variant": "bad_sgnature"}, "did you mean 'bad_signature'"),
        ({"variant": 1}, '{"variant": "plain"'),
        ({"kinds": "plain"}, "unknown member 'kinds'"),
        ({"kind": "authorised", "appid": "wxfake00000000000a"}, "did you mean 'authorized'"),
        ({"kind": "authorized"}, "give its appid"),
        ({"kind": "authorized", "appid": "a"}, "'a' is no appid"),
    ],
)
def test_the_control_plane_names_the_fix(client: Client, body: Any, text: str) -> None:
    answer = client.control("POST", "push", json=body)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


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
def test_a_push_address_must_be_complete(url: str) -> None:
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


def test_a_missing_cryptography_package_is_named_with_its_extra() -> None:
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
