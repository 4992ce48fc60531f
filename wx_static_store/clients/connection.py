"""
Send and receive over one connection: head and first block at once, and by a deadline.

A socket's own time-out starts anew with each byte that arrives. The secrets of a request are
added here, below `http.client`: what hooks into the HTTP libraries sees addresses without a query.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

from ..core.retry import Deadline
from ..core.secrets import Secret


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    The part of an exchange that the HTTP libraries do not see.

    `query` and `headers` go into the head.
    """

    deadline: Deadline
    read_timeout: float
    query: Secret
    headers: Mapping[str, Secret]

    def seconds(self) -> float:
        """Return the time to receive, or to send a block; raise TimeoutError if none is left."""
        if not (left := self.deadline.left()):
            raise TimeoutError
        return min(self.read_timeout, left)


exchange: ContextVar[Exchange] = ContextVar("wx_static_store_exchange")


class _Timed(RawIOBase):
    """A socket from which a response reads."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = exchange.get().seconds()
        if seconds < self._sock.gettimeout():  # which the read timeout is, at most
            self._sock.settimeout(seconds)
        return self._raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._raw.close()
        super().close()


def _timed_response(sock: Any, *args: Any, **kwargs: Any) -> HTTPResponse:
    return HTTPResponse(_Timed(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Completing:
    """A socket that completes the request that it is given."""

    def __init__(self, sock: Any, body: Secret | None) -> None:
        self._sock, self._body = sock, body

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(_completed(data, self._body))


class Connection(HTTPConnection):
    """
    Mixed into urllib3's.

    A system call costs more than to copy a block: while it lasts another thread takes its turn.
    """

    response_class = staticmethod(_timed_response)  # type: ignore[assignment]
    _begins = False  # the head of a request comes next
    _head: bytes = b""  # kept until its body's first block comes
    _has_body = False
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def request(self, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> None:
        self._begins, self._has_body = True, bool(body)
        super().request(method, url, body, *args, **kwargs)

    def send(self, data: Any) -> None:
        if self._connecting:
            super().send(data)
        elif self._begins:
            self._begins, self._head = False, data
            if not self._has_body:
                self._send_first(None)
        elif self._head:
            self._send_first(data)
        else:
            self.sock.settimeout(exchange.get().seconds())
            super().send(data)

    def _send_first(self, block: Any) -> None:
        """Send the head and the first block; the library sees neither what is secret in them."""
        head, self._head = self._head, b""
        if self.sock is None:
            self.connect()  # over a proxy this sends, too
        self.sock.settimeout(exchange.get().seconds())  # it stood for connecting until now
        secret = block if isinstance(block, Secret) else None
        plain, self.sock = self.sock, _Completing(self.sock, secret)
        try:
            super().send(head + block if block and not secret else head)
        finally:
            if isinstance(self.sock, _Completing):  # not closed meanwhile
                self.sock = plain


def _completed(data: bytes, body: Secret | None) -> bytes:
    line, _, rest = data.partition(b"\r\n")
    target, _, version = line.rpartition(b" ")
    hidden = exchange.get()
    headers = "".join(f"{name}: {value.reveal()}\r\n" for name, value in hidden.headers.items())
    query = hidden.query.reveal().encode("ascii")
    more = body.reveal().encode() if body else b""
    return b"%s%s %s\r\n%s%s%s" % (target, query, version, headers.encode("latin-1"), rest, more)
