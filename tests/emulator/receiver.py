"""A receiver of pushes, which opens them with nothing of the emulator's."""

from __future__ import annotations

import base64
import hashlib
import queue
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN

SOON = 10.0  # seconds in which everything comes that comes at all

NEVER = 3600.0  # seconds to the next push


@dataclass(frozen=True)
class Pushed:
    """One push as the receiver saw it, opened with nothing of the emulator's."""

    path: str
    query: dict[str, list[str]]
    body: bytes

    def one(self, name: str) -> str:
        """Return a parameter that is there once."""
        (value,) = self.query[name]
        return value

    @cached_property
    def encrypts(self) -> list[str]:
        """What stands in the elements Encrypt."""
        found = re.findall(rb"<Encrypt><!\[CDATA\[(.*?)\]\]></Encrypt>", self.body)
        return [text.decode() for text in found]

    @property
    def signed(self) -> bool:
        """Its signature is the one of the documents."""
        parts = [PUSH_TOKEN, self.one("timestamp"), self.one("nonce"), self.encrypts[0]]
        digest = hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()
        return self.one("msg_signature") == digest

    @cached_property
    def padded(self) -> bytes:
        """Decrypted, with its padding."""
        key = base64.b64decode(PUSH_AES_KEY + "=")
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        return decryptor.update(base64.b64decode(self.encrypts[0])) + decryptor.finalize()

    @property
    def length(self) -> int:
        """What the length field says of the message."""
        return int.from_bytes(self.padded[16:20], "big")

    @cached_property
    def inner(self) -> bytes:
        """The message."""
        return self.padded[20 : 20 + self.length]

    @property
    def tail(self) -> bytes:
        """What stands behind the message."""
        return self.padded[20 + self.length : -self.padded[-1]]

    @property
    def fields(self) -> dict[str, str]:
        """The message's own."""
        return {child.tag: child.text or "" for child in ElementTree.fromstring(self.inner)}

    @property
    def ticket(self) -> str:
        """What it is all about."""
        return self.fields["ComponentVerifyTicket"]


class Receiver(ThreadingHTTPServer):
    """Keeps what is pushed to it, and answers what the test wants."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: queue.Queue[Pushed] = queue.Queue()
        self.status, self.answer = 200, b"success"
        self.hold = threading.Event()  # clear: it thinks about its answer
        self.hold.set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/wx/callback/"

    def next(self) -> Pushed:
        """Return the next push."""
        return self.got.get(timeout=SOON)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        self.server.got.put(Pushed(parts.path, query, body))
        self.server.hold.wait(SOON)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):  # the sender went away
            super().handle()
