"""One answer on its connection, complete or damaged."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from http.client import responses

from .answers import Answer

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """One exchange's socket. After `close` or `reset` the connection is over."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        stopping: threading.Event,
        release: Callable[[], None],
        head_only: bool = False,
        keep_alive: bool = True,
    ) -> None:
        self._connection = connection
        self._stopping = stopping
        self._release = release  # drops the reader, which would keep the socket open
        self._head_only = head_only
        self.keep_alive: bool = keep_alive

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake when the server stops; then False."""
        return not self._stopping.wait(min(seconds, threading.TIMEOUT_MAX))

    def send(self, answer: Answer) -> None:
        """Send the whole answer, unchanged."""
        self.keep_alive = self.keep_alive and not answer.close
        if answer.stream is None:
            self.write(self.head(answer) + self.body(answer))
            return
        self.write(self.head(answer))
        for block in () if self._head_only else _framed(answer):
            if not self.write(block):
                return

    def body(self, answer: Answer) -> bytes:
        """Return the bytes after the head, in one piece."""
        if self._head_only:
            return b""
        return answer.body if answer.stream is None else b"".join(_framed(answer))

    def write(self, data: bytes) -> bool:
        """Write bytes; return False if the client has closed the connection."""
        try:
            self._connection.sendall(data)
        except OSError:
            self.keep_alive = False
            return False
        return True

    def drip(self, data: bytes, seconds: float, limit: int) -> None:
        """Write the first `limit` bytes one by one, the rest at once."""
        for index in range(min(limit, len(data))):
            if not (self.write(data[index : index + 1]) and self.wait(seconds)):
                return
        self.write(data[limit:])

    def starve(self) -> None:
        """Make the receive buffer small, so that a sender notices soon that we do not read."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def close(self) -> None:
        """End the connection after this answer; what was sent still arrives."""
        self.keep_alive = False

    def reset(self) -> None:
        """End with a TCP reset (RST)."""
        self.keep_alive = False
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._release()
        self._connection.close()

    def head(self, answer: Answer) -> bytes:
        """Return the status line and the headers."""
        headers = {"Date": formatdate(usegmt=True), **_framing(answer), **answer.headers}
        if not self.keep_alive:
            headers["Connection"] = "close"
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        return (status_line(answer.status) + "".join(lines) + "\r\n").encode("latin-1")


def status_line(status: int) -> str:
    """Return the first line of an answer."""
    return f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}\r\n"


def shortened(answer: Answer, missing: int) -> Answer:
    """Return the answer with a Content-Length `missing` bytes too large."""
    size = len(answer.body) if answer.stream is None else answer.length or 0
    headers = {**answer.headers, "Content-Length": str(size + missing)}
    return replace(answer, headers=headers, close=True)


def _framing(answer: Answer) -> dict[str, str]:
    if answer.stream is None:
        return {"Content-Length": str(len(answer.body))}
    if answer.length is None:
        return {"Transfer-Encoding": "chunked"}
    return {"Content-Length": str(answer.length)}


def _framed(answer: Answer) -> Iterator[bytes]:
    for block in answer.stream or ():
        yield block if answer.length is not None else b"%x\r\n%b\r\n" % (len(block), block)
    if answer.length is None:
        yield b"0\r\n\r\n"
