"""The transport: one exchange per call, bounded, and only our own errors are raised."""

from __future__ import annotations

import gzip
import io
import json
import logging
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wx_static_store.clients.connections import BLOCK
from wx_static_store.clients.transport import Transport
from wx_static_store.core.retry import READ_RATE, Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    ConnectFailed,
    DeadlineExceeded,
    ProtocolError,
    Remedy,
    ResponseLost,
    SourceChanged,
    TlsFailed,
    TransportError,
    WxStaticStoreError,
)
from wx_static_store.upload.sources import opened

from .conftest import (
    APPSECRET,
    CANARIES,
    HOST,
    LIMIT,
    PLENTY,
    SECURITY,
    SIGN,
    TOKEN,
    Body,
    MakeTransport,
    Peer,
    Serve,
    answer,
    leaks,
    post,
    put,
    signed,
)

# --- what is sent ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/a%2Bb.css?sign=q-sign-time%3D1%3B61%26q-signature%3Dabc",
        "/%E6%96%87%E6%A1%A3/%E5%9B%BE%201.png?sign=q-sign-time%3D1%3B61",
        "/a%20b.css?sign=x&more=1",
        "/a~b!c*d'e(f).css?sign=x",
        "/a%7Eb.css?sign=x",
        "/100%25.txt?sign=x%2525",
        "/a%23b%3Fc.txt?sign=",
    ],
)
def test_a_link_is_sent_byte_for_byte(serve: Serve, transport: Transport, path: str) -> None:
    server = serve(answer())
    transport.exchange("PUT", Secret(server.url + path), stage="put", deadline=PLENTY, body=b"x")
    assert server.requests[0].line == f"PUT {path} HTTP/1.1"


@pytest.mark.parametrize("path", ["/a/../b.css", "/a/./b", "/%e6%96%87", "/a b", "/文"])
def test_an_address_that_the_library_would_change_is_not_called(
    serve: Serve, transport: Transport, path: str
) -> None:
    server = serve(answer())
    with pytest.raises(ProtocolError, match="would send another address"):
        transport.exchange("PUT", Secret(server.url + path), stage="put", deadline=PLENTY)
    assert server.connections == 0


@pytest.mark.wx_real  # past the suite's own guard: what is tested is that nothing is called
@pytest.mark.parametrize(
    "url", [f"https://{HOST}.evil.example/a.css?sign={SIGN}", f"http://{HOST}/a.css?sign={SIGN}"]
)
def test_a_link_that_may_not_be_used_is_refused_before_a_byte_leaves(
    monkeypatch: pytest.MonkeyPatch, transport: Transport, url: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail("it was called"))
    with pytest.raises(ProtocolError) as caught:
        put(transport, Secret(url))
    assert (caught.value.stage, caught.value.remedy) == ("link", Remedy.NEW_LINK)
    assert SIGN not in str(caught.value)


def test_a_link_to_this_machine_is_refused_unless_that_is_allowed(serve: Serve) -> None:
    server = serve(answer())
    with pytest.raises(ProtocolError, match="it is not https"):
        put(Transport(connect_timeout=5, read_timeout=5, pool_size=1), signed(server))
    assert server.connections == 0


def test_a_link_for_another_key_is_refused_before_a_byte_leaves(
    serve: Serve, transport: Transport
) -> None:
    server = serve(answer())
    with pytest.raises(ProtocolError, match="its path is not the key"):
        put(transport, signed(server, "/b.css"))
    assert server.connections == 0


def test_only_the_headers_that_we_know_are_sent(serve: Serve, transport: Transport) -> None:
    server = serve(answer())
    put(transport, signed(server))
    headers = server.requests[0].headers
    assert set(headers) == {
        "host",
        "user-agent",
        "accept-encoding",
        "x-cos-security-token",
        "content-length",
    }
    assert headers["accept-encoding"] == "identity"
    assert headers["x-cos-security-token"] == SECURITY


