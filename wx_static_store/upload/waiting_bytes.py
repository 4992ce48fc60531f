"""The bytes of waiting files, each under the token of its content, in WAITING_STORAGE."""

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path
from socket import gethostname
from typing import Any, BinaryIO
from uuid import uuid4

from django.core.files.storage import FileSystemStorage, Storage, storages

from ..conf import platform_options
from ..core.frames import described, is_from_signal
from ..core.types import UploadItem
from ..exceptions import SourceError
from ..i18n import gettext_lazy as _
from .release_storage import compared, path_of
from .sources import digest, fingerprint

logger = logging.getLogger("wx_static_store.waiting")

FOLDER = "waiting/"


def bytes_storage() -> Storage:
    return storages[platform_options().waiting_storage]


def path_for(token: str) -> str:
    return FOLDER + path_of(token)


def write_bytes(item: UploadItem) -> dict[str, Any]:
    """Write the bytes, and return the columns that name them; leave nothing if that fails."""
    item, storage, token = fingerprint(item), bytes_storage(), uuid4().hex
    try:
        with compared(item, path := path_for(token)) as content:
            saved = storage.save(path, content)
        if saved != path:
            storage.delete(saved)
            raise OSError(_("WAITING_STORAGE gave the file another name: %(name)s", name=saved))
        if isinstance(storage, FileSystemStorage):
            _sync(storage.path(path))
    except BaseException:
        free_bytes(token)
        raise
    return {"token": token, "size": item.size, "md5": item.md5, "sha256": item.sha256}


def _sync(path: str) -> None:
    """Let the disk have the file, and the folders that name it, before a row does."""
    with open(path, "r+b") as file:  # Windows syncs no file that was opened to read
        os.fsync(file.fileno())
    for folder in Path(path).parents[:3]:
        with suppress(OSError):  # Windows opens no folder, and some network disks sync none
            number = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


def open_bytes(token: str, sha256: str) -> BinaryIO:
    """Open the bytes and compare them; raise SourceError, ``SourceGone`` if they are not here."""
    file, whole, cause = None, hashlib.sha256(), "SourceGone"
    text = _("The waiting bytes are not on %(machine)s", machine=gethostname())
    try:
        file = bytes_storage().open(path_for(token))
        digest(file, lambda: None, whole)  # type: ignore[arg-type]
        if whole.hexdigest() == sha256:
            return file  # type: ignore[return-value]
    except FileNotFoundError:
        pass
    except Exception as error:
        if is_from_signal(error):
            raise
        text, cause = _("The waiting files cannot be read (%(why)s)", why=described(error)), ""
    if file:
        file.close()
    raise SourceError(text, cause=cause, stage="source")


def free_bytes(token: str) -> None:
    """Delete the bytes; if that fails, `sweep` deletes them some day."""
    try:
        bytes_storage().delete(path_for(token))
    except Exception as error:
        if is_from_signal(error):
            raise
        logger.warning("WAITING_STORAGE cannot delete (%s)", described(error))
