"""The sockets: what counts as busy, and starting and stopping while clients come."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from wx_static_store.emulator.listeners import Hub
from wx_static_store.emulator.server import EmulatorServer
from wx_static_store.emulator.wire import Wire

from .conftest import Client, connect


def test_a_serial_client_is_counted_as_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has ended when its client can know it, however slow the thread is after that."""
    slow_after(monkeypatch, lambda: threading.Event().wait(0.002))
    for number in range(50):
        assert client.put(f"{number}").status_code == 200
    assert len(client.server.journal) == 100
    assert client.server.busiest == 1


def slow_after(monkeypatch: pytest.MonkeyPatch, pause: Callable[[], object]) -> None:
    """Pause whenever an answer has left."""
    send = Wire.send

    def slow(wire: Wire, *arguments: object) -> None:
        send(wire, *arguments)  # type: ignore[arg-type]
        pause()

    monkeypatch.setattr(Wire, "send", slow)


def test_parallel_clients_are_counted(client: Client) -> None:
    """The latency counts: that is when they overlap."""
    client.server.quirks.latency_api = 0.05
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.call("staticfilelist"), range(4)))
    assert 2 <= client.server.busiest <= 4


def test_the_control_plane_is_not_counted(client: Client) -> None:
    """Whoever looks does not disturb."""
    client.control("GET", "state")
    assert client.server.busiest == 0


def test_the_emulator_can_be_stopped_while_clients_connect() -> None:
    """300 times; the accepting thread may see the stop before it was woken for it."""
    for _ in range(300):
        server = EmulatorServer()
        server.start()
        client = threading.Thread(target=knock, args=[server.api_url])
        client.start()
        server.stop()
        client.join()
        assert not [thread for thread in threading.enumerate() if thread.name == "emulator"]


def knock(url: str) -> None:
    """Connect, perhaps too late."""
    with contextlib.suppress(OSError):
        connect(url).close()


def test_stop_does_not_need_the_accepting_thread_to_sleep() -> None:
    """The thread is gone before `stop` wakes it: what woke it was a client."""
    hub = Hub()

    class Leave(threading.Event):
        def set(self) -> None:
            super().set()
            with contextlib.suppress(OSError):
                hub._wake_in.send(b".")
            hub._thread.join()

    hub.stopping = Leave()
    hub.stop()
    assert (hub._wake_in.fileno(), hub._wake_out.fileno()) == (-1, -1)


def test_a_stopped_hub_opens_no_port() -> None:
    """An error instead of a port that nobody closes; a second stop does nothing."""
    hub = Hub()
    hub.stop()
    with pytest.raises(ConnectionAbortedError, match="is stopping"):
        hub.listen(("127.0.0.1", 0), lambda *_: None, lambda _: "")
    hub.stop()


def test_stop_leaves_no_socket_open() -> None:
    """The port is free for the next one."""
    with EmulatorServer() as server:
        url = server.api_url
        port = int(url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)) as taken:
        assert taken.getsockname()[1] == port
