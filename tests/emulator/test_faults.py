"""Faults by script: how they are chosen, and what each kind does on the wire."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.kinds import KINDS
from wx_static_store.emulator.quirks import BadInput

from .conftest import ENV, Client, connect, head, read_all

UPLOAD = {"filename": "a"}


def ask(client: Client, *, close: bool = True) -> bytes:
    """Return the raw answer to a GET of the key `a`."""
    url = client.server.site_url() + "/a?x=1"
    with connect(url) as connection:
        connection.sendall(head("GET", url, {"Connection": "close"} if close else {}))
        return read_all(connection)


def begin_put(client: Client, length: int, **headers: str) -> socket.socket:
    """Send the head of a PUT of the key `a`."""
    url, own = client.link("a")
    connection = connect(url)
    more = {**own, "Content-Length": str(length), **headers}
    connection.sendall(head("PUT", url, more))
    return connection


# --- which request meets which fault --------------------------------------------------------


def errcodes(client: Client, *names: str) -> list[int]:
    """Return the errcode of an upload call for each key."""
    return [client.call("staticuploadfile", {"filename": name}).json()["errcode"] for name in names]


def errcode(number: int, **more: Any) -> dict[str, Any]:
    """Return a fault that is easy to see."""
    return {"on": "staticuploadfile", "do": "errcode", "errcode": number, **more}


def test_a_fault_applies_once(client: Client) -> None:
    """By default one request meets it."""
    client.server.script(errcode(-1))
    assert errcodes(client, "a", "a") == [-1, 0]


def test_skip_and_times(client: Client) -> None:
    """Pass one, meet two, then pass."""
    client.server.script(errcode(-1, skip=1, times=2))
    assert errcodes(client, "a", "a", "a", "a") == [0, -1, -1, 0]


def test_for_ever(client: Client) -> None:
    """`times: null` never ends."""
    client.server.script(errcode(-1, times=None))
    assert errcodes(client, *"aaaa") == [-1] * 4


def test_by_key(client: Client) -> None:
    """The key is a glob; others pass and spend nothing."""
    client.server.script(errcode(-1, key="static/*.css"))
    assert errcodes(client, "static/a.js", "static/a.css") == [0, -1]


def test_by_environment(client: Client) -> None:
    """Only the environment that was named."""
    client.server.add_env("demo-2")
    client.server.script(errcode(-1, env="demo-2"))
    assert errcodes(client, "a") == [0]
    answer = client.call("staticuploadfile", {"env": "demo-2", "filename": "a"})
    assert answer.json()["errcode"] == -1


def test_the_first_that_is_not_spent_wins(client: Client) -> None:
    """Faults queue up."""
    client.server.script(errcode(-1), errcode(45011))
    assert errcodes(client, "a", "a", "a") == [-1, 45011, 0]


def test_the_journal_names_the_fault(client: Client) -> None:
    """So a test can distinguish scripted faults from others."""
    client.server.script(errcode(-1))
    errcodes(client, "a", "a")
    assert [entry.fault for entry in client.server.journal] == ["errcode", None]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("reset", "a fault is a JSON object"),
        ({"on": "put_object", "do": "rest"}, "did you mean 'reset'"),
        ({"on": "put_object"}, "valid are errcode, status"),
        ({"on": "putobject", "do": "reset"}, "did you mean 'put_object'"),
        ({"on": "put_object", "do": "errcode", "errcode": 1}, "'on' for 'errcode'"),
        ({"on": "put_object", "do": "hang", "second": 1}, "did you mean 'seconds'"),
        ({"on": "put_object", "do": "hang"}, "'hang' needs 'seconds'"),
        ({"on": "put_object", "do": "hang", "seconds": "1"}, "is a whole number or a number"),
        ({"on": "put_object", "do": "hang", "seconds": float("inf")}, "not inf"),
        ({"on": "connection", "do": "reset"}, "'on' for 'reset'"),
        ({"on": "put_object", "do": "tls_eof"}, "valid are connection"),
        ({"on": "put_object", "do": "reset", "times": -1}, "whole numbers"),
        ({"on": "put_object", "do": "reset", "key": 1}, "both text"),
        ({"on": "*", "do": "drip", "seconds": 1, "part": "tail"}, "one of head, body"),
    ],
)
def test_a_wrong_fault_is_refused(emulator: EmulatorServer, fault: Any, text: str) -> None:
    """The error names what is valid; nothing is added."""
    with pytest.raises(BadInput, match=text):
        emulator.script({"on": "put_object", "do": "reset"}, fault)
    assert emulator.state.script.as_list() == []


def test_every_kind_has_a_test() -> None:
    """A kind that is added here gets its test here."""
    tests = [name for name in globals() if name.startswith("test_kind_")]
    missing = [kind for kind in KINDS if not any(f"test_kind_{kind}" in name for name in tests)]
    assert missing == []


# --- other answers --------------------------------------------------------------------------


def test_kind_errcode(client: Client) -> None:
    """The verdict with a rid, nothing granted."""
    client.server.script(errcode(45009, errmsg="reach max api daily quota limit"))
    answer = client.call("staticuploadfile", UPLOAD).json()
    assert answer["errcode"] == 45009
    assert answer["errmsg"].startswith("reach max api daily quota limit rid: 6553f100-")
    assert "signed_url" not in answer


def test_kind_status(client: Client) -> None:
    """Any status with any headers; the object is not stored."""
    values = {"status": 503, "headers": {"Retry-After": "7"}, "body": "busy"}
    client.server.script({"on": "put_object", "do": "status", **values})
    answer = client.put("a")
    assert (answer.status_code, answer.text) == (503, "busy")
    assert answer.headers["Retry-After"] == "7"
    assert client.server.objects() == {}


def test_retry_after_of_an_api_call(client: Client) -> None:
    """WeChat's proxy, too, can send a Retry-After."""
    values = {"status": 503, "headers": {"Retry-After": "7"}}
    client.server.script({"on": "staticuploadfile", "do": "status", **values})
    answer = client.call("staticuploadfile", UPLOAD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert client.call("staticuploadfile", UPLOAD).status_code == 200


def test_kind_merge(client: Client) -> None:
    """Members replaced, nulled and left out."""
    values = {"json": {"token": None, "errcode": "0"}, "drop": ["errmsg"]}
    client.server.script({"on": "staticuploadfile", "do": "merge", **values})
    answer = client.call("staticuploadfile", UPLOAD).json()
    assert sorted(answer) == ["errcode", "signed_url", "token"]
    assert (answer["token"], answer["errcode"]) == (None, "0")


@pytest.mark.parametrize("apply", [False, True])
def test_kind_cos_error(client: Client, apply: bool) -> None:
    """XML of COS; with `apply` the object was stored in spite of it."""
    values = {"status": 503, "code": "SlowDown", "apply": apply}
    client.server.script({"on": "put_object", "do": "cos_error", **values})
    answer = client.put("a")
    assert answer.status_code == 503
    assert "<Code>SlowDown</Code>" in answer.text
    assert ("a" in client.server.objects()) is apply


def test_kind_etag(client: Client) -> None:
    """Stored as sent, but the answer has another ETag and no checksum."""
    client.server.script({"on": "put_object", "do": "etag", "value": "0" * 32, "crc64": ""})
    answer = client.put("a", b"a")
    assert answer.headers["ETag"] == f'"{"0" * 32}"'
    assert "x-cos-hash-crc64ecma" not in answer.headers
    assert client.server.objects()["a"].body == b"a"


def test_kind_store_truncated(client: Client) -> None:
    """Some bytes are lost and nobody says so."""
    client.server.script({"on": "put_object", "do": "store_truncated", "bytes": 3})
    answer = client.put("a", b"abcdef")
    assert answer.status_code == 200
    stored = client.server.objects()["a"]
    assert stored.body == b"abc"
    assert answer.headers["ETag"] == f'"{stored.md5}"'
    assert client.server.calls("put_object")[0].body_size == 6


def test_kind_html(client: Client) -> None:
    """A page with status 200."""
    client.server.script({"on": "staticuploadfile", "do": "html"})
    answer = client.call("staticuploadfile", UPLOAD)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<html>")


def test_kind_redirect(client: Client) -> None:
    """To where the script says."""
    values = {"status": 307, "location": "http://127.0.0.1:9/x"}
    client.server.script({"on": "staticuploadfile", "do": "redirect", **values})
    answer = client.call("staticuploadfile", UPLOAD, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:9/x")


def test_kind_huge(client: Client) -> None:
    """Chunked, without end in sight."""
    client.server.script({"on": "staticuploadfile", "do": "huge", "bytes": 1_000_000})
    answer = client.call("staticuploadfile", UPLOAD)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert len(answer.content) == 1_000_000


def test_kind_gzip_bomb(client: Client) -> None:
    """Small on the wire, large when unpacked."""
    client.server.script({"on": "get_object", "do": "gzip_bomb", "megabytes": 3})
    answer = ask(client)
    assert b"\r\nContent-Encoding: gzip\r\n" in answer
    assert len(answer) < 10_000
    client.server.script({"on": "get_object", "do": "gzip_bomb", "megabytes": 3})
    packed = client.get("/a", stream=True).raw.read(decode_content=False)
    assert gzip.decompress(packed) == bytes(3 << 20)


def test_kind_truncate_json(client: Client) -> None:
    """Half of the JSON, with a Content-Length that agrees."""
    client.server.script({"on": "staticuploadfile", "do": "truncate_json", "keep": 20})
    answer = client.call("staticuploadfile", UPLOAD)
    assert len(answer.content) == int(answer.headers["Content-Length"]) == 20
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"host": "example.com"}, "http://example.com/a?sign=q-"),
        ({"scheme": "https"}, "https://127.0.0.1:"),
        ({"new_key": "b c"}, "/b%20c?sign=q-"),
        ({"userinfo": "me:pw"}, "http://me:pw@127.0.0.1:"),
        ({"replace": ["q-ak", "q-ka"]}, "%26q-ka%3D"),
    ],
)
def test_kind_link(client: Client, values: dict[str, Any], expected: str) -> None:
    """One part of the link is another."""
    client.server.script({"on": "staticuploadfile", "do": "link", **values})
    assert expected in client.link("a")[0]


