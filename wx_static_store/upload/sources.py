"""The bytes of one file: rewound, spooled, measured, hashed; notices a change while reading."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from io import FileIO
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

from ..core.frames import is_from_signal
from ..core.types import LARGEST, UploadItem
from ..exceptions import SourceChanged, SourceError
from ..i18n import gettext_lazy as _

BLOCK = 256 * 1024
HASH_AHEAD = 8 * 1024 * 1024  # bytes; a larger file is hashed while it streams
IN_MEMORY = 1024 * 1024  # bytes of a temporary file; a larger one goes to the disk

# Do not wait for the other end of a pipe, and open no link; Windows has only the flag in between.
_READ = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ITSELF = _READ | getattr(os, "O_NOFOLLOW", 0)
_LOST = -1  # the identity of no file


def _identity(facts: os.stat_result) -> int:
    """Return device and inode of a file as one number, which takes a third of the memory."""
    return facts.st_dev << 64 | facts.st_ino


class Source:
    """One opened file as the body of one attempt: it gives exactly `len()` bytes, or raises."""

    def __init__(
        self,
        file: BinaryIO,
        size: int,
        *,
        known_md5: str,
        sent: Callable[[int], object] | None = None,
    ) -> None:
        self.file = file
        self._size = size
        self._stat = _stat_of(file)
        self._digest = hashlib.md5(usedforsecurity=False)
        self._read = 0
        self.known_md5 = known_md5
        self.sent = sent or (lambda size: None)
        self.handed_over = False

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while left := self._size - self._read:
            if self._read:  # what came before has gone
                self.sent(self._read)
            block = _read(self.file, min(BLOCK, left))
            if not block:
                raise SourceChanged(_("The file became shorter"), stage="source")
            self._digest.update(block)
            self._read += len(block)
            self.handed_over = self._read == self._size
            yield block

    def md5(self) -> str:
        """Return the MD5 of what was read; raise SourceChanged if the file differs by now."""
        digest = self._digest.hexdigest()
        if _stat_of(self.file) != self._stat or (self.known_md5 and digest != self.known_md5):
            text, maybe = _("The file changed while it was uploaded"), self.handed_over
            raise SourceChanged(text, stage="source", maybe_stored=maybe or not self._size)
        return digest


@dataclass(frozen=True, slots=True)
class _Disk:
    """Open a file on the disk."""

    # No closure: one for each file of a tree takes five times the memory.

    head: str
    tail: str = ""  # in a tree, where `head` is the root of all files
    only: int = 0  # the identity of the file, if no other will do

    def __call__(self) -> BinaryIO:
        path = self.head + self.tail
        if not self.only:
            return open(path, "rb", 0)  # unbuffered: it is read in blocks of our own
        try:
            file = open(  # noqa: SIM115 -- returned
                path, "rb", 0, opener=lambda path, flags: os.open(path, flags | _ITSELF)
            )
            facts = os.fstat(file.fileno())
            if stat.S_ISREG(facts.st_mode) and _identity(facts) == self.only:
                return file
            file.close()
        except OSError as error:
            if error.errno != errno.ELOOP:  # as for a link, which is not followed
                raise
        raise SourceError(_("The file was replaced by another one"), stage="source")


def tree_item(
    name: str,
    head: str,
    tail: str = "",
    *,
    hashed: bool = False,
    cache_control: str | None = None,
    follow: bool = False,
) -> UploadItem:
    """Make an item of the file `head` + `tail` in a tree, with its digests if it is small."""
    size, found, md5, sha256 = None, _LOST, None, None
    with suppress(SourceError):
        facts, block = _call(_read_small, head + tail, _READ if follow else _ITSELF)
        size, found = facts.st_size, _identity(facts)
        if len(block) == size:
            md5 = hashlib.md5(block, usedforsecurity=False).hexdigest()
            sha256 = hashlib.sha256(block).hexdigest()
    # When its turn comes, a file that is gone fails; without `follow`, so does a link, and another
    # file that replaced this one.
    place = _Disk(head, tail, 0 if follow else found)
    return UploadItem(
        name, place, size, md5=md5, hashed=hashed, cache_control=cache_control, sha256=sha256
    )


def _read_small(path: str, flags: int) -> tuple[os.stat_result, bytes]:
    """Return what the disk says of a file, and its bytes unless they are many."""
    # A tree may have 100,000 of them: Python's own file object takes twice as long.
    file = os.open(path, os.O_RDONLY | flags)
    try:
        facts = os.fstat(file)
        # One byte more than it has shows that it grows; for BLOCK, a system may map memory.
        return facts, os.read(file, facts.st_size + 1) if facts.st_size < BLOCK else b""
    finally:
        os.close(file)


def content_item(name: str, content: Any) -> UploadItem:
    """Make an item of a file that Django saves; the caller closes the file."""

    def wake() -> Any:
        """Return a field's file open: it counts as closed until somebody reads it."""
        if getattr(content, "closed", False):
            with suppress(AttributeError, ValueError):  # closed for good: the upload reports it
                content.seek(0)
        return content

    # A closed file that is still on the disk is read there, as Django's storage does.
    if getattr(content, "closed", False):
        with suppress(Exception):  # it has no path, or is of a storage that knows none
            temporary = getattr(content, "temporary_file_path", None)
            path = str(temporary() if temporary else content.path)
            if os.path.isfile(path):
                return UploadItem(name, _Disk(path), os.stat(path).st_size)
    size = None
    with suppress(Exception):  # a pipe, or a closed file, raises: it is measured later
        size = content.size
    known = isinstance(size, int) and size > 0
    return UploadItem(name, open=wake, size=size if known else None, close=False)


