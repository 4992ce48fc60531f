"""A connection: it sends by the deadline, and adds the secrets below the libraries."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.waiting import loaded
from wx_static_store.clients import connections
from wx_static_store.clients.connections import Connection
from wx_static_store.clients.transport import Transport
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    Remedy,
    ResponseLost,
    TransportError,
)

from .conftest import (
    APPSECRET,
    CANARIES,
    PLENTY,
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


def test_a_body_of_many_blocks_sets_no_more_timeouts_than_a_small_one(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a system call, during which another thread takes its turn."""
    me, counts, settimeout = threading.get_ident(), list[int](), socket.socket.settimeout

    def counted(sock: socket.socket, seconds: float | None) -> None:
        counts[-1] += threading.get_ident() == me
        settimeout(sock, seconds)

    monkeypatch.setattr(socket.socket, "settimeout", counted)
    for blocks in (1, 20):
        counts.append(0)
        put(transport, signed(serve(answer())), Body(*[b"a" * 1000] * blocks))
    assert counts[0] == counts[1] > 0


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
    monkeypatch.setattr(connections, "_tls", lambda _path: anybody)
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


# --- the pools: one for each host ----------------------------------------------------------------


def test_a_host_too_many_takes_the_place_of_the_least_recently_used_host(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tenant's bucket is a host: a deploy to a thousand must not keep all connections."""
    monkeypatch.setattr(connections, "HOSTS", 2)
    api, *buckets = servers = [serve(*[answer()] * 4) for _ in range(3)]
    for bucket in [*buckets, buckets[0]]:
        for server in (api, bucket):
            assert post(transport, server.url).status == 200
    assert [server.connections for server in servers] == [1, 2, 1]


def test_as_many_connections_are_kept_as_the_pool_is_large(
    serve: Serve, make_transport: MakeTransport
) -> None:
    both = threading.Barrier(2)

    def answer_both(peer: Peer) -> None:
        both.wait(10)
        peer.send(answer())

    transport, server = make_transport(pool_size=2), serve(*[answer_both] * 6)
    with ThreadPoolExecutor(2) as threads:
        for _ in range(3):
            list(threads.map(post, [transport] * 2, [server.url] * 2))
    assert server.connections == 2


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_file_of_the_environment_is_trusted(
    serve: Serve,
    make_transport: MakeTransport,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv(name, str(certificate))
    server = serve(answer(body=b"over TLS"), tls=tls)
    assert put(make_transport(), signed(server)).body == b"over TLS"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(
    make_transport: MakeTransport,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: str | None,
) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with pytest.raises(ConfigurationError, match=str(path)) as caught:
        make_transport()
    assert "REQUESTS_CA_BUNDLE" in str(caught.value)


def test_a_folder_of_certificates_is_trusted(
    serve: Serve,
    make_transport: MakeTransport,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shutil.copy(certificate, tmp_path)
    subprocess.run(["openssl", "rehash", tmp_path], check=True, timeout=20)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    server = serve(answer(body=b"over TLS"), tls=tls)
    assert put(make_transport(), signed(server)).body == b"over TLS"


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
@pytest.mark.parametrize(
    ("before", "password"),
    [
        ("http://user:pw@", "Basic dXNlcjpwdw=="),
        ("user:pw@", "Basic dXNlcjpwdw=="),
        ("http://", None),
        ("//", None),
        ("", None),
    ],
)
def test_a_plain_address_goes_to_the_proxy_with_its_password(
    serve: Serve,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    password: str | None,
) -> None:
    proxy = serve(answer(body=b"by the proxy"))
    monkeypatch.setenv("http_proxy", f"{before}127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "localhost")
    url = (
        f"http://from-{proxy.port}.example/a?sign={SIGN}"  # what is known of a host's proxy is kept
    )
    reply = transport.exchange("GET", Secret(url), stage="verify", deadline=PLENTY)
    assert reply.body == b"by the proxy"
    request = proxy.requests[0]
    assert request.line == f"GET {url} HTTP/1.1"
    assert request.headers.get("proxy-authorization") == password


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
def test_a_proxy_over_tls_is_trusted_by_the_certificates_of_the_environment(
    serve: Serve,
    make_transport: MakeTransport,
    trusted_tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It refuses here, but was connected to."""
    proxy = serve(answer(407), tls=trusted_tls)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "localhost")
    url = Secret(f"https://by-{proxy.port}.example/a")
    with pytest.raises(ConfigurationError, match="The proxy wants a password"):
        make_transport().exchange("GET", url, stage="verify", deadline=PLENTY)


def test_an_address_of_this_machine_is_called_without_a_proxy(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "example.com")
    assert post(transport, serve(answer()).url).status == 200


@pytest.mark.parametrize(("path", "target"), [("", "/"), ("/a", "/a")])
def test_a_server_is_asked_for_the_path_of_an_address(
    serve: Serve, transport: Transport, path: str, target: str
) -> None:
    server = serve(answer())
    transport.exchange("GET", Secret(server.url + path), stage="verify", deadline=PLENTY)
    assert server.requests[0].target == target


@pytest.mark.wx_real  # past the suite's own guard: nothing is called
@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:1",
        "SOCKS5://127.0.0.1:1",
        "gopher://127.0.0.1:1",
        "http://127.0.0.1:99999",
        "http://user:pw@:3128",
        "http://user:\N{SNOWMAN}@127.0.0.1:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_configuration_error(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "localhost")
    host = f"b{abs(hash(proxy))}.cos.ap-shanghai.myqcloud.com"  # a host's proxy is asked for once
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY"):
        put(transport, Secret(f"https://{host}/a.css?sign={SIGN}"))


def test_a_connection_by_socks_hides_the_query() -> None:
    pytest.importorskip("socks")
    manager = connections.Pools(1)._manager("socks5h://127.0.0.1:1")
    kinds = [pool.ConnectionCls for pool in manager.pool_classes_by_scheme.values()]
    assert all(issubclass(kind, Connection) for kind in kinds)