def test_kind_link_expired(client: Client) -> None:
    """The link is an hour old when it is given."""
    client.server.script({"on": "staticuploadfile", "do": "link", "expired": True})
    assert "Request has expired" in client.put("a").text


def test_a_client_that_leaves_while_a_fault_reads_is_noted(client: Client) -> None:
    """The journal has what came, and that nothing was answered."""
    client.server.script({"on": "put_object", "do": "reset_after", "bytes": 50})
    with begin_put(client, 100) as connection:
        connection.sendall(b"ab")
        connection.shutdown(1)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    (entry,) = client.server.calls("put_object")
    assert (entry.status, entry.body_size, entry.fault) == (0, 2, "reset_after")


# --- other ways to answer -------------------------------------------------------------------


@pytest.mark.parametrize("apply", [False, True])
def test_kind_reset(client: Client, apply: bool) -> None:
    """RST after the whole request."""
    client.server.script({"on": "put_object", "do": "reset", "apply": apply})
    with begin_put(client, 3) as connection:
        connection.sendall(b"abc")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert ("a" in client.server.objects()) is apply
    (entry,) = client.server.calls("put_object")
    assert (entry.status, entry.body_size) == (0, 3)


def test_kind_reset_after(client: Client) -> None:
    """RST in the middle of the body."""
    client.server.script({"on": "put_object", "do": "reset_after", "bytes": 2})
    with begin_put(client, 100) as connection:
        connection.sendall(b"ab")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    (entry,) = client.server.calls("put_object")
    assert (entry.body_size, client.server.objects()) == (2, {})


