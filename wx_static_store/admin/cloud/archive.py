"""Chosen files of the cloud as one archive, made while it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.utils.translation import get_language, override

from ...core.budget import REQUEST
from ...core.types import DELETED_MD5, RemoteFile
from ...exceptions import IntegrityError, WxStaticStoreError
from ...i18n import gettext_lazy as _, labelled
from ...upload.sources import BLOCK, IN_MEMORY, digest
from ...upload.store import Store
from ..labels import Text, sentence

MOST_BYTES = 200 * 2**20
FAILED = "not-in-this-archive.txt"

_GONE = _("The public site has no such file.")
_LATE = _("The time was up before this file. Download fewer files at a time.")
_OTHER_BYTES = IntegrityError(
    _("The public site serves other bytes than are stored"),
    stage="verify",
    hint=_("A CDN may serve the old file for some minutes; try again then."),
)


def zip_files(
    store: Store, files: Iterable[RemoteFile], *, seconds: float = REQUEST.share(0.6)
) -> Iterator[bytes]:
    """Yield an archive of the files; a text file in it says which files are missing, and why."""
    # Now, not in the generator: it runs after the middleware has reset the language.
    language, until = get_language(), time.monotonic() + seconds
    return _blocks(store, files, until, partial(override, language))


def _blocks(
    store: Store, files: Iterable[RemoteFile], until: float, in_language: Any
) -> Iterator[bytes]:
    lacking, names = list[str](), set[str]()
    sink: Any = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for file in files:
            with SpooledTemporaryFile(IN_MEMORY) as body:
                if why := _LATE if time.monotonic() > until else _fetch(store, file, body):
                    with in_language():
                        why = sentence(why) if isinstance(why, WxStaticStoreError) else str(why)
                        lacking.append(labelled(file.key, why))
                    continue
                # A name from the cloud must not lead out of the folder where it is unpacked.
                name = file.key.rpartition("/")[2].replace("\\", "_")
                names.add(name := "_" if name in ("", ".", "..") else name)
                with archive.open(_entry(name, file), "w") as entry:
                    while block := body.read(BLOCK):
                        entry.write(block)
                        yield sink.take()
        if lacking:
            name = FAILED
            while name in names:
                name = f"_{name}"
            archive.writestr(name, "\n".join([*lacking, ""]))
    yield sink.take()


def _fetch(store: Store, file: RemoteFile, body: Any) -> Text | WxStaticStoreError | None:
    """Write the public bytes to `body`; return what is wrong with them, if anything."""
    try:
        if not store.fetch(file.key, body):
            return _GONE
    except WxStaticStoreError as error:
        return error
    md5 = digest(body)
    if md5 == DELETED_MD5 and file.md5 != md5:
        return _GONE
    return None if file.md5 in (None, md5) else _OTHER_BYTES


def _entry(name: str, file: RemoteFile) -> ZipInfo:
    entry = ZipInfo(name)
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    if file.last_modified and file.last_modified.year >= 1980:  # the format knows no older ones
        entry.date_time = file.last_modified.astimezone(UTC).timetuple()[:6]
    return entry


class _Sink:
    """A file without seek() for the archive: blocks that were taken are not kept."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._blocks.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Do nothing: `take` returns all that was written."""

    def take(self) -> bytes:
        blocks, self._blocks = self._blocks, []
        return b"".join(blocks)
