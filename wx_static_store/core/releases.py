"""A release: the list of its files, packed into few bytes, and the changes between two lists."""

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from functools import cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple

from ..i18n import gettext, gettext_noop
from .types import ContentHeaders

VERSION = 1  # of the packed list
_MD5, _SHA256 = 16, 32  # bytes of a digest
LABELS = (  # that are generated: recorded in English
    ROLL_BACK_FROM := gettext_noop("roll back from %(before)s to %(to)s"),
    ROLL_BACK := gettext_noop("roll back to %(to)s"),
    ROLL_BACK_OF := gettext_noop("roll back of %(rollout)s"),
    REPAIR := gettext_noop("repair of %(to)s"),
    gettext_noop("end of the preview"),
)
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
    files: bytes  # the compressed lines, then the digests, which nothing compresses
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
    """Return the packed list of these files; raise ValueError if they are not sorted by name."""

    @cache
    def end(headers: ContentHeaders, last: bool) -> str:
        kind, cache_control, others = astuple(headers)
        parts = [kind, cache_control, int(last), *filter(None, [others])]
        return json.dumps(parts, separators=(",", ":"))[1:]

    lines, digests, count, size, before = bytearray(b"[%d]\n" % VERSION), bytearray(), 0, 0, ""
    # To make JSON of each line, and hash each, takes five times as long.
    for count, (name, length, md5, sha, headers, last) in enumerate(files, 1):  # noqa: B007
        if name < before:
            raise ValueError(f"{before!r} comes after {name!r}")
        lines += f"[{quoted(name)},{length},{end(headers, last)}\n".encode()
        digests += bytes.fromhex(md5 + sha)
        size, before = size + length, name
    digest = sha256(lines)
    digest.update(digests)
    # Quickly: most releases are known already, and need only the digest.
    return PackedRelease(digest.hexdigest(), zlib.compress(lines, 1) + digests, count, size)


def unpack(packed: bytes) -> Iterator[ReleaseFile]:
    """Yield the files of a packed list, by name."""
    decompressor = zlib.decompressobj()
    lines = decompressor.decompress(packed).splitlines()
    digests, at = decompressor.unused_data, 0
    for line in lines[1:]:
        name, size, content_type, cache_control, last, *others = json.loads(line)
        middle, end = at + _MD5, at + _MD5 + _SHA256
        md5, sha = digests[at:middle].hex(), digests[middle:end].hex()
        headers = ContentHeaders(content_type, cache_control, *others)
        yield ReleaseFile(name, size, md5, sha, headers, bool(last))
        at = end


def digests(packed: bytes, count: int) -> Iterator[bytes]:
    """Yield the SHA-256 of each of the `count` files of a packed list; unpack no JSON."""
    each = _MD5 + _SHA256
    for at in range(len(packed) - count * each, len(packed), each):
        yield packed[at + _MD5 : at + each]


def label_in_words(label: str) -> str:
    """Return a generated label in the reader's language, any other as it is."""
    for text in LABELS:
        if found := re.fullmatch(re.sub(r"%\((\w+)\)s", r"(?P<\1>.+)", text), label):
            parts = {name: label_in_words(part) for name, part in found.groupdict().items()}
            return gettext(text, **parts)
    return label
