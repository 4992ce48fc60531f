"""Find the bytes of an earlier upload: on this machine, waiting, or on the public site."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import storages

from ..conf.options import STATIC
from ..conf.settings import aliases, options_for
from ..core.hashed_names import looks_hashed
from ..core.types import DEPLOYS, IMPORT, REPEATS, UploadItem, UploadStatus, deletion
from ..exceptions import SourceError
from ..i18n import gettext_lazy as _
from ..models import UploadLog, WaitingFile
from ..upload.parked import rows_at
from ..upload.sources import IN_MEMORY, digest
from ..upload.store import get_store
from ..upload.waiting import open_row
from .owner import owning_alias

Key = tuple[str, str]  # the environment, and the digest of the key
Earlier = tuple[Mapping[Key, UploadLog], Mapping[Key, UploadLog], Mapping[Key, WaitingFile]]

PUBLISH_IT = _("Run collectstatic again: it publishes what is there now.")

# Why there are no bytes, and what to do, by the source of the row.
# An entry is read as one.
# fmt: off
_DEPLOYED = (
    _("The folder that was deployed is not known here, and STATIC_ROOT has no such bytes"),
    _("Deploy it again."))
_GONE = dict.fromkeys(DEPLOYS, _DEPLOYED) | {
    "collectstatic": (
        _("The file is neither in STATIC_ROOT nor with a finder any more"), PUBLISH_IT),
    "admin": (
        _("The bytes came from a browser, and what was sent is not kept"),
        _("Upload the file again.")),
    IMPORT: (
        _("The bytes are in the storage from which they were imported"),
        _("Run wx_import_media again.")),
    "api": (
        _("The bytes came through the API, and what was sent is not kept"),
        _("Send the file again.")),
}
_KEPT_NOWHERE = (
    _("The bytes came from a program that has ended, and what was sent is not kept"),
    _("Save the file again where it came from."))
_NO_STORE = (
    _("No store in STORAGES writes to this key any more"),
    _("Look at location and env in the OPTIONS of your storages."))
_NO_KEY = (
    _("No object can have this name"), _("Rename the file, and upload it under the new name."))
# fmt: on
_OTHER_BYTES = _("The public site serves other bytes by now, or none")
_NEWER_WAITS = (_("A newer file waits under this name"), _("It will be public once it is sent."))


class SourceGone(SourceError):
    """The bytes of this row cannot be had again, or must not be sent."""


def earlier_uploads(rows: Sequence[UploadLog]) -> Earlier:
    """Return the first uploads of repeated rows, what was stored for failed ones, what waits."""
    log = UploadLog.objects.all()
    first = log.exclude(source__in=REPEATS).newest_of(r for r in rows if r.source in REPEATS)
    failed = (row for row in rows if row.status == UploadStatus.FAILED)
    return first, log.filter(status=UploadStatus.STORED).newest_of(failed), rows_at(rows)


def waiting_for(row: UploadLog, earlier: Earlier) -> WaitingFile | None:
    """Return the waiting file with the row's bytes; raises SourceGone if newer bytes wait."""
    found = earlier[2].get((row.env, row.key_digest))
    if found and found.md5 != row.md5 and found.created > row.created:
        raise _gone(_NEWER_WAITS)
    return found if found and found.md5 == row.md5 else None


def source_of(row: UploadLog, earlier: Earlier | None = None) -> UploadItem:
    """
    Return the row's file as an item to send again; raises SourceGone.

    The item has the row's `md5`, or None if the file is newer. Only opening the item asks the
    public site, and may then raise SourceGone, too.
    """
    if not owning_alias(row):
        raise _gone(_NO_STORE if row.key else _NO_KEY)
    earlier, key = earlier or earlier_uploads([row]), (row.env, row.key_digest)
    first, stored, waiting = earlier[0].get(key), earlier[1].get(key), waiting_for(row, earlier)
    # Of a repetition, that of the upload before any retry.
    source = row.source if row.source not in REPEATS else first.source if first else ""
    item = (
        deletion(row.name)
        if row.is_deletion
        else _local_item(row, source) or _kept_item(row, source, stored, waiting)
    )
    if item is None:
        raise _gone(_GONE.get(source, _KEPT_NOWHERE))
    return replace(item, source_ref=f"row {row.pk}")


def _gone(why: tuple[Any, Any]) -> SourceGone:
    return SourceGone(why[0], hint=why[1])


def _item(
    row: UploadLog, source: str, opener: Callable[[], Any], size: int | None, md5: str | None
) -> UploadItem:
    """Return the item to send again."""
    return UploadItem(
        row.name,
        open=opener,
        size=size,
        md5=md5,
        hashed=looks_hashed(row.name),
        # A deploy may have set these by rules of its own, which only the row still knows.
        content_type=(row.content_type or None) if source in DEPLOYS else None,
        cache_control=(row.cache_control or None) if source in DEPLOYS else None,
        other_headers=row.other_headers,
    )


# --- on this machine ---------------------------------------------------------------------------


def _local_item(row: UploadLog, source: str) -> UploadItem | None:
    # Several files may have this name: only the right bytes prove that one is the file.
    static = list(_static_paths(row.name))
    for path in static:
        if _has_bytes_of(row, path):
            return _item(row, source, partial(open, path, "rb"), row.size, row.md5)
    # Here alone other bytes than the row's may be sent: collectstatic would publish them, too.
    if static and source == "collectstatic":
        size = os.path.getsize(static[0])
        return _item(row, source, partial(open, static[0], "rb"), size, None)
    return None


def _has_bytes_of(row: UploadLog, path: str) -> bool:
    with suppress(OSError):
        if row.md5 and row.size in (None, os.path.getsize(path)):
            with open(path, "rb") as file:
                return digest(file) == row.md5
    return False


def _static_paths(name: str) -> Iterator[str]:
    """Yield the file in STATIC_ROOT, then the one that a finder finds."""
    for alias in aliases():
        with suppress(ImproperlyConfigured, SuspiciousFileOperation, ValueError):
            path = storages[alias].path(name) if options_for(alias).kind == STATIC else ""
            if os.path.isfile(path):
                yield path
    with suppress(SuspiciousFileOperation, ImproperlyConfigured):
        if found := finders.find(name):
            yield str(found)


# --- waiting, and on the public site -----------------------------------------------------------


def _kept_item(
    row: UploadLog, source: str, stored: UploadLog | None, waiting: WaitingFile | None
) -> UploadItem | None:
    if waiting:
        opener: Callable[[], Any] = partial(open_row, waiting)
    elif row.md5 and (row.status != UploadStatus.FAILED or (stored and stored.md5 == row.md5)):
        # By the log, the site may serve these bytes.
        opener = partial(_fetch, row, source)
    else:
        return None
    return _item(row, source, opener, row.size, row.md5)


def _fetch(row: UploadLog, source: str) -> BinaryIO:
    file: Any = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 -- whoever opens the item closes it
    try:
        if (
            not get_store(owning_alias(row), row.env).fetch(row.key, file)
            or digest(file) != row.md5
        ):
            raise _gone((_OTHER_BYTES, _GONE.get(source, _KEPT_NOWHERE)[1]))
    except BaseException:
        file.close()
        raise
    return file  # type: ignore[no-any-return]