def test_a_netrc_file_adds_no_header(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = serve(answer())
    put(transport, signed(server))
    assert "authorization" not in server.requests[0].headers


def test_a_get_announces_no_body(serve: Serve, transport: Transport) -> None:
    server = serve(answer())
    transport.exchange("GET", Secret(server.url), stage="verify", deadline=PLENTY)
    assert "content-length" not in server.requests[0].headers


def test_the_date_of_an_answer_is_kept_whatever_its_status(
    serve: Serve, transport: Transport
) -> None:
    date, before = "Mon, 30 Nov 2026 12:00:00 GMT", time.time()
    server = serve(answer(502, headers={"Date": date}))
    post(transport, server.url)
    [(address, (kept, came))] = transport.dates.items()
    assert (address, kept) == (server.url, date)
    assert before <= came <= time.time()


def test_cookies_are_not_sent_back(serve: Serve, transport: Transport) -> None:
    server = serve(answer(headers={"Set-Cookie": "a=b; Path=/"}), answer())
    post(transport, server.url)
    post(transport, server.url)
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


# --- one connection, one exchange -----------------------------------------------------------


def test_two_exchanges_use_one_connection(serve: Serve, transport: Transport) -> None:
    server = serve(answer(body=b"one"), answer(500, b"two"), answer(body=b"three"))
    bodies = [post(transport, server.url).body for _ in range(3)]
    assert bodies == [b"one", b"two", b"three"]
    assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_replaced(
    serve: Serve, transport: Transport
) -> None:
    closed = threading.Event()

    def answer_and_close(peer: Peer) -> None:
        peer.send(answer(body=b"one"))
        peer.sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    server = serve(answer_and_close, answer(body=b"two"))
    post(transport, server.url)
    assert closed.wait(5)
    assert post(transport, server.url).body == b"two"


def test_an_answer_goes_to_the_thread_that_asked(serve: Serve, make_transport: Any) -> None:
    """16 threads over 4 pooled connections: nobody gets the answer to another one's key."""
    transport = make_transport()
    with EmulatorServer() as emulator:
        for number in range(16):
            emulator.put_object(f"{number}.txt", str(number).encode())
        wrong: list[int] = []

        def ask(number: int) -> None:
            url = Secret(f"{emulator.site_url()}/{number}.txt")
            for _ in range(5):
                reply = transport.exchange("GET", url, stage="verify", deadline=PLENTY)
                if reply.body != str(number).encode():
                    wrong.append(number)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not wrong
        assert len(emulator.calls("get_object")) == 80
        transport._pools.close()


@pytest.mark.parametrize("status", [102, 103])
def test_an_interim_answer_is_an_error_and_its_connection_is_not_used_again(
    serve: Serve, transport: Transport, status: int
) -> None:
    """The true answer comes late: it must not become the answer to the next request."""
    second = threading.Event()

    def interim_then_late(peer: Peer) -> None:
        peer.send(f"HTTP/1.1 {status} Interim\r\n\r\n".encode())
        second.wait(1)
        peer.send(answer(body=b"late, to the first"))

    server = serve(interim_then_late, answer(body=b"to the second"))
    with pytest.raises(ProtocolError) as caught:
        post(transport, server.url)
    assert caught.value.remedy is Remedy.WAIT
    reply = post(transport, server.url)
    second.set()
    assert reply.body == b"to the second"


def test_100_continue_is_skipped(serve: Serve, transport: Transport) -> None:
    server = serve(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body=b"final"))
    assert post(transport, server.url).body == b"final"


# --- redirects ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_the_other_host_hears_nothing(
    serve: Serve, transport: Transport, status: int
) -> None:
    other = serve(answer(body=b"stolen"))
    server = serve(answer(status, headers={"Location": other.url + "/a.css"}))
    reply = put(transport, signed(server))
    assert (reply.status, reply.headers["Location"]) == (status, other.url + "/a.css")
    assert other.connections == 0


