"""The release storage: bytes by their SHA-256, in any private alias of ``STORAGES``."""

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast
from uuid import uuid4

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from ..conf import platform_options
from ..conf.release_checks import require_private
from ..core.frames import described, is_from_signal
from ..core.types import UploadItem
from ..exceptions import ConfigurationError, SourceChanged, SourceError, WxStaticStoreError
from ..i18n import gettext_lazy as _
from .sources import Source, digest, readable

_LOOK = _("Look at this alias of STORAGES; without RELEASE_STORAGE no bytes are kept.")


def alias() -> str:
    """Return the alias of the release storage; empty if none is set."""
    return platform_options().release_storage


def check() -> None:
    """Raise ConfigurationError unless there is a private release storage."""
    require_private(alias())


def path_of(sha256: str) -> str:
    """Return the path of the bytes in the release storage."""
    return f"{sha256[:2]}/{sha256[2:]}"


def has(sha256: str) -> bool:
    """Return whether the bytes are there."""
    return bool(_ask(_storage().exists, path_of(sha256)))


def is_whole(sha256: str) -> bool:
    """Return whether the bytes are there and have their digest; reads them."""
    try:
        open_kept(sha256).close()
    except SourceError:
        return False
    return True


def store(item: UploadItem, *, again: bool = False) -> bool:
    """
    Store the bytes of a hashed item unless they are there; return whether they were written.

    `again` reads the bytes that are there. Raises ConfigurationError if the storage fails, and
    SourceError if the file does.
    """
    storage, name = _storage(), path_of(str(item.sha256))
    is_there = _ask(storage.exists, name)
    if is_there and _is_whole(storage, name, item, read=again):
        return False
    if isinstance(storage, FileSystemStorage):
        _replace(storage, name, item)
        return True
    if is_there:  # not every storage overwrites
        _ask(storage.delete, name)
    if (saved := _save(storage, name, item)) != name:  # another run was quicker
        _ask(storage.delete, saved)
    return True


def delete(sha256: str) -> None:
    """Delete the bytes, if they are there."""
    _ask(_storage().delete, path_of(sha256))


def open_kept(sha256: str) -> BinaryIO:
    """Open kept bytes, compared with their digest; raise SourceError if gone or different."""
    whole, name = hashlib.sha256(), path_of(sha256)
    file: Any = None
    try:
        file = _ask(_storage().open, name)
        digest(file, lambda: None, whole)
        why: Any = _("The release storage has other bytes at %(name)s", name=name)
    except WxStaticStoreError as error:
        why = error.message
    if file and whole.hexdigest() == sha256:
        return file  # type: ignore[no-any-return]
    if file:
        file.close()
    raise SourceError(why, cause="source.kept", stage="source")


def _storage() -> Storage:
    storage: Storage = _ask(storages.__getitem__, alias())
    return storage


def _ask(method: Callable[..., Any], *args: Any) -> Any:
    """Call the release storage; turn its errors into ConfigurationError."""
    try:
        return method(*args)
    except WxStaticStoreError:
        raise
    except Exception as error:
        if is_from_signal(error):
            raise
        text = _(
            "The release storage %(alias)r failed (%(why)s)", alias=alias(), why=described(error)
        )
        failure = ConfigurationError(text, stage="source", hint=_LOOK)
    raise failure


def _is_whole(storage: Storage, name: str, item: UploadItem, *, read: bool) -> bool:
    """Return whether all bytes are there, readable, and not being freed by another run."""
    with suppress(ConfigurationError):
        same_size = _ask(storage.size, name) == item.size
        return same_size and (not read or is_whole(str(item.sha256)))
    return False


# --- the writing -------------------------------------------------------------------------------


def _replace(storage: FileSystemStorage, name: str, item: UploadItem) -> None:
    """Write the file beside its path, then rename it."""
    # So a folder, too, gets it whole or not at all, wherever the process is killed.
    beside = f"{name}.{uuid4().hex}"
    try:
        saved = _save(storage, beside, item)
        _ask(os.replace, storage.path(saved), storage.path(name))
    except BaseException:
        with suppress(Exception):
            storage.delete(beside)
        raise


def _save(storage: Storage, name: str, item: UploadItem) -> str:
    """Stream the file into the storage; return its name there, or raise the file's error."""
    with compared(item, name) as content:
        saved: str = _ask(storage.save, name, content)
    return saved


@contextmanager
def compared(item: UploadItem, name: str) -> Iterator["File[bytes]"]:
    """Yield a hashed file that a storage may save; raise the file's error if its bytes differ."""
    with readable(item) as (file, _size):
        body = _Body(file, item)
        content = File(cast(Any, body), name)
        content.size = item.size or 0
        try:
            yield content
        except Exception:
            if body.failure:  # the library of the storage has words of its own for it
                raise body.failure from None
            raise


class _Body(io.RawIOBase):
    """A hashed file as a storage reads it: from its start to its end, in one go."""

    failure: SourceError | None = None

    def __init__(self, file: BinaryIO, item: UploadItem) -> None:
        self._file, self._item = file, item
        self.seek(0)

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Begin again. The body is not `seekable`: parts that are read alone cannot be compared."""
        if offset or whence != io.SEEK_SET:
            raise io.UnsupportedOperation("seek")
        self._file.seek(0)
        self._blocks, self._ready, self._at = self._compared(), bytearray(), 0
        return 0

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes; fewer only at the end, as storages take a short read for it."""
        wanted = size if size is not None and size >= 0 else None
        try:
            while wanted is None or len(self._ready) < wanted:
                self._ready += next(self._blocks)
        except StopIteration:
            pass
        except SourceError as error:
            self.failure = error
            raise
        block = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        self._at += len(block)
        return block

    def readinto(self, buffer: Any) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def _compared(self) -> Iterator[bytes]:
        """Yield the blocks, the last one only if all have the hashed bytes."""
        whole, last = hashlib.sha256(), b""
        for block in Source(self._file, self._item.size or 0, known_md5=""):
            whole.update(block)
            yield last
            last = block
        # Without its last block, a storage that takes a file whole or not at all has none: so there
        # are never other bytes under a digest.
        if whole.hexdigest() != self._item.sha256:
            text = _("%(name)r changed before it was sent", name=self._item.name)
            raise SourceChanged(text, stage="source")
        yield last
