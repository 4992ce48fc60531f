"""
An uploaded archive of a built site, unpacked into a temporary folder.

The archive may be an attack, so what it says of itself is not trusted: bytes and CPU seconds are
counted while it is unpacked, a name must be one that can be published, and links are refused.
"""

import gzip
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from time import thread_time
from typing import IO, Any, cast

from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise, lazy

from ..conf.settings import setting
from ..core.naming import object_key
from ..exceptions import NameRejected, SourceError
from ..i18n import gettext_lazy as _
from .tree import unusable

BLOCK = 64 * 1024
IN_MEMORY = 4 * 2**20  # most bytes of a zip's list of files
HEADER = 64 * 1024  # most bytes of a header that a tar has beside that of the file
HEADERS = 2**20  # of all of these, where they are longer than one block
PER_FILE = 3  # most entries for each file that is allowed: folders, and what a Mac adds

_FILE_OR_FOLDER = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
_ABOUT_NEXT = (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE)
_LENGTH = re.compile(rb"([0-9]{1,5}) ")

_AGAIN = _("Pack the folder again, and send all of it.")
_COPY = _("Pack a copy of the file in its place.")
_DISK = _("Shorten the name, or make room in the folder FILE_UPLOAD_TEMP_DIR.")
_FEWER = _("Leave out what the site does not need, or publish the folder with wx_deploy.")
_KINDS = _("Pack the folder as .zip or as .tar.gz.")
_NO_PASSWORD = _("Pack the folder without a password.")
_ONCE = _("Pack each file once, and none under the name of a folder.")
_ORDINARY = _("Pack the folder as an ordinary .zip (method deflate), or as .tar.gz.")
_UTF8 = _("Pack the folder as .tar.gz, or with a program that writes names in UTF-8.")

_readable_size = lazy(filesizeformat, str)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of an archive; it is not read beyond them."""

    size: int = 2**30  # bytes, all together; of a tar with its headers
    file_size: int = 300 * 2**20  # bytes of one file
    files: int = 20_000
    ratio: int = 200  # bytes for each byte of the archive
    seconds: int = 8  # of CPU time for each 10 MiB of the archive, rounded up


DEFAULT = Limits()


@dataclass(frozen=True)
class _Entry:
    """A file or a folder of an archive, as the archive describes it."""

    name: str
    size: int
    is_folder: bool
    open: Callable[[], Any]


@contextmanager
def unpack_site(file: IO[bytes], name: str, *, limits: Limits = DEFAULT) -> Iterator[Path]:
    """
    Unpack a ``.zip`` or ``.tar.gz``, and give the site's folder until the block ends.

    Raises SourceError: damaged, over the limits, or with a name that cannot be published.
    """
    with TemporaryDirectory(prefix="wx-site-", dir=setting("FILE_UPLOAD_TEMP_DIR")) as folder:
        _unpack(file, name, Path(folder), limits)
        top, *others = Path(folder).iterdir()
        # If all files are in one folder, as in a zip of dist/, that folder is the site.
        # A hidden folder at the top is no site: its files are never published.
        is_site = others or top.is_file() or top.name.startswith(".")
        yield Path(folder) if is_site else top


def _unpack(file: IO[bytes], name: str, folder: Path, limits: Limits) -> None:
    size, files, folders = file.seek(0, 2), 0, {folder}
    file.seek(0)
    left = min(limits.size, limits.ratio * size)
    text = _("The archive holds more than %(size)s", size=_readable_size(limits.size))
    if left < limits.size:
        text = _("The archive unfolds to more than %(ratio)d times its size", ratio=limits.ratio)
    too_much = unusable(text, _FEWER)
    reader = _Reader(file, thread_time() + limits.seconds * max(1, -(-size // (10 * 2**20))))
    with (
        _explain_errors(_("The archive")),
        closing(_entries(name, reader, left, too_much)) as entries,
    ):
        for number, entry in enumerate(entries, 1):
            target = _target(entry, folder)
            if target:
                files += 1
                folders.update(takewhile(lambda above: above not in folders, target.parents))
            if max(files, len(folders), number / PER_FILE) > limits.files:
                text = _("The archive holds more files than %(count)d", count=limits.files)
                raise unusable(text, _FEWER)
            if target:
                left -= _write(entry, target, left, limits)
            if left < 0:
                raise too_much
    if not files:
        raise unusable(_("The archive holds no file"), _AGAIN)


@contextmanager
def _explain_errors(what: str | Promise) -> Iterator[None]:
    """Turn any error of Python's readers or of the disk into a SourceError."""
    try:
        yield
    except SourceError:
        raise
    except (FileExistsError, NotADirectoryError):
        text = _("%(what)s is in the archive twice, or as a file and as a folder", what=what)
        raise unusable(text, _ONCE) from None
    except UnicodeDecodeError:
        raise unusable(_("Names in the archive are not in UTF-8"), _UTF8) from None
    except Exception as error:  # noqa: BLE001 -- of any kind: the bytes are anybody's
        # The whole text of such an error names a path of this machine.
        disk = getattr(error, "strerror", None)
        text = _("%(what)s cannot be unpacked (%(why)s)", what=what, why=disk or str(error)[:200])
        raise unusable(text, _DISK if disk else _AGAIN) from None


