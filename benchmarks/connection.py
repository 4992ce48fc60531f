"""What the ports of the server share: counts, latency, and HTTP/1.1 as far as it is needed."""

from __future__ import annotations

import asyncio
import hashlib
import time
from base64 import b64decode
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TEXTS = {200: "OK", 204: "No Content", 404: "Not Found", 501: "Not Implemented", 503: "Busy"}


@dataclass
class Stored:
    md5: str
    size: int
    at: float = field(default_factory=time.time)

    @property
    def iso(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.at))


@dataclass
class Lab:
    """What the ports share; a line of stdin sets the first group."""

    link: float = 0.0  # seconds that a call at the API host takes
    put: float = 0.0  # seconds that a request at COS and S3 takes
    limit: int = 0  # calls in flight at the API host; 0: any number
    errcode: int = 0  # the answer above the limit; 0: they wait for their turn
    puts: int = 0  # PUTs in flight at COS, the others get SlowDown; 0: any number
    known: dict[str, str] = field(default_factory=dict)  # MD5s by key, so that none is computed

    cos: str = ""
    objects: dict[str, dict[str, Stored]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    putting: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)
    _sorted: dict[str, list[str]] = field(default_factory=dict)
    room_since: float = 0.0  # when the call that waited longest got its turn, by the loop's clock

    def sorted_keys(self, env: str) -> list[str]:
        """Sort again only after objects were added."""
        objects = self.objects.get(env, {})
        if len(self._sorted.get(env, ())) != len(objects):
            self._sorted[env] = sorted(objects)
        return self._sorted.get(env, [])

    def enter(self, work: Callable[[], None]) -> bool:
        """Run it now or when a slot is free; return False if it is refused."""
        if self.limit and self.in_flight >= self.limit:
            if not self.errcode:
                self.waiting.append(work)
            return not self.errcode
        self.in_flight += 1
        self.counts["busiest"] = max(self.counts["busiest"], self.in_flight)
        work()
        return True

    def leave(self) -> None:
        self.in_flight -= 1
        if self.waiting:
            self.room_since = asyncio.get_running_loop().time()
            self.enter(self.waiting.popleft())


class Connection(asyncio.Protocol):
    """One request at a time, as all our clients send them; each kind of port is a subclass."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.head, self.left, self.size = b"", 0, 0
        self.body: list[bytes] = []
        self.md5 = ""
        self.hasher: Any = None
        self.in_head = True
        self.arrived = 0.0  # its last part, by the loop's clock

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.lab.counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self.arrived = asyncio.get_running_loop().time()
        if self.in_head:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head, data = self.head[:end], self.head[end + 4 :]
            self.begin()
        self.left -= len(data)
        if self.hasher:
            self.hasher.update(data)
        elif self.keeps_body:
            self.body.append(data)
        if not self.left:
            self.finish()

    keeps_body = False

    def begin(self) -> None:
        self.in_head = False
        line, self.lower = self.head.partition(b"\r\n")[0], self.head.lower()
        method, target = line.split(b" ")[:2]
        self.method, self.target = method.decode(), target.decode()
        self.left = self.size = int(self.header(b"content-length") or 0)
        if b"chunked" in self.header(b"transfer-encoding"):
            self.reply(501)  # nobody here may need it: it would be measured as something else
        if self.header(b"expect"):
            self.transport.write(CONTINUE)
        self.hasher = None
        if self.method == "PUT":
            self.start_hash()

    def start_hash(self) -> None:
        """Compute the MD5 only if the request names none."""
        key = unquote(self.target.partition("?")[0].lstrip("/"))
        given = self.header(b"content-md5")
        self.md5 = self.lab.known.get(key) or (given and b64decode(given).hex()) or ""
        if not self.md5:
            self.hasher = hashlib.md5(usedforsecurity=False)

    def header(self, name: bytes) -> bytes:
        """Return the value as it was sent: base64 is case-sensitive."""
        at = self.lower.find(b"\r\n" + name + b":")
        return self.head[at + len(name) + 3 :].partition(b"\r\n")[0].strip() if at >= 0 else b""

    def finish(self) -> None:
        if self.hasher:
            self.md5 = self.hasher.hexdigest()
        self.handle()
        self.head, self.body, self.in_head = b"", [], True

    def handle(self) -> None:
        raise NotImplementedError

    def stored(self, space: str, key: str) -> str:
        self.lab.objects.setdefault(space, {})[key] = Stored(self.md5, self.size)
        return f'ETag: "{self.md5}"\r\n'

    def later(self, name: str, seconds: float, answer: Callable[[], None]) -> None:
        """Answer `seconds` after the request came or got its slot: reading adds nothing."""
        self.lab.counts[name] += 1
        if seconds:
            begun = max(self.arrived, self.lab.room_since)
            asyncio.get_running_loop().call_at(begun + seconds, answer)
        else:
            answer()

    def reply(self, status: int = 200, body: bytes = b"", headers: str = "") -> None:
        head = f"HTTP/1.1 {status} {TEXTS[status]}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)
