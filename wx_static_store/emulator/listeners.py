"""The sockets: one accepting thread for all listeners, one thread for each connection."""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import selectors
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, BinaryIO, cast

from .incoming import Request, RequestBody
from .language import marked, translate
from .quirks import BadInput
from .wire import Wire

Exchange = Callable[[Request, Wire], None]
Greet = Callable[[str], str]  # a client's address: the fault that its connection meets, or ""
Spare = Callable[[bytes], bool]  # whether a connection that begins so meets no fault
_GOODBYE = 5.0  # seconds that open connections get to end when the server stops


def loopback(host: str, does: str = marked("listens on")) -> str:
    """Return the address of a host on loopback; refuse any other host."""
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return host
    raise BadInput(
        "the emulator {does} loopback only, and {host!r} is not: its secrets are public. "
        "Use 127.0.0.1, ::1 or localhost",
        does=translate(does),
        host=host,
    )


def tls_context(cert: Path | str, key: Path | str) -> ssl.SSLContext:
    """Return the TLS context of every listener."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:
        raise BadInput(
            "TLS needs a certificate and its private key in PEM, not {cert!r} and {key!r}: {error}",
            cert=str(cert),
            key=str(key),
            error=error,
        ) from None
    return context


class _Handler(BaseHTTPRequestHandler):
    """One connection: parses heads, leaves everything else to the exchange."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener
    served = 0

    def serve(self) -> None:
        """Serve one request, of any method."""
        request = self._request()
        wire = Wire(
            self.connection,
            stopping=self.server.hub.stopping,
            release=self.rfile.close,
            head_only=self.command == "HEAD",
            keep_alive=not self.close_connection,
        )
        self.server.exchange(request, wire)
        # A client that still holds its body back may send it or not.
        self.close_connection = not wire.keep_alive or request.body.waiting
        if not self.close_connection:
            request.body.drain()
        self.served += 1

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The base class looks for do_GET, do_PUT, ...: every method there is goes one way.
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def _request(self) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "")
        invited = headers.get("expect", "").lower() == "100-continue"
        body = RequestBody(
            cast("BinaryIO", self.rfile),
            length=int(length) if length.isascii() and length.isdigit() else None,
            chunked="chunked" in headers.get("transfer-encoding", "").lower(),
            invite=self._invite if invited else None,
        )
        # `self.path` had its leading slashes merged; the raw target still has them all.
        target = self.requestline.split()[1]
        host = headers.get("host", "")
        return Request(
            self.command,
            target,
            headers,
            body,
            host=host,
            peer=str(self.client_address[0]),
            scheme="https" if isinstance(self.connection, ssl.SSLSocket) else "http",
            reused=self.served > 0,
        )

    def handle_expect_100(self) -> bool:
        """Send no 100 yet: the reader of the body sends it."""
        return True

    def _invite(self) -> None:
        self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the journal is the log."""


class Listener(socketserver.ThreadingTCPServer):
    """One port."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(
        self,
        hub: Hub,
        address: tuple[str, int],
        exchange: Exchange,
        greet: Greet,
        spare: Spare | None = None,
    ) -> None:
        self.hub, self.exchange, self.greet, self.spare = hub, exchange, greet, spare
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    @property
    def netloc(self) -> str:
        """host:port, as it stands in a URL."""
        host, port = self.server_address[:2]
        return (
            f"[{host!s}]:{port}" if self.address_family == socket.AF_INET6 else f"{host!s}:{port}"
        )

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; its TLS handshake comes later, in its own thread."""
        connection, address = super().get_request()
        if self.hub.tls:
            connection = self.hub.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a new connection, then serve it."""
        self.hub.connected(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.hub.disconnected(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands and serve, unless a fault wants the connection to end before."""
        # Below TLS: what is spared is served without it, because a fault may break the handshake.
        if self.spare and self.spare(socket.socket.recv(request, 64, socket.MSG_PEEK)):
            with socket.fromfd(request.fileno(), request.family, request.type) as plain:
                super().finish_request(plain, client_address)
            return
        fate = self.greet(str(client_address[0]))
        if fate == "tls_eof":
            socket.socket.recv(request, 1 << 16)  # below TLS: unread bytes would make it a reset
            return
        if self.hub.tls:
            request.do_handshake()
        if fate != "accept_then_close":
            super().finish_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End the connection; send TLS's close_notify, do not wait for the client's."""
        if self.hub.tls:
            with contextlib.suppress(OSError, ValueError):
                request.settimeout(0)
                request.unwrap()
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that go away; print any other error, a bug of the emulator."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Hub:
    """All listeners of one emulator, and every connection that they accepted."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.stopping = threading.Event()
        self._new: queue.SimpleQueue[Listener] = queue.SimpleQueue()
        self._wake_out, self._wake_in = socket.socketpair()
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._accept, name="emulator", daemon=True)
        self._thread.start()

    def listen(
        self,
        address: tuple[str, int],
        exchange: Exchange,
        greet: Greet,
        spare: Spare | None = None,
    ) -> Listener:
        """Open a port. It queues connections at once, so there is nothing to wait for."""
        with self._changed:
            if self.stopping.is_set():
                raise ConnectionAbortedError("the emulator is stopping")
            try:
                listener = Listener(self, address, exchange, greet, spare)
            except (OSError, OverflowError) as error:  # the port is taken, or there is none such
                why = getattr(error, "strerror", None) or error
                text, (host, port) = marked("cannot listen on {host}:{port}: {why}"), address
                parts = {"host": host, "port": port, "why": translate(str(why))}
                raise OSError(translate(text, **parts)) from error
            self._new.put(listener)
            self._wake_in.send(b".")
        return listener

    def stop(self) -> None:
        """Close everything; connections that hang on purpose end at once."""
        with self._changed:
            if self.stopping.is_set():
                return
            self.stopping.set()
            self._wake_in.send(b".")
        self._thread.join()
        # Only now: the thread may see that we are stopping before it was woken for it.
        self._wake_in.close()
        self._wake_out.close()
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    # Below TLS: its own shutdown would take the session from under its thread.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _GOODBYE)

    def connected(self, connection: socket.socket) -> None:
        """Remember a connection."""
        with self._changed:
            self._connections.add(connection)

    def disconnected(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._changed:
            self._connections.discard(connection)
            self._changed.notify_all()

    def _accept(self) -> None:
        listeners: list[Listener] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_out, selectors.EVENT_READ)
            while not self.stopping.is_set():
                for key, _ in selector.select():
                    if isinstance(key.fileobj, Listener):
                        key.fileobj.handle_request()
                    else:
                        self._wake_out.recv(1)
                        while not self._new.empty():
                            listeners.append(self._new.get())
                            selector.register(listeners[-1], selectors.EVENT_READ)
            while not self._new.empty():
                listeners.append(self._new.get())
            for listener in listeners:
                listener.server_close()
