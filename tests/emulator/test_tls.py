"""Every listener over TLS."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.quirks import BadInput

from .command import exchange, running, setting
from .conftest import ENV, Client, connect, head, read_all

Pair = tuple[Path, Path]

REQUEST = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
NAMES = "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Make a certificate of 127.0.0.1 and its key for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = [openssl, *REQUEST.split(), *NAMES.split(), "-out", str(cert), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.fixture
def emulator(pair: Pair) -> Iterator[EmulatorServer]:
    """Start an emulator that speaks TLS."""
    with EmulatorServer(envs=[ENV], tls=pair) as server:
        yield server


@pytest.fixture
def client(emulator: EmulatorServer, pair: Pair) -> Iterator[Client]:
    """Return a client that trusts the emulator's certificate."""
    client = Client(emulator)
    client.session.verify = str(pair[0])
    yield client
    client.session.close()


def secured(url: str, pair: Pair) -> ssl.SSLSocket:
    """Open a bare TLS connection."""
    context = ssl.create_default_context(cafile=pair[0])
    return context.wrap_socket(connect(url), server_hostname="127.0.0.1")


def test_an_upload_and_its_page_go_over_https(client: Client) -> None:
    """Link, PUT and site are https, and connections are kept."""
    assert client.server.api_url.startswith("https://127.0.0.1:")
    assert client.link("a")[0].startswith(client.server.site_url() + "/a?sign=")
    assert client.server.site_url().startswith("https://")
    assert client.put("a", b"abc" * 100_000).status_code == 200
    assert client.get("/a").content == b"abc" * 100_000
    assert client.control("GET", "state").json()["envs"][0]["url"] == client.server.site_url()


def test_a_redirect_to_the_same_address_stays_https(client: Client) -> None:
    """The same address has the same scheme."""
    client.server.script({"on": "get_object", "do": "redirect"})
    answer = client.get("/a", allow_redirects=False)
    assert answer.headers["Location"] == client.server.site_url() + "/a"


def test_a_client_that_fails_the_handshake_does_not_stop_the_others(client: Client) -> None:
    """A failed handshake and plain HTTP end their own connection only."""
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(client.server.site_url(), timeout=10)
    with pytest.raises(requests.ConnectionError):
        requests.get(client.server.site_url().replace("https", "http"), timeout=10)
    assert client.get("/a").status_code == 404


def test_a_stuck_handshake_blocks_nobody(client: Client) -> None:
    """Each connection shakes hands in its own thread; stopping waits for none of them."""
    stuck = [connect(url) for url in (client.server.api_url, client.server.site_url())]
    assert client.put("a").status_code == 200
    before = time.monotonic()
    client.server.stop()
    assert time.monotonic() - before < 20
    for connection in stuck:
        connection.close()


def test_a_tls_connection_ends_with_close_notify(client: Client, pair: Pair) -> None:
    """A client that refuses ragged ends gets none."""
    context = ssl.create_default_context(cafile=pair[0])
    url = client.server.site_url() + "/a?"
    with context.wrap_socket(
        connect(url), server_hostname="127.0.0.1", suppress_ragged_eofs=False
    ) as connection:
        connection.sendall(head("GET", url, {"Connection": "close"}))
        assert read_all(connection).startswith(b"HTTP/1.1 404 ")


def test_a_stop_ends_a_connection_that_hangs(client: Client, pair: Pair) -> None:
    """Below TLS, so that no thread is surprised."""
    client.server.script({"on": "get_object", "do": "hang", "seconds": 600})
    url = client.server.site_url() + "/a?"
    with secured(url, pair) as connection, secured(url, pair):
        connection.sendall(head("GET", url, {}))
        wait_for(lambda: client.server.calls("get_object"))
        before = time.monotonic()
        client.server.stop()
        assert time.monotonic() - before < 20
        assert read_all(connection) == b""


def test_the_fault_tls_eof_breaks_the_handshake(client: Client, pair: Pair) -> None:
    """The handshake ends in the middle, not by a reset."""
    client.server.script({"on": "connection", "do": "tls_eof"})
    with pytest.raises(ssl.SSLEOFError):
        secured(client.server.api_url, pair)
    assert client.call("staticfilelist").json()["errcode"] == 0
    assert [entry.fault for entry in client.server.calls("connection")] == ["tls_eof"]


def test_the_fault_accept_then_close_ends_a_connection_after_its_handshake(
    client: Client, pair: Pair
) -> None:
    """The handshake is done, then nothing comes."""
    client.server.script({"on": "connection", "do": "accept_then_close"})
    with secured(client.server.api_url, pair) as connection:
        assert connection.recv(1) == b""


def test_the_control_plane_answers_http_too_so_that_no_fault_of_tls_locks_it(
    client: Client,
) -> None:
    """Without TLS, whatever happens to handshakes; WeChat's calls are https only."""
    client.server.script({"on": "connection", "do": "tls_eof", "times": None})
    url = client.server.api_url.replace("https:", "http:")
    assert exchange("DELETE", f"{url}/__emulator__/faults", b"", {"Origin": url})[0] == 200
    assert client.call("staticfilelist").json()["errcode"] == 0
    with pytest.raises(ConnectionError):
        exchange("POST", f"{url}/componenttcb/staticfilelist", b"{}", {})


def test_the_fault_reset_works_over_tls(client: Client) -> None:
    """The faults of the wire work below TLS, too."""
    client.server.script({"on": "put_object", "do": "reset"})
    with pytest.raises(requests.ConnectionError):
        client.put("a")
    assert client.put("a").status_code == 200


def test_a_wrong_certificate_names_the_files(tmp_path: Path) -> None:
    """A missing file and a file that holds something else."""
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    for pair in ((tmp_path / "none.pem", other), (other, other)):
        with pytest.raises(BadInput, match=r"TLS needs .* in PEM, not '.*pem' and '.*other\.pem'"):
            EmulatorServer(tls=pair)


def test_the_command_takes_a_certificate_and_a_key(pair: Pair) -> None:
    """--tls-cert and --tls-key."""
    options = ("--memory", "--port", "0", "--tls-cert", str(pair[0]), "--tls-key", str(pair[1]))
    with running(*options) as (_, lines):
        parts = urlsplit(setting(lines, "API_BASE_URL"))
        assert parts.scheme == "https"
        context = ssl.create_default_context(cafile=pair[0])
        host, port = parts.hostname or "", parts.port
        connection = http.client.HTTPSConnection(host, port, timeout=10, context=context)
        connection.request("GET", "/__emulator__/state")
        assert connection.getresponse().status == 200
        connection.close()


# Python's `wrap_socket` leaves its socket to the collector where the peer is gone before it begins.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_the_emulator_can_be_stopped_during_a_handshake(pair: Pair) -> None:
    """No error, and nothing is waited for."""
    before = time.monotonic()
    for _ in range(100):
        with EmulatorServer(tls=pair) as server:
            client = threading.Thread(target=knock, args=[server.api_url, pair])
            client.start()
        client.join()
    assert time.monotonic() - before < 30


def knock(url: str, pair: Pair) -> None:
    """Shake hands, perhaps too late."""
    with contextlib.suppress(OSError):
        secured(url, pair).close()
