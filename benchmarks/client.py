"""
``python -m benchmarks.client``: the limit. Link call, PUT, comparison of the ETag, no more.

HTTP/1.1 by hand over asyncio's streams, one task and two connections a worker. An argument
says where COS is; the others learn it from their first link. The only line of stdout is JSON: the
pairs, and the seconds that they took without the start of the process.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

BLOCK = 256 * 1024
AHEAD = 8 * 1024 * 1024  # bytes; a larger file is hashed while it is sent

Pair = tuple[str, str, str]  # environment, key, path


class Wire:
    """One connection of HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, url: str) -> Wire:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    def send(self, method: str, target: str, length: int, headers: str, body: bytes) -> None:
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n"
        self.writer.write(head.encode() + body)

    async def answer(self) -> tuple[bytes, bytes]:
        """Return the head in lower case, and the body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.decode())
        length = int(_header(head, b"content-length"))
        return head, await self.reader.readexactly(length)


def _header(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n" + name + b": ")[2].partition(b"\r\n")[0]


async def put(wire: Wire, target: str, path: str) -> None:
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        digest = hashlib.md5(usedforsecurity=False)
        if size <= AHEAD:
            body = file.read()
            digest.update(body)
            header = f"Content-MD5: {b64encode(digest.digest()).decode()}\r\n"
            wire.send("PUT", target, size, header, body)
        else:
            wire.send("PUT", target, size, "", b"")
            while block := file.read(BLOCK):
                digest.update(block)
                wire.writer.write(block)
                await wire.writer.drain()
    head, _body = await wire.answer()
    if _header(head, b"etag").strip(b'"') != digest.hexdigest().encode():
        raise RuntimeError(f"{path}: another ETag")


async def work(calls: Wire, cos: str, pairs: Iterator[Pair]) -> int:
    """Send pairs until there are no more; the first call hides the connect to COS."""
    bucket, done = None, 0
    for env, key, path in pairs:
        body = json.dumps({"env": env, "filename": key}).encode()
        calls.send("POST", "/componenttcb/staticuploadfile", len(body), "", body)
        bucket = bucket or await Wire.to(cos)
        link = json.loads((await calls.answer())[1])
        if link["errcode"] or not link["signed_url"].startswith(cos + "/"):
            raise RuntimeError(link)
        await put(bucket, "/" + link["signed_url"].split("/", 3)[3], path)
        done += 1
    return done


def files(root: str) -> list[tuple[str, str]]:
    """Return the key and the path of each file below `root`."""
    found = [os.path.join(at, name) for at, _dirs, names in os.walk(root) for name in names]
    return [(os.path.relpath(path, root), path) for path in sorted(found)]


async def send_all(api: str, cos: str, pairs: list[Pair], workers: int) -> int:
    """Start each worker as soon as it is connected, before the next one connects."""
    queue, tasks = iter(pairs), []
    for _ in range(workers):
        tasks.append(asyncio.create_task(work(await Wire.to(api), cos, queue)))
    return sum(await asyncio.gather(*tasks))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("api")
    parser.add_argument("cos")
    parser.add_argument("root")
    parser.add_argument("envs", nargs="+")
    parser.add_argument("--workers", type=int, default=32)
    args = parser.parse_args()
    found = files(args.root)
    pairs = [(env, *file) for env in args.envs for file in found]
    started = time.perf_counter()
    done = asyncio.run(send_all(args.api, args.cos, pairs, min(args.workers, len(pairs))))
    seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"pairs": done, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