def test_the_body_of_a_redirect_is_cut_as_any_other(serve: Serve, transport: Transport) -> None:
    poured = []

    def endless(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
        poured.append(peer.pour(b" " * 65536))

    server = serve(endless)
    with pytest.raises(ProtocolError, match="longer than"):
        put(transport, signed(server), deadline=Deadline.after(10))
    server.stop()
    assert poured[0] < 32 * 1024 * 1024, "the buffers of the sockets, not an endless body"


def test_a_redirect_to_nonsense_is_an_answer_as_any_other(
    serve: Serve, transport: Transport
) -> None:
    server = serve(answer(302, headers={"Location": "http://[::bad"}))
    assert put(transport, signed(server)).status == 302


# --- answers that are too much, too little, too slow ----------------------------------------


def test_an_answer_of_exactly_the_limit_is_read(serve: Serve, transport: Transport) -> None:
    server = serve(answer(body=b"x" * LIMIT))
    assert len(post(transport, server.url).body) == LIMIT


@pytest.mark.parametrize("length", [LIMIT + 1, 50 * 1024 * 1024])
def test_an_answer_over_the_limit_is_cut(
    serve: Serve, transport: Transport, emulator: EmulatorServer, length: int
) -> None:
    emulator.script({"on": "*", "do": "huge", "bytes": length})
    with pytest.raises(ProtocolError, match=f"longer than {LIMIT} bytes"):
        post(transport, emulator.api_url)


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("length", [LIMIT + 1, LIMIT + 2])
def test_a_refusal_that_is_cut_beyond_the_limit_is_known_by_its_status(
    serve: Serve, transport: Transport, length: int, status: int
) -> None:
    refusal = answer(status, b"x" * length, {"Content-Length": "1000000", "Retry-After": "7"})
    reply = post(transport, serve(refusal).url)
    assert (reply.status, reply.body, reply.retry_after) == (status, b"x" * LIMIT, 7)


def test_a_compressed_answer_is_refused_unread(
    transport: Transport, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "*", "do": "gzip_bomb", "megabytes": 20})
    with pytest.raises(ProtocolError, match="compressed"):
        post(transport, emulator.api_url)


def test_a_small_compressed_answer_is_refused_too(serve: Serve, transport: Transport) -> None:
    server = serve(answer(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ProtocolError, match="compressed"):
        post(transport, server.url)


def test_each_call_has_its_own_limit_of_the_answer(serve: Serve, transport: Transport) -> None:
    server = serve(answer(body=b"x" * (LIMIT + 1)))
    assert len(post(transport, server.url, limit=LIMIT + 1).body) == LIMIT + 1


def test_a_sink_takes_a_200_of_any_length(serve: Serve, transport: Transport) -> None:
    server = serve(answer(body=b"x" * (3 * LIMIT)))
    sink = io.BytesIO()
    reply = post(transport, server.url, sink=sink)
    assert (reply.status, reply.body, reply.headers["Content-Length"]) == (200, b"", str(3 * LIMIT))
    assert sink.getvalue() == b"x" * (3 * LIMIT)


def test_a_sink_takes_a_block_at_a_time(serve: Serve, transport: Transport) -> None:
    class Sink(io.BytesIO):
        longest = 0

        def write(self, block: Any, /) -> int:
            self.longest = max(self.longest, len(block))
            return super().write(block)

    sink = Sink()
    post(transport, serve(answer(body=b"x" * (3 * BLOCK))).url, sink=sink)
    assert sink.longest == BLOCK


def test_each_block_for_a_sink_gives_the_time_that_a_slow_line_needs_for_it(
    serve: Serve, transport: Transport
) -> None:
    deadline = Deadline.after(100)
    before = deadline.at
    post(transport, serve(answer(body=b"x" * LIMIT)).url, sink=io.BytesIO(), deadline=deadline)
    assert deadline.at - before == pytest.approx(LIMIT / READ_RATE)


def test_a_sink_does_not_take_an_error_page(serve: Serve, transport: Transport) -> None:
    server = serve(answer(404, b"not here"))
    sink = io.BytesIO()
    reply = post(transport, server.url, sink=sink)
    assert (reply.status, reply.body, sink.getvalue()) == (404, b"not here", b"")


def test_no_exchange_starts_after_the_deadline(serve: Serve, transport: Transport) -> None:
    server = serve(answer())
    with pytest.raises(DeadlineExceeded) as caught:
        post(transport, server.url, deadline=Deadline(0))
    assert caught.value.stage == "link"
    assert str(caught.value.message) == f"No time was left to ask {server.url}"
    assert server.connections == 0


def test_a_silent_server_ends_at_the_deadline_if_that_is_nearer_than_the_read_timeout(
    serve: Serve, transport: Transport
) -> None:
    server = serve(Peer.wait)
    with pytest.raises(DeadlineExceeded) as caught:
        post(transport, server.url, deadline=Deadline.after(0.2))
    assert caught.value.stage == "link"
    assert f"over while waiting for the answer of {server.url} (stage link)" in str(caught.value)


def test_a_server_that_takes_no_connection_ends_at_the_deadline_if_that_is_nearer(
    transport: Transport,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        # Nobody accepts it, and there is room for one.
        with (
            socket.create_connection(address),
            pytest.raises(DeadlineExceeded, match="over while connecting to"),
        ):
            post(transport, f"http://127.0.0.1:{address[1]}", deadline=Deadline.after(0.2))


def test_a_server_that_reads_no_body_ends_at_the_deadline(
    serve: Serve, transport: Transport
) -> None:
    server = serve(lambda peer: peer.over.wait(60), read_body=False)
    body = Body(*[b"x" * 1_000_000] * 20)
    with pytest.raises(DeadlineExceeded, match=f"over while sending to {server.url}"):
        put(transport, signed(server), body, deadline=Deadline.after(0.5))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "31"}, 30),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:20 GMT"}, 0),
    ],
)
def test_a_server_may_ask_for_a_pause_of_thirty_seconds_at_most(
    serve: Serve, transport: Transport, headers: dict[str, str], seconds: float
) -> None:
    assert post(transport, serve(answer(503, headers=headers)).url).retry_after == seconds


