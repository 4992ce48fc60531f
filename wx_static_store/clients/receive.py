"""Receiving against a clock: a socket's own time-out starts anew with each byte that drips in."""

from collections.abc import Callable
from contextvars import ContextVar
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

# Seconds that the exchange which runs over a connection has for one receive; 0 ends it.
receive_time: ContextVar[Callable[[], float]] = ContextVar("wx_static_store_receive_time")


class _TimedReader(RawIOBase):
    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not (seconds := receive_time.get()()):
            raise TimeoutError
        self._sock.settimeout(seconds)
        return self._raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(HTTPResponse):
    """What a connection sets as its `response_class`."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = BufferedReader(_TimedReader(sock))
