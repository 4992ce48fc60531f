"""
What is at a key: the list, the newest row and the time, by one rule.

A list may be late (WeChat does not say by how much). A row that was stored in the last minute
therefore counts for more than a list that shows no object or an older one. Within two seconds the
list counts: the clocks of COS may differ by as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ..core.match import Known, Match, match
from ..core.naming import common_prefix
from ..core.types import DELETED_MD5, LIST, ContentHeaders, RemoteFile, UploadItem, UploadStatus
from .database import in_database, log
from .recorder import trusted_from
from .store import Store

if TYPE_CHECKING:
    from ..models import Deployment

SLACK = timedelta(seconds=2)  # between the clocks of COS
LATE = timedelta(seconds=60)  # after a PUT, when every list shows its object
OF_LISTS = (LIST, "reconcile")  # sources of rows that repeat what a list showed


class Row(NamedTuple):
    """The newest row of a key; `headers` is None if the row repeats a list, which shows none."""

    status: str
    size: int | None
    md5: str
    headers: ContentHeaders | None
    stored_at: datetime | None
    deployment_id: int | None
    sent_at: datetime | None = None  # by our clocks; None if the row repeats a list
    outranked: bool = False  # another row of the key is of a later PUT
    source: str = ""

    @property
    def is_fresh(self) -> bool:
        """Return whether a list may not show yet what this row sent."""
        return bool(self.sent_at and abs(datetime.now(UTC) - self.sent_at) < LATE)

    def is_about(self, file: RemoteFile) -> bool:
        """Return whether this row stored the listed object."""
        if self.status != UploadStatus.STORED or self.outranked:
            return False
        found = match(self, file)
        if self.stored_at and file.last_modified:
            # A younger object with the same bytes may have other headers.
            in_time = file.last_modified <= self.stored_at + SLACK
            return in_time and found is not Match.DIFFERS
        return found is Match.SAME

    def is_corrected_by(self, file: RemoteFile) -> bool:
        """Return whether the object proves this row wrong."""
        # Only a younger object does, as lists may be late.
        if self.status == UploadStatus.UNKNOWN:
            return match(self, file) is Match.SAME
        if self.status != UploadStatus.STORED or self.is_about(file):
            return False
        if self.outranked or self.stored_at is None or file.last_modified is None:
            return file.md5 not in (None, self.md5)
        younger = file.last_modified > self.stored_at + SLACK
        return younger and file.md5 != self.md5

    def is_missed_by(self, file: RemoteFile | None) -> bool:
        """Return whether the list is late: it shows no object, or one older than this row's."""
        if self.status != UploadStatus.STORED or not self.is_fresh:
            return False
        if file is None:
            return True
        at, listed_at = self.stored_at, file.last_modified
        return bool(at and listed_at and listed_at < at - SLACK)

    def file(self, key: str) -> RemoteFile:
        """Return the object that this row sent; without MD5 if a later PUT may have replaced it."""
        md5 = None if self.outranked else self.md5 or None
        return RemoteFile(key, self.size or 0, md5, self.stored_at)


Rows = dict[str, Row]
Settled = Callable[[UploadItem, RemoteFile], bool]


class Presence(NamedTuple):
    """What log and list say of a key; if it was not `listed`, the log decides alone."""

    key: str
    row: Row | None
    listing: RemoteFile | None
    listed: bool = True

    @property
    def file(self) -> RemoteFile | None:
        """Return the object; None if there is none, or it is overwritten as deleted."""
        row, file = self.row, self.listing
        if row and (row.is_missed_by(file) if self.listed else row.status != UploadStatus.FAILED):
            file = row.file(self.key)
        elif row and row.md5 == DELETED_MD5 and match(row, file) is Match.UNSURE:
            return None  # the list shows no MD5
        return None if file is None or file.md5 == DELETED_MD5 else file

    @property
    def taken_by(self) -> RemoteFile | None:
        """Return the object, or what an upload without an answer may yet store there."""
        pending = self.row and self.row.status == UploadStatus.UNKNOWN and self.row.is_fresh
        return self.file or (self.row.file(self.key) if self.row and pending else None)

    def md5_with(self, headers: ContentHeaders) -> str:
        """Return the MD5 of the object if it surely has these headers; else an empty text."""
        row, file = self.row, self.listing
        if row and row.headers not in (None, headers):
            return ""
        if not self.listed:
            certain = row and row.status == UploadStatus.STORED and not row.outranked
            return row.md5 if row and certain else ""
        if file is None or (row and not row.is_about(file)):
            return ""
        return row.md5 if row else file.md5 or ""


