"""
An uploaded archive of a built site, unpacked into a temporary folder.

Whoever uploads it may mean harm, so nothing is believed that the archive says of itself: bytes are
counted while they unfold, a name must be one that can be published, and a link is refused.
"""

import gzip
import stat
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, cast

from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise, lazy

from ..conf.settings import setting
from ..core.naming import object_key
from ..exceptions import NameRejected, SourceError
from ..i18n import gettext_lazy as _

BLOCK = 64 * 1024
IN_MEMORY = 8 * 2**20  # most bytes of a header of an entry, and of a zip's list of files
PER_FILE = 3  # most entries for each file that is allowed: folders, and what a Mac adds

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
    """What an archive may unfold to; it is read no further."""

    size: int = 2**30  # bytes, all together; of a tar with its headers
    file_size: int = 300 * 2**20  # bytes of one file
    files: int = 20_000
    ratio: int = 200  # bytes for each byte of the archive


DEFAULT = Limits()


@dataclass(frozen=True)
class _Entry:
    """What an archive says of a file or a folder in it."""

    name: str
    size: int
    is_folder: bool
    open: Callable[[], Any]


@contextmanager
def unpacked(file: IO[bytes], name: str, *, limits: Limits = DEFAULT) -> Iterator[Path]:
    """
    Give the folder of the site that is in the archive, until the block ends.

    `name` says whether the archive is a ``.zip`` or a ``.tar.gz``. Where all files lie in one
    folder, as in a zip of ``dist/``, that folder is the site. What cannot be unpacked whole, within
    the limits, and under names that can be published, raises SourceError.
    """
    with TemporaryDirectory(prefix="wx-site-", dir=setting("FILE_UPLOAD_TEMP_DIR")) as folder:
        _unpack(file, name, Path(folder), limits)
        yield _site_in(Path(folder))


def _unpack(file: IO[bytes], name: str, folder: Path, limits: Limits) -> None:
    size, files = file.seek(0, 2), 0
    file.seek(0)
    left, too_much = min(limits.size, limits.ratio * size), _too_much(size, limits)
    with _explained(_("The archive")), closing(_reader(name)(file, left, too_much)) as entries:
        for number, entry in enumerate(entries, 1):
            target = _target(entry, folder)
            files += target is not None
            if files > limits.files or number > PER_FILE * limits.files:
                text = _("The archive holds more files than %(count)d", count=limits.files)
                raise _refused(text, _FEWER)
            if target:
                left -= _write(entry, target, left, limits)
            if left < 0:
                raise too_much
    if not files:
        raise _refused(_("The archive holds no file"), _AGAIN)


def _too_much(size: int, limits: Limits) -> SourceError:
    if limits.ratio * size < limits.size:
        text = _("The archive unfolds to more than %(ratio)d times its size", ratio=limits.ratio)
    else:
        text = _("The archive holds more than %(size)s", size=_readable_size(limits.size))
    return _refused(text, _FEWER)


def _refused(text: str | Promise, hint: str | Promise) -> SourceError:
    return SourceError(text, stage="source", hint=hint)


@contextmanager
def _explained(what: str | Promise) -> Iterator[None]:
    """Make a SourceError of whatever Python's readers raise of a bad archive, or the disk."""
    try:
        yield
        return
    except SourceError:
        raise
    except (FileExistsError, NotADirectoryError):
        text = _("%(what)s is in the archive twice, or as a file and as a folder", what=what)
        failure = _refused(text, _ONCE)
    except UnicodeDecodeError:
        failure = _refused(_("Names in the archive are not in UTF-8"), _UTF8)
    except Exception as error:  # noqa: BLE001 -- of any kind: the bytes are anybody's
        disk = getattr(error, "strerror", None)  # without the path
        text = _("%(what)s cannot be unpacked (%(why)s)", what=what, why=disk or str(error)[:200])
        failure = _refused(text, _DISK if disk else _AGAIN)
    raise failure


# --- what is in the archive -------------------------------------------------------------------


