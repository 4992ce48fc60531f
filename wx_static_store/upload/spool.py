"""
The spool: bytes of uploads that were not stored, kept for some hours to be sent again.

Their names are their MD5, as in rows of the log, in a private alias of ``STORAGES``. A spool that
fails is logged, and never fails an upload.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from django.core.files.base import File
from django.core.files.storage import Storage, storages

from ..conf import platform_options
from ..conf.release_checks import require_private
from ..core.frames import described, is_from_signal
from ..exceptions import SourceError
from ..i18n import gettext_lazy as _
from .release_storage import path_of
from .sources import digest

logger = logging.getLogger("wx_static_store.spool")


def alias() -> str:
    """Return the alias of the spool; empty if none is set."""
    return platform_options().upload_spool


def keep(file: BinaryIO, md5: str, size: int) -> None:
    """Keep the bytes of a file unless they are there."""
    with _logged("keeps nothing"):
        require_private(alias(), "UPLOAD_SPOOL")
        storage, name = _storage(), path_of(md5)
        if _is_whole(storage, name, size):
            return
        storage.delete(name)  # part of it, of a process that was killed
        content = File(file)
        content.close = lambda: None  # type: ignore[method-assign]  # some storages do
        if (saved := storage.save(name, content)) != name:  # another process was quicker
            storage.delete(saved)


def has(md5: str, size: int) -> bool:
    """Return whether the bytes are there."""
    with _logged("cannot be read"):
        return bool(alias()) and _is_whole(_storage(), path_of(md5), size)
    return False


@contextmanager
def _logged(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_from_signal(error):
            raise
        logger.warning("UPLOAD_SPOOL %s (%s)", what, described(error))


def open_spooled(md5: str) -> BinaryIO:
    """Open kept bytes and compare them with their MD5; raise SourceError if they are gone."""
    file: Any = None
    try:
        file = _storage().open(path_of(md5))
        if digest(file) == md5:
            return file  # type: ignore[no-any-return]
    except Exception as error:
        if is_from_signal(error):
            raise
    if file:
        file.close()
    text = _("The spool of uploads no longer has these bytes")
    raise SourceError(text, cause="SourceGone", stage="source")


def free(*, dry_run: bool = False) -> Iterator[int]:
    """Delete bytes that are older than UPLOAD_SPOOL_HOURS; yield the size of each file."""
    require_private(alias(), "UPLOAD_SPOOL")
    storage = _storage()
    until = time.time() - platform_options().upload_spool_hours * 3600
    for folder in storage.listdir("")[0]:
        for rest in storage.listdir(folder)[1]:
            name = f"{folder}/{rest}"
            if not re.fullmatch("[0-9a-f]{2}/[0-9a-f]{30}", name):
                continue
            if storage.get_modified_time(name).timestamp() < until:
                size = storage.size(name)
                if not dry_run:
                    storage.delete(name)
                yield size


def _storage() -> Storage:
    return storages[alias()]


def _is_whole(storage: Storage, name: str, size: int) -> bool:
    return storage.exists(name) and storage.size(name) == size
