"""A release: the list of its files, packed into few bytes, and the changes between two lists."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from hashlib import sha256
from typing import NamedTuple

from .types import ContentHeaders

VERSION = 1  # of the packed list
_MD5, _SHA256 = 16, 32  # bytes of a digest
_HEADERS = tuple(field.name for field in fields(ContentHeaders))


class ReleaseFile(NamedTuple):
    """One file; `name` is below the folder it was deployed to, `last` makes the others live."""

    name: str
    size: int
    md5: str
    sha256: str
    headers: ContentHeaders
    last: bool = False


@dataclass(frozen=True, slots=True)
class PackedRelease:
    """A packed list; equal lists have equal digests. `size` is the sum of all files' sizes."""

    digest: str
    files: bytes
    count: int
    size: int


class Change(NamedTuple):
    """A file that differs between releases; `before` is None if added, `after` if removed."""

    before: ReleaseFile | None
    after: ReleaseFile | None

    @property
    def name(self) -> str:
        file = self.after or self.before
        return file.name if file else ""

    @property
    def kind(self) -> str:
        """Return ``added``, ``changed`` or ``removed``."""
        if self.before and self.after:
            return "changed"
        return "added" if self.after else "removed"

    @property
    def parts(self) -> list[str]:
        """Return the differing parts of a changed file: ``bytes``, ``content_type`` and so on."""
        old, new = self.before, self.after
        if not (old and new):
            return []
        bytes_differ = (old.size, old.md5, old.sha256) != (new.size, new.md5, new.sha256)
        headers = zip(_HEADERS, astuple(old.headers), astuple(new.headers), strict=True)
        names = [name for name, before, after in headers if before != after]
        return [*["bytes"] * bytes_differ, *names]


def pack(files: Iterable[ReleaseFile]) -> PackedRelease:
    """
    Return the packed list: compressed lines of JSON, then the digests, which nothing compresses.

    The files must be sorted by name, as they are not held in memory; else raise ValueError.
    """
    whole, compressor = sha256(), zlib.compressobj()
    lines, digests, count, size, before = bytearray(), bytearray(), 0, 0, ""

    def add(line: list[object]) -> None:
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        whole.update(text)
        lines.extend(compressor.compress(text))

    add([VERSION])
    for file in files:
        if file.name < before:
            raise ValueError(f"{before!r} comes after {file.name!r}")
        before, headers = file.name, file.headers
        add([file.name, file.size, headers.content_type, headers.cache_control, int(file.last)])
        digests += bytes.fromhex(file.md5 + file.sha256)
        count, size = count + 1, size + file.size
    whole.update(digests)
    packed = b"".join((lines, compressor.flush(), digests))
    return PackedRelease(whole.hexdigest(), packed, count, size)


def unpack(packed: bytes) -> Iterator[ReleaseFile]:
    """Yield the files of a packed list, by name."""
    decompressor = zlib.decompressobj()
    lines = decompressor.decompress(packed).splitlines()
    digests, at = decompressor.unused_data, 0
    for line in lines[1:]:
        name, size, content_type, cache_control, last = json.loads(line)
        middle, end = at + _MD5, at + _MD5 + _SHA256
        md5, sha = digests[at:middle].hex(), digests[middle:end].hex()
        headers = ContentHeaders(content_type, cache_control)
        yield ReleaseFile(name, size, md5, sha, headers, bool(last))
        at = end


def digests(packed: bytes, count: int) -> Iterator[bytes]:
    """Yield the SHA-256 of each of the `count` files of a packed list; unpack no JSON."""
    each = _MD5 + _SHA256
    for at in range(len(packed) - count * each, len(packed), each):
        yield packed[at + _MD5 : at + each]


def changes(before: Iterable[ReleaseFile], after: Iterable[ReleaseFile]) -> Iterator[Change]:
    """Yield the files whose bytes or content headers differ, by name."""
    old, new = ({file.name: file for file in files} for files in (before, after))
    for name in sorted(old.keys() | new.keys()):
        change = Change(old.get(name), new.get(name))
        if change.kind != "changed" or change.parts:
            yield change