def compare(
    env: str, files: Mapping[str, Known], cloud: Mapping[str, RemoteFile]
) -> dict[str, Match]:
    """Compare plain files with a list; one that differs is the same if a row says: as gzip."""
    found = {key: match(file, cloud.get(key)) for key, file in files.items()}
    others = [key for key, how in found.items() if how is Match.DIFFERS]
    for key, row in (newest_rows(env, others, sent=True) or {}).items():
        if row.headers and row.headers.plain_md5 == files[key].md5:
            found[key] = match(row, cloud[key])
    return found


def settled(live: Deployment) -> Settled | None:
    """Return whether an object is surely as this live deployment left it; None if nobody knows."""
    # Where the log alone decided, or rows of a later run are missing, each object is looked up.
    if live.checked or (trusted_from(live.env) or 0) > live.pk:
        return None
    # Its own row was written after its files were compared with a list that may have been late.
    since = live.created - LATE
    rows = log().filter(env=live.env, created__gte=since).exclude(deployment=live.pk)
    newer = in_database(lambda: {*rows.values_list("key", flat=True)}, otherwise=None)
    before = since.astimezone(UTC)

    def is_as_left(item: UploadItem, file: RemoteFile) -> bool:
        older = file.last_modified is not None and file.last_modified < before
        return older and file.key not in (newer or ()) and match(item, file) is Match.SAME

    return None if newer is None else is_as_left


def look(store: Store, key: str) -> Presence:
    """Ask the list, then the log; raises what the list raises."""
    # In this order: a row that is written in between is newer than the list, and counts.
    file = find(store, key)
    return Presence(key, (newest_rows(store.env, [key], sent=True) or {}).get(key), file)


def look_at(store: Store, keys: Iterable[str]) -> dict[str, Presence]:
    """Ask the list by one call, then the log; leave out the keys beyond the page of the list."""
    wanted = sorted(keys)
    page = store.page(common_prefix(wanted), wanted[0][:-1])
    files = {file.key: marked(store, file) for file in page.files if file.key in wanted}
    reached = [key for key in wanted if page.marker is None or key <= page.marker]
    rows = newest_rows(store.env, reached, sent=True) or {}
    return {key: Presence(key, rows.get(key), files.get(key)) for key in reached}


def find(store: Store, key: str) -> RemoteFile | None:
    """Return what the list shows, deletion markers too: for worker threads, which have no log."""
    file = store.find(key)
    return marked(store, file) if file else None


def marked(store: Store, file: RemoteFile) -> RemoteFile:
    """Return the file; if it is a deletion marker, with the MD5 that lists may not show."""
    return replace(file, md5=DELETED_MD5) if store.is_deleted(file) else file


def from_log(env: str, keys: Iterable[str]) -> dict[str, Presence]:
    """Return what the log says of the keys that have a row; makes no call."""
    rows = newest_rows(env, keys) or {}
    return {key: Presence(key, row, None, listed=False) for key, row in rows.items()}


def newest_rows(env: str, keys: Iterable[str], *, sent: bool = False) -> Rows | None:
    """Return the newest row of each key, or only of what was `sent`; None without a log."""
    return in_database(lambda: _newest(env, keys, sent=sent), otherwise=None)


def _newest(env: str, keys: Iterable[str], *, sent: bool) -> Rows:
    kept, logged = cache(ContentHeaders), log()
    if sent:  # without rows that changed no object: of failures, and of what a list showed
        logged = logged.exclude(status=UploadStatus.FAILED).exclude(source__in=OF_LISTS)
    columns = (
        *("key", "status", "size", "md5", "stored_at", "deployment_id", "created"),
        *("source", "content_type", "cache_control", "other_headers"),
    )
    found, rows = logged.newest_values(env, keys, *columns), {}
    for key, status, size, md5, at, deployment, created, source, *headers, last in found:
        # Rows may be written in another order than the PUTs.
        outranked = bool(at and last > at)
        # A row that repeats a list knows no headers.
        of_object = None if source == LIST else kept(*headers)
        sent_at = None if source in OF_LISTS else aware(created)
        facts = status, size, md5, of_object, aware(at), deployment, sent_at, outranked
        rows[key] = Row(*facts, source)
    return rows


def aware(moment: datetime | None) -> datetime | None:
    """Return the moment in UTC, as lists have it, with and without USE_TZ."""
    return moment.astimezone(UTC) if moment else None