@pytest.mark.parametrize("head", ["", "Transfer-Encoding: chunked\r\n"])
def test_an_answer_that_announces_no_length_is_read(
    serve: Serve, transport: Transport, head: str
) -> None:
    body = b"4\r\nbody\r\n0\r\n\r\n" if head else b"body"
    server = serve(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body)
    assert post(transport, server.url).body == b"body"


@pytest.mark.parametrize("announced", ["11", "20"])
def test_a_body_shorter_than_announced_is_an_error(
    serve: Serve, transport: Transport, announced: str
) -> None:
    server = serve(answer(body=b'{"errcode"', headers={"Content-Length": announced}))
    with pytest.raises(ProtocolError, match="shorter than announced") as caught:
        post(transport, server.url)
    assert caught.value.remedy is Remedy.WAIT


def test_a_chunked_answer_that_breaks_off_is_an_error(serve: Serve, transport: Transport) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = serve(head + b'a\r\n{"errcode"\r\n')
    with pytest.raises((ProtocolError, TransportError)) as caught:
        post(transport, server.url)
    assert caught.value.remedy is Remedy.WAIT


# --- connections that fail ------------------------------------------------------------------


def unused_port() -> int:
    """Return a port that refuses: it stays bound, or a server of another worker might take it."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    bound.detach()
    return int(port)


def test_a_refused_connection_is_connect_failed(transport: Transport) -> None:
    origin = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(ConnectFailed, match=f"{origin}: NewConnectionError") as caught:
        post(transport, origin)
    assert caught.value.remedy is Remedy.WAIT


def test_a_server_that_takes_no_connection_ends_at_the_connect_timeout(
    make_transport: MakeTransport,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        # Nobody accepts it, and there is room for one.
        with socket.create_connection(address), pytest.raises(ConnectFailed):
            post(make_transport(connect_timeout=0.2), f"http://127.0.0.1:{address[1]}")


class OfAProject(Exception):
    """What a signal handler, or whoever reads the body, may raise."""


def test_a_failure_within_the_handling_of_another_error_is_its_own(transport: Transport) -> None:
    try:
        raise OfAProject
    except OfAProject:
        with pytest.raises(ConnectFailed):
            post(transport, f"http://127.0.0.1:{unused_port()}")


def test_an_error_of_a_project_s_own_passes_as_it_is(serve: Serve, transport: Transport) -> None:
    class Failing(Body):
        def __iter__(self) -> Iterator[bytes]:
            yield b"x"
            raise OfAProject

    with pytest.raises(OfAProject) as caught:
        put(transport, signed(serve(answer())), Failing(b"x", b"y"))
    assert caught.value.__context__ is None


def test_a_signal_s_exception_passes_as_it_is(serve: Serve, transport: Transport) -> None:
    """Even a class that the libraries raise, too."""

    def handler(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(TimeoutError) as caught:
            post(transport, serve(Peer.wait).url)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert type(caught.value) is TimeoutError


@pytest.mark.wx_real  # past the suite's own guard: no such host exists
def test_a_name_that_does_not_resolve_is_connect_failed(transport: Transport) -> None:
    with pytest.raises(ConnectFailed):
        post(transport, "http://nowhere.invalid")


@pytest.mark.parametrize("end", [Peer.reset, lambda peer: peer.sock.close()], ids=["reset", "end"])
def test_a_connection_that_ends_before_the_answer_is_response_lost(
    serve: Serve, transport: Transport, end: Callable[[Peer], None]
) -> None:
    server = serve(lambda peer: (peer.sock.shutdown(socket.SHUT_RD), end(peer)))
    with pytest.raises(ResponseLost):
        post(transport, server.url)


def test_what_reading_the_body_raises_comes_out_as_it_is(
    serve: Serve, transport: Transport, tmp_path: Path
) -> None:
    """A file that shrinks while it is sent is not a fault of the network."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1_000_000)
    server = serve(Peer.wait, read_body=False)
    with opened(UploadItem("a.css", lambda: path.open("rb"))) as source:
        path.write_bytes(b"x")
        with pytest.raises(SourceChanged) as caught:
            put(transport, signed(server), source)
    assert caught.value.stage == "source"


