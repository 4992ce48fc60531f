"""
``python -m benchmarks.server``: WeChat, COS and S3 as three ports that answer late.

It knows no faults and checks no signature: it must never be the bottleneck. The first line of
stdout names the ports; each line of JSON on stdin sets what it names (see `Lab`) and is answered
with the counts since the line before. It ends when stdin does.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import select
import sys
import time
from base64 import b64decode
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from pathlib import Path
from selectors import EpollSelector, SelectorKey
from typing import Any
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape

PAGE = 1000
SAFE = "/~!*()'"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TEXTS = {200: "OK", 204: "No Content", 404: "Not Found", 501: "Not Implemented", 503: "Busy"}
REQUEST_ID = "x-cos-request-id: 1\r\n"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


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
    puts: int = 0  # PUTs in flight at COS, more are told to slow down; 0: any number
    known: dict[str, str] = field(default_factory=dict)  # MD5s by key, so that none is computed

    cos: str = ""
    objects: dict[str, dict[str, Stored]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    putting: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)

    def enter(self, work: Callable[[], None]) -> bool:
        """Do it now or when there is room; False where it is refused."""
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
        """Only of a body whose MD5 nobody tells."""
        key = unquote(self.target.partition("?")[0].lstrip("/"))
        given = self.header(b"content-md5")
        self.md5 = self.lab.known.get(key) or (given and b64decode(given).hex()) or ""
        if not self.md5:
            self.hasher = hashlib.md5(usedforsecurity=False)

    def header(self, name: bytes) -> bytes:
        """The value as it was sent; a base64 is not what its lower case is."""
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
        """So many seconds after the request was here: what it costs to read it is not added."""
        self.lab.counts[name] += 1
        if seconds:
            asyncio.get_running_loop().call_at(self.arrived + seconds, answer)
        else:
            answer()

    def reply(self, status: int = 200, body: bytes = b"", headers: str = "") -> None:
        head = f"HTTP/1.1 {status} {TEXTS[status]}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


class Api(Connection):
    keeps_body = True

    def handle(self) -> None:
        name = self.target.partition("?")[0].rpartition("/")[2]
        fields = json.loads(b"".join(self.body))
        answer = json.dumps(CALLS[name](self.lab, fields)).encode()
        if not self.lab.enter(partial(self.later, name, self.lab.link, partial(self.out, answer))):
            refusal = json.dumps({"errcode": self.lab.errcode, "errmsg": "too fast"}).encode()
            self.later("refused", self.lab.link, partial(self.reply, 200, refusal))

    def out(self, answer: bytes) -> None:
        self.reply(200, answer)
        self.lab.leave()


def _link(lab: Lab, fields: dict[str, str]) -> dict[str, Any]:
    url = f"{lab.cos}/{quote(fields['filename'], safe=SAFE)}?env={fields['env']}"
    return {"errcode": 0, "errmsg": "ok", "signed_url": url, "token": "token"}


def _page(lab: Lab, fields: dict[str, str]) -> dict[str, Any]:
    objects, after = lab.objects.get(fields["env"], {}), fields.get("marker", "")
    keys = sorted(k for k in objects if k.startswith(fields.get("prefix", "")) and k > after)
    contents = [
        {"key": key, "last_modified": it.iso, "md5": it.md5, "size": str(it.size)}
        for key in keys[:PAGE]
        for it in [objects[key]]
    ]
    return {"errcode": 0, "errmsg": "ok", "contents": contents, "is_truncated": len(keys) > PAGE}


def _site(lab: Lab, fields: dict[str, str]) -> dict[str, Any]:
    domain = lab.cos.removeprefix("http://")
    site = {"env": fields["env"], "domain": domain, "bucket": "b", "status": "online"}
    return {"errcode": 0, "errmsg": "ok", "data": [site | {"regoin": "ap-shanghai"}]}


CALLS = {"staticuploadfile": _link, "staticfilelist": _page, "describestaticstore": _site}


class Cos(Connection):
    def handle(self) -> None:
        if self.lab.puts and self.lab.putting >= self.lab.puts:
            self.later("refused", self.lab.put, partial(self.reply, 503, SLOW_DOWN, REQUEST_ID))
            return
        self.lab.putting += 1
        path, _sep, query = self.target.partition("?")
        headers = self.stored(query.removeprefix("env="), unquote(path[1:]))
        self.later("put", self.lab.put, partial(self.out, headers + REQUEST_ID))

    def out(self, headers: str) -> None:
        self.reply(headers=headers)
        self.lab.putting -= 1


class S3(Connection):
    """A bucket in path style: PUT, HEAD, DELETE and both kinds of LIST."""

    def handle(self) -> None:
        path, _sep, query = self.target.partition("?")
        bucket, _slash, key = path[1:].partition("/")
        if self.method == "PUT":
            headers = self.stored(bucket, unquote(key))
            self.later("s3_put", self.lab.put, partial(self.reply, headers=headers))
        elif self.method == "DELETE":
            self.lab.objects.get(bucket, {}).pop(unquote(key), None)
            self.later("s3_delete", self.lab.put, partial(self.reply, 204))
        elif key:
            found = self.lab.objects.get(bucket, {}).get(unquote(key))
            name = "s3_" + self.method.lower()
            self.later(name, self.lab.put, partial(self.tell, found))
        else:
            page = self.page(bucket, {k: v[0] for k, v in parse_qs(query).items()})
            xml = "Content-Type: application/xml\r\n"
            self.later("s3_list", self.lab.put, partial(self.reply, 200, page, xml))

    def tell(self, found: Stored | None) -> None:
        """A HEAD announces a length and sends nothing."""
        if found is None:
            self.reply(404)
            return
        facts = f'ETag: "{found.md5}"\r\nLast-Modified: {formatdate(found.at, usegmt=True)}\r\n'
        head = f"HTTP/1.1 200 OK\r\n{facts}Content-Length: {found.size}\r\n\r\n"
        self.transport.write(head.encode())

    def page(self, bucket: str, query: dict[str, str]) -> bytes:
        objects, after = (
            self.lab.objects.get(bucket, {}),
            query.get("continuation-token", query.get("marker", "")),
        )
        keys = sorted(k for k in objects if k.startswith(query.get("prefix", "")) and k > after)
        more = "".join(
            f"<NextContinuationToken>{escape(key)}</NextContinuationToken>"
            for key in keys[PAGE - 1 : PAGE]
            if len(keys) > PAGE
        )
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{it.iso}</LastModified>"
            f"<ETag>&quot;{it.md5}&quot;</ETag><Size>{it.size}</Size></Contents>"
            for key in keys[:PAGE]
            for it in [objects[key]]
        )
        truncated = str(bool(more)).lower()
        text = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{contents}"
        return f"{text}</ListBucketResult>".encode()


def _obey(lab: Lab, line: bytes) -> str:
    """Sets what the line names; `empty` names a space whose objects are forgotten."""
    order = json.loads(line)
    lab.objects.pop(order.pop("empty", ""), None)
    for name, value in order.items():
        setattr(lab, name, value)
    counts = dict(lab.counts) | {
        "objects": {space: len(objects) for space, objects in lab.objects.items()},
        "server_cpu": time.process_time(),
    }
    lab.counts.clear()
    return json.dumps(counts)


class Punctual(EpollSelector):
    """Waits for epoll itself: epoll's own timeouts are whole milliseconds, up to one too long."""

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None or timeout > 0:
            select.select([self.fileno()], [], [], timeout)
        return super().select(0)


async def main() -> None:
    lab, loop = Lab(), asyncio.get_running_loop()
    ports = {}
    for name, kind in {"api": Api, "cos": Cos, "s3": S3}.items():
        server = await loop.create_server(partial(kind, lab), "127.0.0.1", 0, backlog=512)
        ports[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    lab.cos = ports["cos"]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    while line := await stdin.readline():
        sys.stdout.write(_obey(lab, line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    gc.disable()  # its pauses are no latency
    with suppress(OSError):  # nanoseconds that Linux may wake us late, else 50,000
        Path("/proc/self/timerslack_ns").write_text("1")
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Punctual())) as runner:
        runner.run(main())
