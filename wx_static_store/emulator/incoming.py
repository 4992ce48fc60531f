"""One request: its head, and a reader for its body."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import parse_qsl, unquote_to_bytes

BLOCK = 1 << 16
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(;.*)?\r?\n")


class IncompleteBody(ConnectionError):
    """The client went away before the whole body was here."""


class RequestBody:
    """The body of a request, read once, by Content-Length or in chunks."""

    def __init__(
        self,
        file: BinaryIO,
        *,
        length: int | None,
        chunked: bool = False,
        invite: Callable[[], None] | None = None,
    ) -> None:
        self._file = file
        self._left = 0 if chunked else length or 0
        self._more = chunked
        self._invite = invite  # sends "100 Continue", only once somebody wants the body
        self.length: int | None = None if chunked else length
        self.chunked = chunked
        self.size: int = 0

    @property
    def waiting(self) -> bool:
        """The client holds the body back until it is invited."""
        return self._invite is not None and not self.finished

    @property
    def finished(self) -> bool:
        """Nothing is left to be read."""
        return not self._left and not self._more

    def read(self, most: int = BLOCK) -> bytes:
        """Return some bytes, or none at the end."""
        if self._invite and not self.finished:
            invite, self._invite = self._invite, None
            invite()
        if not self._left and self._more:
            self._next_chunk()
        block = self._file.read(min(most, self._left, BLOCK)) if self._left else b""
        if self._left and not block:
            raise IncompleteBody("the body is shorter than announced")
        self._left -= len(block)
        self.size += len(block)
        return block

    def blocks(self, most: int | None = None) -> Iterator[bytes]:
        """Yield all bytes, or the first `most` of them, block by block."""
        left = most
        while left is None or left > 0:
            block = self.read(BLOCK if left is None else min(left, BLOCK))
            if not block:
                return
            left = left if left is None else left - len(block)
            yield block

    def drain(self, most: int | None = None) -> None:
        """Read the bytes and discard them."""
        for _ in self.blocks(most):
            pass

    def _next_chunk(self) -> None:
        if self.size:
            self._file.readline(8)  # the line end that closes the chunk before
        size = _CHUNK_SIZE.match(self._file.readline(1024))
        if not size:
            raise IncompleteBody("a chunk begins with its size in hex digits")
        self._left = int(size[1], 16)
        if not self._left:
            self._more = False
            while self._file.readline(8192).strip():  # trailers
                pass


@dataclass
class Request:
    """One request; the server fills in what it is about (`name`, `env`, `key`)."""

    method: str
    target: str  # path and query as they came
    headers: dict[str, str]  # lower-case names
    body: RequestBody
    host: str = ""  # the host the client named
    peer: str = ""  # the client's address
    scheme: str = "http"
    reused: bool = False  # not the first request on its connection
    name: str = "other"
    env: str = ""
    key: str = ""
    started: float = 0.0  # by the emulator's clock
    link_age: float | None = None
    content: bytes = b""  # the whole body, of API calls only
    keep: int | None = None  # a fault: store no more than that many bytes
    path: bytes = field(init=False)  # decoded once
    query: str = field(init=False)

    def __post_init__(self) -> None:
        path, _, self.query = self.target.partition("?")
        self.path = unquote_to_bytes(path.encode("latin-1"))

    @property
    def params(self) -> dict[str, str]:
        """The query parameters."""
        return dict(parse_qsl(self.query, keep_blank_values=True))
