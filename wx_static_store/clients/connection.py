"""
How a connection sends and receives: head and first block at once, and against a clock.

A socket's own time-out starts anew with each byte that drips in.
"""

from collections.abc import Callable
from contextvars import ContextVar
from http.client import HTTPConnection, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

# Seconds that the exchange which runs over a connection has to receive, or to send a block; 0
# ends it.
receive_time: ContextVar[Callable[[], float]] = ContextVar("wx_static_store_receive_time")


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
        if not (seconds := receive_time.get()()):
            raise TimeoutError
        if seconds < self._sock.gettimeout():  # which the read timeout is, at most
            self._sock.settimeout(seconds)
        return self._raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._raw.close()
        super().close()


def _timed_response(sock: Any, *args: Any, **kwargs: Any) -> HTTPResponse:
    return HTTPResponse(_Timed(sock), *args, **kwargs)  # type: ignore[arg-type]


class Connection(HTTPConnection):
    """
    Mixed into urllib3's.

    A system call costs more than to copy a block: while it lasts another thread takes its turn.
    """

    response_class = staticmethod(_timed_response)  # type: ignore[assignment]
    _head: Any = None  # of the request, kept until its body's first block comes; empty before
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def request(self, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> None:
        self._head = b"" if body else None
        super().request(method, url, body, *args, **kwargs)

    def send(self, data: Any) -> None:
        if self._head == b"":
            self._head = data
            return
        if self._head:
            data, self._head = self._head + data, None
        if self.sock is None:
            self.connect()
        if not self._connecting:
            if not (seconds := receive_time.get()()):
                raise TimeoutError
            self.sock.settimeout(seconds)  # it stood for connecting until now
        super().send(data)
