"""What each kind of fault does on the wire."""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.tables import none_of
from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.kinds import KINDS

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


def test_every_kind_has_a_test() -> None:
    """The name of a kind's test begins with the kind."""
    without = [kind for kind in KINDS if not re.search(f"test_{kind}_", " ".join(globals()))]
    none_of(f"Write test_{kind}_… in tests/emulator/test_effects.py" for kind in without)


def test_errcode_is_answered_with_a_rid_and_nothing_is_granted(client: Client) -> None:
    """The verdict with a rid, nothing granted."""
    errmsg = "reach max api daily quota limit"
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "errmsg": errmsg}
    client.server.script(fault)
    answer = client.call("staticuploadfile", UPLOAD).json()
    assert answer["errcode"] == 45009
    assert answer["errmsg"].startswith(f"{errmsg} rid: 6553f100-")
    assert "signed_url" not in answer


def test_status_answers_with_any_status_and_headers_and_stores_nothing(client: Client) -> None:
    """Any status with any headers; the object is not stored."""
    values = {"status": 503, "headers": {"Retry-After": "7"}, "body": "busy"}
    client.server.script({"on": "put_object", "do": "status", **values})
    answer = client.put("a")
    assert (answer.status_code, answer.text) == (503, "busy")
    assert answer.headers["Retry-After"] == "7"
    assert client.server.objects() == {}


