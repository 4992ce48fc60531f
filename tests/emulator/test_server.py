"""The emulator as one object: its ports, its life, its log."""

from __future__ import annotations

import io
import socket
from contextlib import ExitStack, suppress

import pytest
import requests

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.quirks import BadInput

from .conftest import ENV, Client


def test_addresses_need_a_running_server() -> None:
    """Asking a stopped emulator for its address is an error that says what to do."""
    server = EmulatorServer()
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        _ = server.api_url
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        server.site_url()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", ""])
def test_a_host_that_is_not_loopback_is_refused(host: str) -> None:
    """Secrets that are public must not be reachable from outside."""
    with pytest.raises(BadInput, match="loopback only"):
        EmulatorServer(host=host)


def test_localhost_is_accepted_as_loopback() -> None:
    """By its name."""
    with EmulatorServer(host="localhost") as server:
        assert server.api_url.startswith("http://127.0.0.1:")


def free_ports(count: int) -> int:
    """Return the first of some free ports in a row."""
    for _ in range(100):
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
            sockets[0].bind(("127.0.0.1", 0))
            first: int = sockets[0].getsockname()[1]
            with suppress(OSError, OverflowError):
                for step, other in enumerate(sockets[1:], 1):
                    other.bind(("127.0.0.1", first + step))
                return first
    pytest.skip("no free ports in a row")


def test_environments_follow_the_api_s_port() -> None:
    """With a fixed port, environments are at the next ones, in order."""
    port = free_ports(4)
    with EmulatorServer(port=port, envs=["one", "two"]) as server:
        server.add_env("three")
        urls = [server.api_url, *(server.site_url(env) for env in ("one", "two", "three"))]
    assert urls == [f"http://127.0.0.1:{port + step}" for step in range(4)]


def test_a_busy_port_is_an_error_and_leaves_nothing_open() -> None:
    """The first port is free, the second is not: both are given back."""
    port = free_ports(2)
    with socket.create_server(("127.0.0.1", port + 1)):
        server = EmulatorServer(port=port)
        with pytest.raises(OSError, match="in use"):
            server.start()
    with server:
        assert server.api_url == f"http://127.0.0.1:{port}"


def test_the_emulator_can_run_on_the_ipv6_loopback() -> None:
    """Addresses are in brackets, links too."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with EmulatorServer(host="::1", envs=[ENV]) as server:
        client = Client(server)
        assert server.api_url.startswith("http://[::1]:")
        assert client.put("a", b"x").status_code == 200
        assert client.get("/a").content == b"x"
        client.session.close()


def test_the_log_has_a_line_for_each_request() -> None:
    """One line for each request, with the verdict and the fault."""
    log = io.StringIO()
    with EmulatorServer(envs=[ENV], log=log) as server:
        client = Client(server)
        server.script({"on": "put_object", "do": "drop_reply"})
        with pytest.raises(requests.ConnectionError):
            client.put("a")
        client.session.close()
    assert log.getvalue() == (
        f"POST /componenttcb/staticuploadfile {ENV} 200 errcode 0\n"
        f"PUT /a {ENV} no answer [drop_reply]\n"
    )