@pytest.mark.parametrize("apply", [False, True])
def test_kind_drop_reply(client: Client, apply: bool) -> None:
    """All is read, the connection ends without a word."""
    client.server.script({"on": "put_object", "do": "drop_reply", "apply": apply})
    with begin_put(client, 3) as connection:
        connection.sendall(b"abc")
        assert read_all(connection) == b""
    assert ("a" in client.server.objects()) is apply


def test_kind_hang(client: Client) -> None:
    """Silence for a while, then the end."""
    client.server.script({"on": "get_object", "do": "hang", "seconds": 0.05})
    before = time.monotonic()
    assert ask(client) == b""
    assert time.monotonic() - before >= 0.05


def test_a_hang_ends_when_the_server_stops() -> None:
    """Stopping waits for nobody."""
    with EmulatorServer(envs=[ENV]) as server:
        server.script({"on": "get_object", "do": "hang", "seconds": 600})
        url = server.site_url() + "/a?"
        connection = connect(url)
        connection.sendall(head("GET", url, {}))
        while not server.calls("get_object"):
            threading.Event().wait(0.001)
    assert read_all(connection) == b""
    connection.close()


def test_kind_delay(client: Client) -> None:
    """The normal answer, later; the request took effect at once."""
    client.server.put_object("a", b"abc")
    client.server.script({"on": "get_object", "do": "delay", "seconds": 0.05})
    before = time.monotonic()
    assert ask(client).endswith(b"\r\n\r\nabc")
    assert time.monotonic() - before >= 0.05


