"""The pools: one for each host, by the certificates and the proxy of the environment."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wx_static_store.clients import pools
from wx_static_store.clients.connection import Connection
from wx_static_store.clients.transport import Transport
from wx_static_store.core.secrets import Secret
from wx_static_store.exceptions import ConfigurationError

from .conftest import (
    PLENTY,
    SIGN,
    MakeTransport,
    Peer,
    Serve,
    answer,
    post,
    put,
    signed,
)


def test_a_host_too_many_takes_the_place_of_the_least_recently_used_host(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tenant's bucket is a host: a deploy to a thousand must not keep all connections."""
    monkeypatch.setattr(pools, "HOSTS", 2)
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
    manager = pools.Pools(1)._manager("socks5h://127.0.0.1:1")
    kinds = [pool.ConnectionCls for pool in manager.pool_classes_by_scheme.values()]
    assert all(issubclass(kind, Connection) for kind in kinds)