def test_an_answer_before_the_end_of_the_body_is_read(serve: Serve, transport: Transport) -> None:
    """COS refuses an expired link at once, and hangs up while a large body is on its way."""

    def refuse(peer: Peer) -> None:
        peer.send(answer(403, b"<Error/>", {"Connection": "close"}))
        peer.sock.shutdown(socket.SHUT_RD)
        peer.wait()

    server = serve(refuse, read_body=False)
    assert put(transport, signed(server), Body(*[b"x" * 100_000] * 20)).status == 403


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine and refuses
def test_a_proxy_of_the_environment_is_used_and_its_refusal_is_a_configuration_error(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answer(407))
    host = "proxied-static-demo.cos.ap-shanghai.myqcloud.com"
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{APPSECRET}@127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    with pytest.raises(ConfigurationError) as caught:
        put(transport, Secret(f"https://{host}/a.css?sign={SIGN}"))
    assert proxy.requests[0].line.startswith(f"CONNECT {host}:443 ")
    assert "HTTPS_PROXY" in str(caught.value)
    assert not leaks(caught.value)


# --- TLS ------------------------------------------------------------------------------------


def test_a_bad_certificate_stops_everything(
    serve: Serve, transport: Transport, tls: ssl.SSLContext
) -> None:
    server = serve(answer(), tls=tls)
    with pytest.raises(TlsFailed) as caught:
        put(transport, signed(server))
    assert caught.value.remedy is Remedy.CHANGE
    assert caught.value.stops_batch
    assert "REQUESTS_CA_BUNDLE" in str(caught.value)
    assert server.requests == []


def test_a_handshake_that_breaks_may_be_tried_again(serve: Serve, transport: Transport) -> None:
    def talk_plain(peer: Peer) -> None:
        peer.sock.recv(65536)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serve(greet=talk_plain)
    with pytest.raises(TlsFailed) as caught:
        post(transport, f"https://127.0.0.1:{server.port}")
    assert caught.value.remedy is Remedy.WAIT
    assert not caught.value.stops_batch


# --- nothing leaks --------------------------------------------------------------------------


def test_the_leak_detector_sees_a_leak() -> None:
    """Else the tests below could not fail."""
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(f"access_token={TOKEN}")
    assert {"dict", "locals", "pickle"} <= set(leaks(caught.value))
    assert {"str", "repr", "args", "traceback"} <= set(leaks(OSError(f"/?access_token={TOKEN}")))


def refused(serve: Serve) -> str:
    return f"http://127.0.0.1:{unused_port()}"


FAILURES: dict[str, Callable[[Serve], str]] = {
    "refused": refused,
    "unknown name": lambda serve: "http://nowhere.invalid",
    "reset": lambda serve: serve(Peer.reset).url,
    "closed": lambda serve: serve(greet=lambda peer: peer.sock.close()).url,
    "silent": lambda serve: serve(Peer.wait).url,
    "short": lambda serve: serve(answer(headers={"Content-Length": "9"})).url,
    "huge": lambda serve: serve(answer(body=b"x" * 70_000)).url,
    "compressed": lambda serve: serve(answer(headers={"Content-Encoding": "gzip"})).url,
    "interim": lambda serve: serve(b"HTTP/1.1 103 Early Hints\r\n\r\n").url,
    "no HTTP": lambda serve: serve(b"* OK IMAP4 ready\r\n").url,
    "not TLS": lambda serve: serve(greet=lambda peer: peer.send(b"plain")).url.replace(
        "http:", "https:"
    ),
    "space in the host": lambda serve: "http://127.0.0.1 evil:80",
}


