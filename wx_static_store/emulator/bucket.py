"""The objects of one environment, in memory or in a folder that survives a restart."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import BinaryIO

from .crc64 import crc64
from .incoming import BLOCK
from .language import marked
from .quirks import BadInput


@dataclass(frozen=True)
class StoredObject:
    """One object: its bytes (in memory or in a file) and what was sent with them."""

    headers: dict[str, str]  # Content-Type, Cache-Control, ... as sent
    md5: str
    size: int
    last_modified: float
    crc64: int | None  # None: too large to be summed
    content: bytes | None = field(default=None, repr=False)
    path: Path | None = None

    @property
    def body(self) -> bytes:
        """All bytes."""
        return b"".join(self.blocks())

    def blocks(self) -> Iterator[bytes]:
        """Read the bytes block by block, so that a large file is never in memory."""
        if self.path is None:
            return iter([self.content or b""])
        # Opened here and now: an overwrite may remove the file before the first block is asked for.
        return _read(self.path.open("rb"), self.size)


@dataclass(frozen=True)
class _Change:
    """One write or deletion, with what undoes it in a list."""

    moment: float
    key: str
    before: StoredObject | None  # without its bytes; None: there was no such object


@dataclass(frozen=True)
class ReceivedBytes:
    """Bytes that arrived but are not an object yet."""

    md5: str
    size: int
    crc64: int | None
    content: bytes | None
    path: Path | None

    def discard(self) -> None:
        """Forget them."""
        if self.path:
            _remove(self.path)


def _read(file: BinaryIO, left: int) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK):
            left -= len(block)
            yield block
    if left:  # ends the connection: a client would wait for the rest
        raise OSError(f"{file.name} has another size than it was stored with")


class _Summed:
    """Passes blocks on and sums them."""

    def __init__(self, blocks: Iterable[bytes], crc64_limit: int) -> None:
        self._blocks, self._limit = blocks, crc64_limit
        self.md5, self.size = hashlib.md5(usedforsecurity=False), 0
        self.crc64: int | None = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.md5.update(block)
            self.size += len(block)
            within = self.crc64 is not None and self.size <= self._limit
            self.crc64 = crc64(block, self.crc64 or 0) if within else None
            yield block


class Bucket:
    """Keys and objects; an overwritten object stays for a while, as on a CDN.

    Changes are remembered only while lists lag, and in memory only: what was written before, or
    before a restart, is listed as it is now.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._objects: dict[str, StoredObject] = {}
        self._stale: dict[str, tuple[StoredObject, float]] = {}
        self._changes: deque[_Change] = deque()  # oldest first
        self._lock = threading.Lock()
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            self._load(folder)

    def receive(self, blocks: Iterable[bytes], crc64_limit: int) -> ReceivedBytes:
        """Take bytes in, summing them on the way."""
        summed = _Summed(blocks, crc64_limit)
        content = path = None
        if self._folder:
            path = _to_file(self._folder, summed)
        else:
            content = b"".join(summed)
        return ReceivedBytes(summed.md5.hexdigest(), summed.size, summed.crc64, content, path)

    def put(
        self,
        key: str,
        incoming: ReceivedBytes,
        headers: dict[str, str],
        *,
        now: float,
        stale: float,
        lag: float,
    ) -> StoredObject:
        """Make an object of them; the site is `stale` seconds behind at most, lists are `lag`."""
        entry = StoredObject(
            headers=headers,
            md5=incoming.md5,
            size=incoming.size,
            last_modified=now,
            crc64=incoming.crc64,
            content=incoming.content,
            path=incoming.path,
        )
        with self._lock:
            old = self._objects.get(key)
            self._objects[key] = entry
            self._save(key, entry)
            self._remember(key, old, now, lag)
            self._retire(key, old, now, stale)
        return entry

    def get(self, key: str) -> StoredObject | None:
        """Return the newest object of that key."""
        return self._objects.get(key)

    def seen(self, key: str, now: float) -> StoredObject | None:
        """Return the object as a CDN serves it: perhaps the one before."""
        old, until = self._stale.get(key, (None, 0.0))
        return old if now < until else self.get(key)

    def delete(self, key: str, *, now: float = 0.0, lag: float = 0.0) -> None:
        """Take an object away; its stale copy goes too. Lists may show it for `lag` seconds."""
        with self._lock:
            if self._folder:
                _remove(self._folder / f"{_digest(key)}.json")
            old = self._objects.pop(key, None)
            self._remember(key, old, now, lag)
            self._forget(old)
            self._forget(self._stale.pop(key, (None, 0.0))[0])

    def clear(self) -> None:
        """Take everything away, at once also from lists that lag."""
        for key in self.all():
            self.delete(key)
        with self._lock:
            self._changes.clear()

    def all(self, as_of: float = inf) -> dict[str, StoredObject]:
        """Return a copy of the index, without the remembered changes that came after `as_of`."""
        with self._lock:
            objects = dict(self._objects)
            for change in reversed(self._changes):
                if change.moment <= as_of:
                    break
                if change.before:
                    objects[change.key] = change.before
                else:
                    objects.pop(change.key, None)
        return objects

    def _remember(self, key: str, old: StoredObject | None, now: float, lag: float) -> None:
        while self._changes and self._changes[0].moment <= now - lag:
            self._changes.popleft()
        if lag:
            before = replace(old, content=None, path=None) if old else None
            self._changes.append(_Change(now, key, before))

    def _retire(self, key: str, old: StoredObject | None, now: float, stale: float) -> None:
        # Within its time a stale copy stays: a CDN does not look at what happens behind it.
        copy, until = self._stale.get(key, (None, 0.0))
        if copy and now < until:
            self._forget(old)
            return
        self._forget(self._stale.pop(key, (None, 0.0))[0])
        if old and stale:
            self._stale[key] = (old, now + stale)
        else:
            self._forget(old)

    def _forget(self, entry: StoredObject | None) -> None:
        if entry and entry.path:
            _remove(entry.path)

    def _save(self, key: str, entry: StoredObject) -> None:
        if not self._folder or not entry.path:
            return
        record: dict[str, object] = {
            "key": key,
            "file": entry.path.name,
            "headers": entry.headers,
            "md5": entry.md5,
        }
        record |= {"size": entry.size, "modified": entry.last_modified, "crc64": entry.crc64}
        target = self._folder / f"{_digest(key)}.json"
        draft = target.with_suffix(".draft")
        draft.write_text(json.dumps(record), encoding="utf-8")
        draft.replace(target)

    def _load(self, folder: Path) -> None:
        for meta in folder.glob("*.json"):
            try:
                key, entry = _loaded(meta)
            except (ValueError, LookupError, TypeError, OSError):
                text = marked("{meta} is damaged; delete it, then publish its file again")
                raise BadInput(text, meta=meta) from None
            self._objects[key] = entry
        kept = {entry.path for entry in self._objects.values()}
        for orphan in set(folder.glob("*.body")) - kept:
            _remove(orphan)  # of an upload that a stop cut off


def _loaded(meta: Path) -> tuple[str, StoredObject]:
    record = json.loads(meta.read_text(encoding="utf-8"))
    path = meta.with_name(record["file"])
    if path.stat().st_size != record["size"]:
        raise ValueError(path)
    entry = StoredObject(
        headers=record["headers"],
        md5=record["md5"],
        size=record["size"],
        last_modified=record["modified"],
        crc64=record["crc64"],
        path=path,
    )
    return record["key"], entry


def _to_file(folder: Path, blocks: Iterable[bytes]) -> Path:
    number, name = tempfile.mkstemp(suffix=".body", dir=folder)
    try:
        with os.fdopen(number, "wb") as file:
            file.writelines(blocks)
    except BaseException:
        _remove(Path(name))
        raise
    return Path(name)


def _digest(key: str) -> str:
    # A key is never a path here: "../x", "CON" and 850 bytes of Chinese need no special case.
    return hashlib.sha256(key.encode()).hexdigest()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