def test_status_answers_a_call_of_the_api_with_a_retry_after(client: Client) -> None:
    """WeChat's proxy, too, can send a Retry-After."""
    values = {"status": 503, "headers": {"Retry-After": "7"}}
    client.server.script({"on": "staticuploadfile", "do": "status", **values})
    answer = client.call("staticuploadfile", UPLOAD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert client.call("staticuploadfile", UPLOAD).status_code == 200


def test_merge_replaces_and_drops_members(client: Client) -> None:
    """Members replaced, nulled and left out."""
    values = {"json": {"token": None, "errcode": "0"}, "drop": ["errmsg"]}
    client.server.script({"on": "staticuploadfile", "do": "merge", **values})
    answer = client.call("staticuploadfile", UPLOAD).json()
    assert sorted(answer) == ["errcode", "signed_url", "token"]
    assert (answer["token"], answer["errcode"]) == (None, "0")


@pytest.mark.parametrize("apply", [False, True])
def test_cos_error_answers_in_xml_and_stores_only_with_apply(client: Client, apply: bool) -> None:
    """XML of COS; with `apply` the object was stored in spite of it."""
    values = {"status": 503, "code": "SlowDown", "apply": apply}
    client.server.script({"on": "put_object", "do": "cos_error", **values})
    answer = client.put("a")
    assert answer.status_code == 503
    assert "<Code>SlowDown</Code>" in answer.text
    assert ("a" in client.server.objects()) is apply


def test_etag_is_another_in_the_answer_and_the_bytes_are_stored(client: Client) -> None:
    """Stored as sent, but the answer has another ETag and no checksum."""
    client.server.script({"on": "put_object", "do": "etag", "value": "0" * 32, "crc64": ""})
    answer = client.put("a", b"a")
    assert answer.headers["ETag"] == f'"{"0" * 32}"'
    assert "x-cos-hash-crc64ecma" not in answer.headers
    assert client.server.objects()["a"].body == b"a"


def test_store_truncated_stores_a_part_and_answers_200(client: Client) -> None:
    """Some bytes are lost and nobody says so."""
    client.server.script({"on": "put_object", "do": "store_truncated", "bytes": 3})
    answer = client.put("a", b"abcdef")
    assert answer.status_code == 200
    stored = client.server.objects()["a"]
    assert stored.body == b"abc"
    assert answer.headers["ETag"] == f'"{stored.md5}"'
    assert client.server.calls("put_object")[0].body_size == 6


def test_html_is_a_page_with_status_200(client: Client) -> None:
    """A page with status 200."""
    client.server.script({"on": "staticuploadfile", "do": "html"})
    answer = client.call("staticuploadfile", UPLOAD)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<html>")


def test_redirect_leads_where_the_script_says(client: Client) -> None:
    """To where the script says."""
    values = {"status": 307, "location": "http://127.0.0.1:9/x"}
    client.server.script({"on": "staticuploadfile", "do": "redirect", **values})
    answer = client.call("staticuploadfile", UPLOAD, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:9/x")


def test_huge_sends_a_chunked_body(client: Client) -> None:
    """Chunked, without end in sight."""
    client.server.script({"on": "staticuploadfile", "do": "huge", "bytes": 1_000_000})
    answer = client.call("staticuploadfile", UPLOAD)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert len(answer.content) == 1_000_000


def test_gzip_bomb_is_small_on_the_wire_and_large_unpacked(client: Client) -> None:
    """Small on the wire, large when unpacked."""
    client.server.script({"on": "get_object", "do": "gzip_bomb", "megabytes": 3})
    answer = ask(client)
    assert b"\r\nContent-Encoding: gzip\r\n" in answer
    assert len(answer) < 10_000
    client.server.script({"on": "get_object", "do": "gzip_bomb", "megabytes": 3})
    packed = client.get("/a", stream=True).raw.read(decode_content=False)
    assert gzip.decompress(packed) == bytes(3 << 20)


def test_truncate_json_sends_half_with_its_content_length(client: Client) -> None:
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
def test_link_changes_one_part_of_the_signed_url(
    client: Client, values: dict[str, Any], expected: str
) -> None:
    """One part of the link is another."""
    client.server.script({"on": "staticuploadfile", "do": "link", **values})
    assert expected in client.link("a")[0]


def test_link_expired_is_an_hour_old_when_it_is_given(client: Client) -> None:
    """The link is an hour old when it is given."""
    client.server.script({"on": "staticuploadfile", "do": "link", "expired": True})
    assert "Request has expired" in client.put("a").text


def test_a_client_that_leaves_while_a_fault_reads_is_in_the_journal(client: Client) -> None:
    """The journal has what came, and that nothing was answered."""
    client.server.script({"on": "put_object", "do": "reset_after", "bytes": 50})
    with begin_put(client, 100) as connection:
        connection.sendall(b"ab")
        connection.shutdown(1)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    (entry,) = client.server.calls("put_object")
    assert (entry.status, entry.body_size, entry.fault) == (0, 2, "reset_after")


@pytest.mark.parametrize("apply", [False, True])
def test_reset_ends_the_connection_after_the_whole_request(client: Client, apply: bool) -> None:
    """RST after the whole request."""
    client.server.script({"on": "put_object", "do": "reset", "apply": apply})
    with begin_put(client, 3) as connection:
        connection.sendall(b"abc")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert ("a" in client.server.objects()) is apply
    (entry,) = client.server.calls("put_object")
    assert (entry.status, entry.body_size) == (0, 3)


def test_reset_after_ends_the_connection_within_the_body(client: Client) -> None:
    """RST in the middle of the body."""
    client.server.script({"on": "put_object", "do": "reset_after", "bytes": 2})
    with begin_put(client, 100) as connection:
        connection.sendall(b"ab")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    (entry,) = client.server.calls("put_object")
    assert (entry.body_size, client.server.objects()) == (2, {})


@pytest.mark.parametrize("apply", [False, True])
def test_drop_reply_reads_everything_and_answers_nothing(client: Client, apply: bool) -> None:
    """All is read, the connection ends without a word."""
    client.server.script({"on": "put_object", "do": "drop_reply", "apply": apply})
    with begin_put(client, 3) as connection:
        connection.sendall(b"abc")
        assert read_all(connection) == b""
    assert ("a" in client.server.objects()) is apply


def test_hang_is_silent_and_then_closes(client: Client) -> None:
    """Silence for a while, then the end."""
    client.server.script({"on": "get_object", "do": "hang", "seconds": 0.05})
    before = time.monotonic()
    assert ask(client) == b""
    assert time.monotonic() - before >= 0.05


def test_hang_ends_when_the_server_stops() -> None:
    """Stopping waits for nobody."""
    with EmulatorServer(envs=[ENV]) as server:
        server.script({"on": "get_object", "do": "hang", "seconds": 600})
        url = server.site_url() + "/a?"
        connection = connect(url)
        connection.sendall(head("GET", url, {}))
        wait_for(lambda: server.calls("get_object"))
    assert read_all(connection) == b""
    connection.close()


def test_delay_answers_late_and_takes_effect_at_once(client: Client) -> None:
    """The normal answer, later; the request took effect at once."""
    client.server.put_object("a", b"abc")
    client.server.script({"on": "get_object", "do": "delay", "seconds": 0.05})
    before = time.monotonic()
    assert ask(client).endswith(b"\r\n\r\nabc")
    assert time.monotonic() - before >= 0.05


def test_delay_late_takes_effect_after_a_newer_put(client: Client) -> None:
    """A PUT whose client gave up takes effect later, over a newer one."""
    client.server.script({"on": "put_object", "do": "delay", "seconds": 1, "late": True})
    with begin_put(client, 5) as connection:
        connection.sendall(b"first")
    # Until the first has met the fault, the second would.
    wait_for(lambda: client.server.state.script.as_list()[0]["times"] == 0)
    client.put("a", b"second")
    wait_for(lambda: len(client.server.calls("put_object")) == 2)
    assert client.server.objects()["a"].body == b"first"


@pytest.mark.parametrize("part", ["head", "body"])
def test_drip_sends_single_bytes(client: Client, part: str) -> None:
    """Byte by byte, for a time; then the rest."""
    client.server.put_object("a", b"abcdef")
    values = {"seconds": 0.01, "part": part, "limit": 4}
    client.server.script({"on": "get_object", "do": "drip", **values})
    before = time.monotonic()
    answer = ask(client)
    assert time.monotonic() - before >= 0.04
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nabcdef")


def test_short_body_sends_less_than_its_content_length(client: Client) -> None:
    """Less than Content-Length says."""
    client.server.put_object("a", b"abcdef")
    client.server.script({"on": "get_object", "do": "short_body", "missing": 4})
    answer = ask(client, close=False)
    assert b"\r\nContent-Length: 10\r\n" in answer
    assert answer.endswith(b"\r\n\r\nabcdef")


def test_interim_sends_an_interim_status_first(client: Client) -> None:
    """Two status lines, the second one counts."""
    client.server.put_object("a", b"abc")
    client.server.script({"on": "get_object", "do": "interim", "status": 103})
    answer = ask(client)
    assert answer.startswith(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"abc")


def test_stop_reading_reads_a_part_and_then_nothing(client: Client) -> None:
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
def test_early_status_answers_within_the_body(client: Client, mode: str) -> None:
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


def test_early_status_with_reset_resets_after_the_answer(client: Client) -> None:
    """The same, but the refusal may be lost in a reset."""
    values = {"bytes": 2, "status": 403, "code": "AccessDenied", "mode": "reset"}
    client.server.script({"on": "put_object", "do": "early_status", **values})
    with begin_put(client, 4) as connection:
        connection.sendall(b"ab")
        with pytest.raises(ConnectionResetError):
            read_all(connection)


def test_close_on_reuse_closes_the_second_request_of_a_connection(client: Client) -> None:
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


def test_accept_then_close_ends_a_connection_before_its_request(client: Client) -> None:
    """The site's next connection ends without an answer; the API's are not touched."""
    client.server.script({"on": "connection", "env": ENV, "do": "accept_then_close"})
    assert client.call("staticfilelist").json()["errcode"] == 0
    assert [site_status(client), site_status(client)] == [None, 404]
    assert ended_connections(client) == [(ENV, 0, "accept_then_close")]


def test_tls_eof_without_tls_ends_a_connection_before_its_request(client: Client) -> None:
    """Without TLS the client's first words are its request."""
    client.server.script({"on": "connection", "env": ENV, "do": "tls_eof"})
    assert client.call("staticfilelist").json()["errcode"] == 0
    assert [site_status(client), site_status(client)] == [None, 404]
    assert ended_connections(client) == [(ENV, 0, "tls_eof")]


def site_status(client: Client) -> int | None:
    """Return the status of the site's answer, None if the connection ends without one."""
    try:
        return client.get("/a").status_code
    except requests.ConnectionError:
        return None


def ended_connections(client: Client) -> list[tuple[str, int, str]]:
    calls = client.server.calls("connection")
    return [(entry.env, entry.status, entry.fault) for entry in calls]


def test_accept_then_close_of_no_environment_ends_connections_to_the_api(client: Client) -> None:
    """They have no environment: the empty text."""
    client.server.script({"on": "connection", "env": "", "do": "accept_then_close"})
    assert client.get("/a").status_code == 404
    with pytest.raises(requests.ConnectionError):
        client.call("staticfilelist")