def test_kind_delay_late(client: Client) -> None:
    """A PUT whose client gave up takes effect later, over a newer one."""
    client.server.script({"on": "put_object", "do": "delay", "seconds": 1, "late": True})
    with begin_put(client, 5) as connection:
        connection.sendall(b"first")
    while client.server.state.script.as_list()[0]["times"]:
        threading.Event().wait(0.001)  # until the first has met it, the second would
    client.put("a", b"second")
    while len(client.server.calls("put_object")) < 2:
        threading.Event().wait(0.001)
    assert client.server.objects()["a"].body == b"first"


@pytest.mark.parametrize("part", ["head", "body"])
def test_kind_drip(client: Client, part: str) -> None:
    """Byte by byte, for a time; then the rest."""
    client.server.put_object("a", b"abcdef")
    values = {"seconds": 0.01, "part": part, "limit": 4}
    client.server.script({"on": "get_object", "do": "drip", **values})
    before = time.monotonic()
    answer = ask(client)
    assert time.monotonic() - before >= 0.04
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nabcdef")


def test_kind_short_body(client: Client) -> None:
    """Less than Content-Length says."""
    client.server.put_object("a", b"abcdef")
    client.server.script({"on": "get_object", "do": "short_body", "missing": 4})
    answer = ask(client, close=False)
    assert b"\r\nContent-Length: 10\r\n" in answer
    assert answer.endswith(b"\r\n\r\nabcdef")


def test_kind_interim(client: Client) -> None:
    """Two status lines, the second one counts."""
    client.server.put_object("a", b"abc")
    client.server.script({"on": "get_object", "do": "interim", "status": 103})
    answer = ask(client)
    assert answer.startswith(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"abc")


def test_kind_stop_reading(client: Client) -> None:
    """The sender of a large body gets stuck, then the connection ends."""
    client.server.script({"on": "put_object", "do": "stop_reading", "bytes": 5, "seconds": 0.2})
    with begin_put(client, 64 << 20) as connection:
        before = time.monotonic()
        with pytest.raises(ConnectionError):
            connection.sendall(bytes(64 << 20))
        assert time.monotonic() - before >= 0.15
    (entry,) = client.server.calls("put_object")
    assert entry.body_size == 5


@pytest.mark.parametrize("mode", ["drain", "close"])
def test_kind_early_status(client: Client, mode: str) -> None:
    """A refusal while the body is still coming."""
    values = {"bytes": 2, "status": 400, "code": "RequestTimeout", "mode": mode}
    client.server.script({"on": "put_object", "do": "early_status", **values})
    with begin_put(client, 4) as connection:
        connection.sendall(b"ab")
        answer = http.client.HTTPResponse(connection, method="PUT")
        answer.begin()
        assert (answer.status, answer.will_close) == (400, mode == "close")
        assert b"<Code>RequestTimeout</Code>" in answer.read()
    assert client.server.objects() == {}


def test_kind_early_status_reset(client: Client) -> None:
    """The same, but the refusal may be lost in a reset."""
    values = {"bytes": 2, "status": 403, "code": "AccessDenied", "mode": "reset"}
    client.server.script({"on": "put_object", "do": "early_status", **values})
    with begin_put(client, 4) as connection:
        connection.sendall(b"ab")
        with pytest.raises(ConnectionResetError):
            read_all(connection)


def test_kind_close_on_reuse(client: Client) -> None:
    """A connection's first request is served, a later one is not answered."""
    client.server.put_object("a", b"abc")
    client.server.script({"on": "get_object", "do": "close_on_reuse"})
    parts = urlsplit(client.server.site_url())
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/a")
    assert connection.getresponse().read() == b"abc"
    connection.request("GET", "/a")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    assert ask(client).endswith(b"abc")


# --- connections that end before there is a request (over TLS: test_tls.py) ------------------


def test_kind_accept_then_close(client: Client) -> None:
    """The site's next connection ends without an answer; the API's are not touched."""
    _one_connection_ends(client, "accept_then_close")


def test_kind_tls_eof(client: Client) -> None:
    """Without TLS the client's first words are its request."""
    _one_connection_ends(client, "tls_eof")


def _one_connection_ends(client: Client, do: str) -> None:
    client.server.script({"on": "connection", "env": ENV, "do": do})
    assert client.call("staticfilelist").json()["errcode"] == 0
    with pytest.raises(requests.ConnectionError):
        client.get("/a")
    assert client.get("/a").status_code == 404
    (entry,) = client.server.calls("connection")
    assert (entry.env, entry.status, entry.fault) == (ENV, 0, do)


def test_connections_to_the_api_only(client: Client) -> None:
    """They have no environment: the empty text."""
    client.server.script({"on": "connection", "env": "", "do": "accept_then_close"})
    assert client.get("/a").status_code == 404
    with pytest.raises(requests.ConnectionError):
        client.call("staticfilelist")