@pytest.mark.wx_real  # past the suite's own guard: two of the hosts do not exist
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("leg", ["post", "put"])
def test_no_failure_shows_a_secret(
    serve: Serve,
    make_transport: MakeTransport,
    caplog: pytest.LogCaptureFixture,
    failure: str,
    leg: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    transport = make_transport(read_timeout=0.3)
    base = FAILURES[failure](serve)
    link = Secret(f"{base}/a.css?sign=q-signature%3D{SIGN}")
    with pytest.raises(WxStaticStoreError) as caught:
        post(transport, base) if leg == "post" else put(transport, link)
    assert leaks(caught.value) == []
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert not [canary for canary in CANARIES if canary in caplog.text]


def test_a_good_exchange_logs_no_secret_at_debug(
    serve: Serve, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(answer(), answer())
    put(transport, signed(server))
    post(transport, server.url)
    assert "/componenttcb/staticuploadfile" in caplog.text, "urllib3 does log the request"
    assert not [canary for canary in CANARIES if canary in caplog.text]


def test_a_reply_does_not_print_its_body(serve: Serve, transport: Transport) -> None:
    server = serve(answer(body=f'{{"token": "{SECURITY}"}}'))
    reply = post(transport, server.url)
    assert SECURITY.encode() in reply.body
    assert SECURITY not in repr(reply)


# --- without Django's settings --------------------------------------------------------------

STANDALONE = """
    import sys
    from io import BytesIO
    from wx_static_store import conf  # importing it reads no setting
    from wx_static_store.clients.cos import CosClient
    from wx_static_store.clients.site import SiteClient
    from wx_static_store.clients.tokens import CallableToken, current_token
    from wx_static_store.clients.transport import Transport
    from wx_static_store.clients.wechat import WeChatClient
    from wx_static_store.exceptions import TokenRejected
    from wx_static_store.core.naming import content_headers, object_key
    from tests.waiting import in_threads
    from wx_static_store.core.retry import Clock, Deadline, run
    from wx_static_store.core.secrets import Secret
    from wx_static_store.upload.sources import opened
    from wx_static_store.core.types import UploadItem

    api, site, token, env = sys.argv[1:]
    transport = Transport(connect_timeout=5, read_timeout=5, pool_size=2, loopback=True)
    wechat, cos = WeChatClient(transport, api), CosClient(transport)
    item = UploadItem("a b.css", lambda: BytesIO(b"body{}"))
    deadline = Deadline.after(10, Clock())

    def attempt(number):
        with opened(item) as source:
            secret = current_token(CallableToken(Secret(token).reveal))
            link = wechat.upload_link(
                secret, env, object_key("static/", item.name), deadline=deadline)
            return cos.put_object(link, source, content_headers(item, static=True),
                                  md5=source.known_md5, deadline=deadline)

    receipt, = in_threads(
        lambda _: run(attempt, max_attempts=1, deadline=deadline), [0], max_workers=2)
    assert receipt.verified
    try:
        wechat.describe(Secret("wrong"), env, deadline=deadline)
    except TokenRejected as error:
        print(error)
    sink = BytesIO()
    assert SiteClient(transport).fetch(site + "/static/a%20b.css", sink, deadline=deadline)
    print(sink.getvalue().decode())
    transport._pools.close()
"""


def test_the_clients_work_without_configured_settings(emulator: EmulatorServer) -> None:
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    env = next(iter(emulator.state.environments))
    arguments = [emulator.api_url, emulator.site_url(), emulator.access_token, env]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(STANDALONE), *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "errcode 40014" in done.stdout or "errcode 40001" in done.stdout
    assert "another system refreshes" in done.stdout, "the hint, untranslated"
    assert done.stdout.endswith("body{}\n")
    assert emulator.objects()["static/a b.css"].body == b"body{}"


def test_a_refused_link_may_be_asked_for_again_once(transport: Transport) -> None:
    with pytest.raises(ProtocolError, match="it is not https") as caught:
        put(transport, Secret("http://a.example/a.css"))
    error = caught.value
    assert (error.remedy, error.once, error.stage) == (Remedy.NEW_LINK, True, "link")