@contextmanager
def rereadable(item: UploadItem) -> Iterator[UploadItem]:
    """Yield the item for several attempts."""
    with ExitStack() as copies:
        # The first attempt copies a caller's file that cannot seek: the next would find it empty.
        kept = cache(lambda: _seekable(item.open(), copies))
        yield item if item.close else replace(item, open=kept)


@contextmanager
def opened(item: UploadItem, *, md5: str | None = None) -> Iterator[Source]:
    """Yield the item's file, ready to send; `md5` is known already."""
    with readable(item) as (file, size):
        source = Source(file, size, known_md5=md5 or "", sent=item.sent)
        if md5 is None and size <= HASH_AHEAD:
            source.known_md5 = digest(file)
        yield source


@contextmanager
def readable(item: UploadItem) -> Iterator[tuple[BinaryIO, int]]:
    """Yield the item's file at its start, or a copy of it that can be sent, and its size."""
    original = _call(item.open)
    with ExitStack() as files:
        if item.close:
            files.callback(original.close)
        file = _seekable(original, files)
        if (size := _measure(file)) > LARGEST:
            text = _("The file is larger than 5 GB")
            raise SourceError(text, cause="EntityTooLarge", stage="source")
        yield file, size


def fingerprint(item: UploadItem, tick: Callable[[], None] = lambda: None) -> UploadItem:
    """Return the item with its digests and size; `tick` is called per block."""
    if item.md5 and item.sha256:
        return item
    sha256 = hashlib.sha256()
    try:
        with readable(item) as (file, size):
            md5 = digest(file, tick, sha256)
    except SourceError:  # it fails when its turn comes
        return item
    return replace(item, md5=md5, sha256=sha256.hexdigest(), size=size)


def digest(file: BinaryIO, tick: Callable[[], None] = lambda: None, *others: Any) -> str:
    """Return the MD5 of the whole file, left at its start; `others` are hashes of the same."""
    md5 = hashlib.md5(usedforsecurity=False)
    _call(file.seek, 0)
    tick()
    while block := _read(file, BLOCK):  # to its end: it may hold more than was measured
        for each in (md5, *others):
            each.update(block)
        tick()
    _call(file.seek, 0)
    return md5.hexdigest()


def _seekable(original: Any, copies: ExitStack) -> BinaryIO:
    """Return the file if it can be sent unchanged, else a copy that `copies` will close."""
    if getattr(original, "closed", False):
        raise SourceError(_("The file is closed"), stage="source")
    if _rewound(original):
        return original  # type: ignore[no-any-return]
    copy = copies.enter_context(SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
    while block := _next_block(original):
        _call(copy.write, block)
    return copy  # type: ignore[return-value]


def _next_block(original: Any) -> bytes:
    """Return the next block, empty only at the end; refuse None, which a waiting pipe gives."""
    block = _call(lambda: original.read(BLOCK))
    # HTTP libraries count a text in characters: two Chinese ones would be 2 bytes, not 6.
    return _bytes(_call(block.encode) if isinstance(block, str) else block)


def _is_plain(file: Any) -> bool:
    """Return whether the file certainly gives bytes: the system opened it."""
    return isinstance(file, FileIO) and file.readable()


def _rewound(file: Any) -> bool:
    """Rewind the file; return whether it is at its start now, and gives bytes."""
    if _is_plain(file):  # each question to it is a system call
        with suppress(OSError):
            return file.seek(0) == 0  # type: ignore[no-any-return]
    if not (file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")):
        return False
    # Of a file that was read halfway, only the rest would be sent, without an error.
    _call(file.seek, 0)
    return isinstance(_call(lambda: file.read(0)), bytes)


def _measure(file: BinaryIO) -> int:
    """Return the size of the file's bytes, not its `size` attribute."""
    if _is_plain(file) and (facts := _stat_of(file)) and facts[0]:  # none: of /proc, say
        return facts[0]
    size: int = _call(file.seek, 0, os.SEEK_END)
    if not isinstance(size, int):
        size = _call(file.tell)
    _call(file.seek, 0)
    return size


def _read(file: BinaryIO, size: int) -> bytes:
    block = _bytes(_call(file.read, size))
    if len(block) > size:
        raise SourceError(_("The file gives more bytes than it was asked for"), stage="source")
    return block


def _bytes(block: Any) -> bytes:
    if not isinstance(block, bytes):
        text = _("The file gives %(kind)s in place of bytes", kind=type(block).__name__)
        raise SourceError(text, stage="source")
    return block


def _call(method: Callable[..., Any], *args: Any) -> Any:
    """Call a file of any storage; turn its errors into SourceError."""
    try:
        return method(*args)
    except SourceError:
        raise
    except Exception as error:
        if is_from_signal(error):
            raise
        text = _("The file cannot be read (%(why)s)", why=f"{type(error).__name__}: {error}")
        failure = SourceError(text, stage="source")
    # Out of the block, so that it does not carry the error of a library.
    raise failure


def _stat_of(file: Any) -> tuple[int, int, int] | None:
    """Return size, time of change and inode of a file on disk; None for other files."""
    if isinstance(file, SpooledTemporaryFile):  # asking it would move it to the disk
        return None
    try:
        facts = os.fstat(file.fileno())
    except (AttributeError, OSError, ValueError, TypeError):
        return None
    return facts.st_size, facts.st_mtime_ns, facts.st_ino