class _Reader:
    """Give a file to Python's readers, and never more at once than belongs into the memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= IN_MEMORY else IN_MEMORY + 1)
        if len(data) > IN_MEMORY:
            raise _refused(_("The archive has a header that is too long"), _AGAIN)
        return data


def _zip_entries(file: IO[bytes], _most: int, _too_much: SourceError) -> Generator[_Entry]:
    reader = cast(IO[bytes], _Reader(file))
    with zipfile.ZipFile(reader, metadata_encoding="utf-8") as archive:
        for info in archive.infolist():
            _check(info)
            opened = partial(archive.open, info)
            yield _Entry(info.orig_filename, info.file_size, info.is_dir(), opened)


def _check(info: zipfile.ZipInfo) -> None:
    name = _shown(info.filename)
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _no_file(name)
    if info.flag_bits & 1:
        raise _refused(_("%(name)s is encrypted", name=name), _NO_PASSWORD)
    # Of another method a few bytes may unfold to gigabytes at once, in the memory.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(_("%(name)s is packed by an unusual method", name=name), _ORDINARY)


def _tar_entries(file: IO[bytes], most: int, too_much: SourceError) -> Generator[_Entry]:
    """Unfold all of the tar first: a file that is cut off shows itself at its end only."""
    with TemporaryFile(dir=setting("FILE_UPLOAD_TEMP_DIR")) as unfolded:
        with gzip.GzipFile(fileobj=file) as folded:
            if _copy(cast(IO[bytes], folded), unfolded, most) > most:
                raise too_much
        unfolded.seek(0)
        yield from _members(unfolded)


def _members(file: IO[bytes]) -> Generator[_Entry]:
    reader = cast(IO[bytes], _Reader(file))
    with tarfile.open(fileobj=reader, mode="r:", encoding="utf-8") as archive:
        for member in iter(archive.next, None):
            if member.size < 0 or member.issparse() or not (member.isreg() or member.isdir()):
                raise _no_file(_shown(member.name))
            opened = partial(archive.extractfile, member)
            yield _Entry(member.name, member.size, member.isdir(), opened)
        file.seek(archive.offset)
        if any(file.read(tarfile.BLOCKSIZE)):  # to Python, a header that it cannot read is the end
            raise tarfile.ReadError("bad header")


_READERS = {".zip": _zip_entries, ".tar.gz": _tar_entries, ".tgz": _tar_entries}


def _reader(name: str) -> Callable[[IO[bytes], int, SourceError], Generator[_Entry]]:
    for ending, reader in _READERS.items():
        if name.lower().endswith(ending):
            return reader
    raise _refused(_("%(name)s is no .zip and no .tar.gz", name=_shown(name)), _KINDS)


def _no_file(name: str) -> SourceError:
    return _refused(_("%(name)s is a link, or no ordinary file", name=name), _COPY)


def _shown(name: str) -> str:
    return repr(name[:100])


# --- where it is written ----------------------------------------------------------------------


def _target(entry: _Entry, folder: Path) -> Path | None:
    """Return where a file is written; None for a folder, and for what a Mac adds to an archive."""
    name = entry.name.removeprefix("./")  # as tar writes what is in the folder itself
    if entry.is_folder:
        name = name.rstrip("/")
    if _is_of_mac(name) or (entry.is_folder and name in ("", ".")):
        return None
    try:
        key = object_key("", name)
    except NameRejected as error:
        failure = _refused(error.message, error.hint)
    else:
        return None if entry.is_folder else folder / key
    raise failure


def _is_of_mac(name: str) -> bool:
    top, last = name.partition("/")[0], name.rpartition("/")[2]
    return top == "__MACOSX" or last == ".DS_Store" or last.startswith("._")


def _write(entry: _Entry, target: Path, left: int, limits: Limits) -> int:
    """Write the file, and return how many bytes it has; those above a limit are not all written."""
    name, most = _shown(entry.name), min(left, limits.file_size)
    with _explained(name):
        target.parent.mkdir(parents=True, exist_ok=True)
        with entry.open() as source, target.open("xb") as file:
            written = _copy(source, file, most)
    if written > limits.file_size:
        size = _readable_size(limits.file_size)
        raise _refused(_("%(name)s is larger than %(size)s", name=name, size=size), _FEWER)
    if written != entry.size and written <= most:
        text = _("%(name)s has not as many bytes as the archive says", name=name)
        raise _refused(text, _AGAIN)
    return written


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> int:
    """Copy, and return how many bytes; end soon after `most`."""
    copied = 0
    while copied <= most and (block := source.read(BLOCK)):
        copied += target.write(block)
    return copied


def _site_in(folder: Path) -> Path:
    """Return the only folder in there, if it is all; not a hidden one, which no site publishes."""
    top, *others = folder.iterdir()
    return folder if others or top.is_file() or top.name.startswith(".") else top
