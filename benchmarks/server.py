"""
``python -m benchmarks.server``: WeChat, COS and S3 as three ports that answer late.

It knows no faults and checks no signature: it must never be the bottleneck. The first line of
stdout names the ports; each line of JSON on stdin sets what it names (see `Lab`) and is answered
with the counts since the line before. It ends when stdin does.
"""

from __future__ import annotations

import asyncio
import gc
import json
import select
import sys
import time
from bisect import bisect_left, bisect_right
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from pathlib import Path
from selectors import EpollSelector, SelectorKey
from typing import Any
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape

from .connection import Connection, Lab, Stored

PAGE = 1000
SAFE = "/~!*()'"
REQUEST_ID = "x-cos-request-id: 1\r\n"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


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
    env, prefix, after = fields["env"], fields.get("prefix", ""), fields.get("marker", "")
    objects, keys = lab.objects.get(env, {}), lab.sorted_keys(env)
    start = max(bisect_left(keys, prefix), bisect_right(keys, after))
    page = [key for key in keys[start : start + PAGE + 1] if key.startswith(prefix)]
    contents = [
        {"key": key, "last_modified": it.iso, "md5": it.md5, "size": str(it.size)}
        for key in page[:PAGE]
        for it in [objects[key]]
    ]
    return {"errcode": 0, "errmsg": "ok", "contents": contents, "is_truncated": len(page) > PAGE}


def _site(lab: Lab, fields: dict[str, str]) -> dict[str, Any]:
    domain = lab.cos.removeprefix("http://")
    site = {"env": fields["env"], "domain": domain, "bucket": "b", "status": "online"}
    return {"errcode": 0, "errmsg": "ok", "data": [site | {"regoin": "ap-shanghai"}]}


def _quota(lab: Lab, fields: dict[str, str]) -> dict[str, Any]:
    quota = {"daily_limit": 10**6, "used": 0, "remain": 10**6}
    rate = {"call_count": 10**6, "refresh_second": 60}
    return {"errcode": 0, "errmsg": "ok", "quota": quota, "rate_limit": rate}


CALLS = {
    "staticuploadfile": _link,
    "staticfilelist": _page,
    "describestaticstore": _site,
    "get": _quota,
}


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
        """Announce a length and send nothing: the answer of HEAD."""
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
    """
    Set what the line names.

    `empty` names a space whose objects are forgotten, `filled` one and a JSON file of its objects.
    """
    order = json.loads(line)
    lab.objects.pop(order.pop("empty", ""), None)
    if filled := order.pop("filled", None):
        space, path = filled
        objects = json.loads(Path(path).read_bytes())
        lab.objects[space] = {key: Stored(*facts) for key, facts in objects.items()}
    for name, value in order.items():
        setattr(lab, name, value)
    counts = dict(lab.counts) | {
        "objects": {space: len(objects) for space, objects in lab.objects.items()},
        "server_cpu": time.process_time(),
    }
    lab.counts.clear()
    gc.collect()
    return json.dumps(counts)


class Punctual(EpollSelector):
    """Wait for epoll itself: its own timeouts are whole milliseconds, up to one too long."""

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
    gc.disable()  # its pauses are no latency: between two runs, on demand
    with suppress(OSError):  # nanoseconds that Linux may wake us late, else 50,000
        Path("/proc/self/timerslack_ns").write_text("1")
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Punctual())) as runner:
        runner.run(main())
