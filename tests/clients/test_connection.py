"""A connection: it sends by the deadline, and adds the secrets below the libraries."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from tests.waiting import loaded
from wx_static_store.clients import pools
from wx_static_store.clients.transport import Transport
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    DeadlineExceeded,
    Remedy,
    ResponseLost,
    TransportError,
)

from .conftest import (
    APPSECRET,
    CANARIES,
    SECURITY,
    SIGN,
    TOKEN,
    Body,
    MakeTransport,
    Peer,
    Serve,
    answer,
    post,
    put,
    signed,
)


@pytest.mark.parametrize("body", [b"", Secret("")], ids=["bytes", "secret"])
def test_an_empty_body_has_content_length_zero_and_is_not_chunked(
    serve: Serve, transport: Transport, body: Any
) -> None:
    server = serve(answer())
    put(transport, signed(server), body)
    headers = server.requests[0].headers
    assert headers["content-length"] == "0"
    assert "transfer-encoding" not in headers


def test_a_body_of_many_blocks_has_a_content_length_and_is_not_chunked(
    serve: Serve, transport: Transport
) -> None:
    server = serve(answer())
    put(transport, signed(server), Body(b"ab", b"c" * 300_000, b"d"))
    request = server.requests[0]
    assert request.headers["content-length"] == "300003"
    assert "transfer-encoding" not in request.headers
    assert request.body == b"ab" + b"c" * 300_000 + b"d"


def test_each_secret_header_arrives_as_one_of_its_own(serve: Serve, transport: Transport) -> None:
    server = serve(answer())
    secrets = {"x-cos-security-token": Secret(SECURITY), "x-cos-meta-a": Secret(TOKEN)}
    transport.exchange(
        "PUT",
        Secret(server.url),
        stage="put",
        deadline=Deadline.after(5),
        headers=secrets,
        body=b"a",
    )
    headers = server.requests[0].headers
    assert (headers["x-cos-security-token"], headers["x-cos-meta-a"]) == (SECURITY, TOKEN)


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_dripping_answer_ends_at_the_deadline(
    transport: Transport, emulator: EmulatorServer, part: str
) -> None:
    """Each byte comes within the read timeout; only our own clock ends it."""
    emulator.script({"on": "*", "do": "drip", "seconds": 0.05, "part": part})
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        post(transport, emulator.api_url, deadline=Deadline.after(0.4))
    assert time.monotonic() - started < loaded(5)


def test_a_dripping_answer_over_tls_ends_at_the_deadline(
    serve: Serve, make_transport: MakeTransport, trusted_tls: ssl.SSLContext
) -> None:
    def drip(peer: Peer) -> None:
        for byte in answer(body=b"x" * 400):
            peer.send(bytes([byte]))
            if peer.over.wait(0.02):
                return

    server = serve(drip, tls=trusted_tls)
    with pytest.raises(DeadlineExceeded):
        put(make_transport(), signed(server), deadline=Deadline.after(0.4))


def test_a_silent_server_ends_at_the_read_timeout(
    serve: Serve, make_transport: MakeTransport
) -> None:
    server = serve(Peer.wait)
    with pytest.raises(ResponseLost) as caught:
        post(make_transport(read_timeout=0.2), server.url)
    assert caught.value.remedy is Remedy.WAIT


def test_a_stall_within_the_body_is_not_ended_by_the_connect_timeout(
    serve: Serve, make_transport: MakeTransport
) -> None:
    """While a body is sent the libraries leave it with the socket (measured, M8)."""

    def read_late(peer: Peer) -> None:
        peer.over.wait(0.6)
        peer.sock.settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # the body is over
            while peer.sock.recv(2**20):
                pass
        peer.send(answer(200, b""))

    server = serve(read_late, read_body=False)
    body = Body(*[b"x" * 2**20] * 32)
    transport = make_transport(connect_timeout=0.2, read_timeout=10)
    assert put(transport, signed(server), body).status == 200


@pytest.mark.parametrize("blocks", [1, 64])
def test_a_server_that_stops_reading_ends_at_the_read_timeout(
    serve: Serve, make_transport: MakeTransport, blocks: int
) -> None:

    def stop_reading(peer: Peer) -> None:
        peer.over.wait(30)

    server = serve(stop_reading, read_body=False)
    body = Body(*[b"x" * (64 * 1024 * 1024 // blocks)] * blocks)
    started = time.monotonic()
    with pytest.raises(TransportError):
        put(make_transport(read_timeout=0.3), signed(server), body)
    assert time.monotonic() - started < 20
    assert body.handed_over is (blocks == 1)


@dataclass
class Proxy:
    """A proxy that gives a tunnel to any host, and is at its other end, too."""

    host: str
    received: list[bytes]


@pytest.fixture
def proxy(serve: Serve, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    received: list[bytes] = []

    def tunnel(peer: Peer) -> None:
        received.append(peer.sock.recv(65536))
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with tls.wrap_socket(peer.sock, server_side=True) as inside:
            received.append(inside.recv(65536))
            inside.sendall(answer(body=b"through"))

    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(pools, "_tls", lambda _path: anybody)
    server = serve(greet=tunnel)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    return Proxy(f"by-{server.port}.example", received)


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_tunnel_is_asked_for_without_the_query_and_carries_it(
    proxy: Proxy, make_transport: MakeTransport
) -> None:
    assert post(make_transport(), f"https://{proxy.host}").body == b"through"
    asked, carried = proxy.received
    assert asked.startswith(f"CONNECT {proxy.host}:443 HTTP/1".encode())
    assert TOKEN.encode() not in asked
    line = f"POST /componenttcb/staticuploadfile?access_token={TOKEN} HTTP/1.1\r\n"
    assert carried.startswith(line.encode())
    assert carried.endswith(f'{{"component_appsecret": "{APPSECRET}"}}'.encode())


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
def test_a_proxy_that_gives_no_tunnel_ends_at_the_connect_timeout(
    serve: Serve, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(greet=Peer.wait)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    transport = make_transport(connect_timeout=0.2, read_timeout=30)
    started = time.monotonic()
    with pytest.raises(TransportError):
        post(transport, f"https://by-{server.port}.example")
    assert time.monotonic() - started < 20


def test_the_debug_level_of_http_client_shows_the_answer_and_no_secret(
    serve: Serve,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    put(transport, signed(serve(answer(headers={"Server": "tencent-cos"}))))
    shown = capsys.readouterr().out
    assert "tencent-cos" in shown
    assert [canary for canary in CANARIES if canary in shown] == []


def test_the_libraries_get_no_secret_as_an_argument(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they get as arguments is what an observer that patches them records."""
    arguments: list[object] = []

    def recorded(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            arguments.extend([*args[1:], *kwargs.items()])
            return function(*args, **kwargs)

        return call

    hooks = (
        (urllib3.HTTPConnectionPool, ("urlopen", "_make_request")),
        (urllib3.connection.HTTPConnection, ("request", "putrequest", "putheader")),
        (http.client.HTTPConnection, ("putrequest", "putheader", "endheaders", "send")),
    )
    for owner, names in hooks:
        for name in names:
            monkeypatch.setattr(owner, name, recorded(getattr(owner, name)))
    server = serve(answer(), answer(), answer())
    put(transport, signed(server))
    put(transport, signed(server), body=b"")
    post(transport, server.url)
    assert "/a.css" in repr(arguments)
    assert "PUT /a.css HTTP/1.1" in repr(arguments)
    assert [canary for canary in CANARIES if canary in repr(arguments)] == []
    assert [SIGN in request.target for request in server.requests] == [True, True, False]
    assert TOKEN in server.requests[2].target
    assert [request.headers.get("x-cos-security-token") for request in server.requests] == [
        SECURITY,
        SECURITY,
        None,
    ]
    assert server.requests[2].json == {"component_appsecret": APPSECRET}