# --- what is in the archive -------------------------------------------------------------------


class _Reader:
    """A file, or its next `left` bytes, with limits on one read and on the CPU time."""

    def __init__(self, file: IO[bytes], until: float, left: int | None = None) -> None:
        self._file, self.until, self._left = file, until, left
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if thread_time() > self.until:
            raise unusable(_("Unpacking the archive takes too long"), _FEWER)
        size = size if 0 <= size <= IN_MEMORY else IN_MEMORY + 1
        data = self._file.read(size if self._left is None else min(size, self._left))
        if len(data) > IN_MEMORY:
            raise unusable(_("The archive has a header that is too long"), _ORDINARY)
        if self._left is not None:
            self._left -= len(data)
        return data


def _zip_entries(file: _Reader) -> Generator[_Entry]:
    with zipfile.ZipFile(cast(IO[bytes], file)) as archive:
        for info in archive.infolist():
            name = _zip_name(info)
            shown = _shown(name)
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _no_file(shown)
            if info.flag_bits & 1:
                raise unusable(_("%(name)s is encrypted", name=shown), _NO_PASSWORD)
            # Other methods may unfold a few bytes to gigabytes in memory, in one read.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise unusable(_("%(name)s is packed by an unusual method", name=shown), _ORDINARY)
            yield _Entry(name, info.file_size, info.is_dir(), partial(archive.open, info))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return the name; without the flag of UTF-8, try GBK first if it comes from Windows."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    written = info.orig_filename.encode("cp437")  # as zipfile reads it, which loses nothing
    first, second = ("gbk", "utf-8") if info.create_system == 0 else ("utf-8", "gbk")
    try:
        return written.decode(first)
    except UnicodeDecodeError:
        return written.decode(second)


def _tar_entries(file: _Reader, most: int, too_much: SourceError) -> Generator[_Entry]:
    """Unfold the whole tar first: only its end shows whether the file was cut off."""
    with TemporaryFile(dir=setting("FILE_UPLOAD_TEMP_DIR")) as unfolded:
        with gzip.GzipFile(fileobj=cast(IO[bytes], file)) as folded:
            if _copy(cast(IO[bytes], folded), unfolded, most) > most:
                raise too_much
        unfolded.seek(0)
        yield from _members(_Reader(unfolded, file.until))


def _members(file: _Reader) -> Generator[_Entry]:
    """Yield files and folders, with the names of extra headers; refuse all other entries."""
    # Not by tarfile: it trusts extra headers, and one of 64 KiB may cost minutes or gigabytes.
    position, long, about = 0, 0, dict[str, str]()
    while any(block := file.read(tarfile.BLOCKSIZE)):
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        size = info.size
        if info.type in _ABOUT_NEXT:
            long += max(0, size - len(block))  # one short header for each file is usual
            if not 0 <= size <= HEADER or long > HEADERS:
                raise unusable(_("The archive has a header that is too long"), _ORDINARY)
            about |= _about_next(info.type, file.read(size))
        else:
            name, size = about.get("path", info.name), int(about.get("size", size))
            if size < 0 or "sparse" in about or info.type not in _FILE_OR_FOLDER:
                raise _no_file(_shown(name))
            size = 0 if info.isdir() else size
            part = _Reader(cast(IO[bytes], file), file.until, size)
            yield _Entry(name, size, info.isdir(), partial(nullcontext, part))
            about = {}
        position += tarfile.BLOCKSIZE * (1 - -size // tarfile.BLOCKSIZE)
        file.seek(position)


def _about_next(kind: bytes, body: bytes) -> dict[str, str]:
    """Return the name, the size and "sparse" of an extra header; lines are ``12 path=a.js``."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": body.partition(b"\0")[0].decode()}
    # git writes one with the commit's name.
    if kind == tarfile.XGLTYPE:
        return {}
    found, start, body = dict[str, str](), 0, body.rstrip(b"\0")
    while start < len(body):
        length = _LENGTH.match(body, start)
        end = start + int(length[1]) if length else 0
        if not (length and start < end <= len(body)):
            raise tarfile.ReadError("bad header")
        keyword, _equals, value = body[length.end() : end - 1].partition(b"=")
        if keyword in (b"path", b"size"):
            found[keyword.decode()] = value.decode()
        elif keyword.startswith(b"GNU.sparse."):
            found["sparse"] = ""
        start = end
    return found


def _entries(name: str, file: _Reader, most: int, too_much: SourceError) -> Generator[_Entry]:
    if name.lower().endswith(".zip"):
        return _zip_entries(file)
    if name.lower().endswith((".tar.gz", ".tgz")):
        return _tar_entries(file, most, too_much)
    raise unusable(_("%(name)s is no .zip and no .tar.gz", name=_shown(name)), _KINDS)


def _no_file(name: str) -> SourceError:
    return unusable(_("%(name)s is a link, or no ordinary file", name=name), _COPY)


def _shown(name: str) -> str:
    return repr(name[:100])


# --- where it is written ----------------------------------------------------------------------


def _target(entry: _Entry, folder: Path) -> Path | None:
    """Return the path of a file; None for a folder, and for a file that a Mac adds."""
    # tar writes names in its own folder so.
    name = entry.name.removeprefix("./")
    if entry.is_folder:
        name = name.rstrip("/")
    parts = name.split("/")
    of_mac = "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")
    if of_mac or (entry.is_folder and name in ("", ".")):
        return None
    try:
        key = object_key("", name)
    except NameRejected as error:
        raise unusable(error.message, error.hint) from None
    return None if entry.is_folder else folder / key


def _write(entry: _Entry, target: Path, left: int, limits: Limits) -> int:
    """Write the file, up to soon after a limit; return the number of bytes."""
    name, most = _shown(entry.name), min(left, limits.file_size)
    with _explain_errors(name):
        target.parent.mkdir(parents=True, exist_ok=True)
        with entry.open() as source, target.open("xb") as file:
            written = _copy(source, file, most)
    if written > limits.file_size:
        size = _readable_size(limits.file_size)
        raise unusable(_("%(name)s is larger than %(size)s", name=name, size=size), _FEWER)
    if written != entry.size and written <= most:
        text = _("%(name)s has more or fewer bytes than the archive says", name=name)
        raise unusable(text, _AGAIN)
    return written


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> int:
    """Copy until soon after `most` bytes; return the number of bytes."""
    copied = 0
    while copied <= most and (block := source.read(BLOCK)):
        copied += target.write(block)
    return copied
