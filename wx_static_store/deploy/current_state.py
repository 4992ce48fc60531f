"""Read the current state of some thousand keys in the cloud's list and the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from ..core.match import Match, match
from ..core.types import DELETED_MD5, LIST, ContentHeaders, RemoteFile, UploadResult, UploadStatus
from ..i18n import english, gettext as _, ngettext
from ..upload.database import in_database, log
from ..upload.listing import Listing, Lookup
from ..upload.recorder import trusted_from
from ..upload.store import Store
from ..upload.workers import WorkerPool

logger = logging.getLogger("wx_static_store.deploy")

SLACK = timedelta(seconds=2)  # between the clocks of COS


class Row(NamedTuple):
    """The newest row of a key; `headers` is None if the row repeats a list, which shows none."""

    status: str
    size: int | None
    md5: str
    headers: ContentHeaders | None
    stored_at: datetime | None
    deployment_id: int | None
    outranked: bool = False  # another row of the key is of a later PUT

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
        """Return whether the object proves this row wrong; only a younger object does."""
        if self.status == UploadStatus.UNKNOWN:
            return match(self, file) is Match.SAME
        if self.status != UploadStatus.STORED or self.is_about(file):
            return False
        if self.outranked or self.stored_at is None or file.last_modified is None:
            return file.md5 not in (None, self.md5)
        younger = file.last_modified > self.stored_at + SLACK
        return younger and file.md5 != self.md5


Rows = dict[str, Row]


class CurrentState(NamedTuple):
    """The row and the listed object of a key; if it was not `listed`, the log decides alone."""

    row: Row | None
    file: RemoteFile | None
    listed: bool

    @property
    def exists(self) -> bool:
        """Return whether there is an object that is not overwritten as deleted."""
        row, there = self.row, self.file if self.listed else self.row
        return there is not None and (there.md5 or (row and row.md5)) != DELETED_MD5

    def md5_with(self, headers: ContentHeaders) -> str:
        """Return the MD5 of the object if it surely has these headers; else an empty text."""
        row, file = self.row, self.file
        if row and row.headers not in (None, headers):
            return ""
        if not self.listed:
            certain = row and row.status == UploadStatus.STORED and not row.outranked
            return row.md5 if row and certain else ""
        if file is None or (row and not row.is_about(file)):
            return ""  # a younger object with the same bytes may have other headers
        return row.md5 if row else file.md5 or ""


class PendingLookup(NamedTuple):
    """Keys that are being looked up."""

    keys: Sequence[str]
    rows: Rows
    parts: list[Future[Listing]]


class Survey:
    """
    Read the state of keys in the list and the log of an environment, some thousand at a time.

    `corrections` are results for rows that a younger object in the list proved wrong. An object
    that is older than its row corrects nothing, as lists may be late.
    """

    def __init__(
        self, store: Store, pool: WorkerPool, *, calls: int, trust_log: bool = False
    ) -> None:
        self._store = store
        self._lookup = None if trust_log else Lookup(store, pool, calls)
        self.has_log = True
        self.corrections: list[UploadResult] = []
        self._undecided = 0  # keys that the log decided, as too many calls would be needed
        self._error = ""

    def begin(self, keys: Sequence[str]) -> PendingLookup:
        """Start listing these sorted keys, and read their rows."""
        parts = self._lookup.begin(keys) if self._lookup else []
        return PendingLookup(keys, self._rows(keys), parts)

    def end(self, asked: PendingLookup) -> dict[str, CurrentState]:
        """Wait for the list; return the state of each key."""
        keys, rows = asked.keys, asked.rows
        listing = self._lookup.end(asked.parts) if self._lookup else Listing(unseen=set(keys))
        mute = {key for key, file in listing.files.items() if key in rows and not file.md5}
        if mute:  # without MD5, size and time decide: no row may be doubtful
            rows = self._mark_outranked(self._without_doubtful(rows, mute), mute)
        between = sorted(listing.files.keys() - set(keys))
        for key, row in (rows | self._rows(between)).items():
            if (file := listing.files.get(key)) and row.is_corrected_by(file):
                self.add_correction(key.removeprefix(self._store.options.location), file)
        if listing.unseen:
            self._explain(listing)
            rows = self._without_doubtful(rows, listing.unseen)
        return {
            key: CurrentState(rows.get(key), listing.files.get(key), key not in listing.unseen)
            for key in keys
        }

    def add_correction(self, name: str, file: RemoteFile) -> None:
        """Correct the log by a row on this object, as far as the list shows it."""
        self.corrections.append(
            UploadResult(
                name,
                file.key,
                UploadStatus.STORED,
                self._store.env,
                file.size,
                file.md5 or "",
                verified=True,
                stage="verify",
                stored_at=file.last_modified,
            )
        )

    def notes(self) -> list[str]:
        """Return for the report why the log decided, and not the list."""
        notes = []
        if self._error:
            notes.append(
                _("The list could not be read, so the log decided: %(why)s", why=self._error)
            )
        if self._undecided:
            text = ngettext(
                "The log decided about %(count)d file: to list it would take too many calls.",
                "The log decided about %(count)d files: to list them would take too many calls.",
                self._undecided,
            )
            notes.append(text)
        return notes

    def _rows(self, keys: Iterable[str]) -> Rows:
        rows = in_database(lambda: _newest(self._store.env, keys), otherwise=None)
        self.has_log &= rows is not None
        return rows or {}

    def _without_doubtful(self, rows: Rows, keys: set[str]) -> Rows:
        """Return the rows without those of these keys that an unfinished deployment may outdate."""
        since = trusted_from(self._store.env) or 0
        return {
            key: row
            for key, row in rows.items()
            if key not in keys or (row.deployment_id or 0) >= since
        }

    def _mark_outranked(self, rows: Rows, keys: set[str]) -> Rows:
        """Mark rows as outranked if other bytes were stored at the key in the same second."""
        alike = in_database(lambda: _same_second(self._store.env, keys), otherwise=None) or set()
        return {
            key: row._replace(outranked=row.outranked or (key, row.stored_at) in alike)
            for key, row in rows.items()
        }

    def _explain(self, listing: Listing) -> None:
        if listing.error and not self._error:
            self._error = str(listing.error)
            logger.warning("The list could not be read: %s", english(listing.error))
        elif self._lookup and not listing.error:
            self._undecided += len(listing.unseen)
            logger.warning("The log decides about %d files: too many calls", len(listing.unseen))


def _newest(env: str, keys: Iterable[str]) -> Rows:
    kept = cache(ContentHeaders)
    columns = (
        *("key", "status", "size", "md5", "stored_at", "deployment_id"),
        *("source", "content_type", "cache_control"),
    )
    rows = {}
    for (
        key,
        status,
        size,
        md5,
        at,
        deployment,
        source,
        *headers,
        last,
    ) in log().newest_values(env, keys, *columns):
        outranked = bool(at and last > at)  # rows may be written in another order than the PUTs
        of_object = None if source == LIST else kept(*headers)
        rows[key] = Row(status, size, md5, of_object, _aware(at), deployment, outranked)
    return rows


def _same_second(env: str, keys: Iterable[str]) -> set[tuple[str, datetime | None]]:
    from ..models import key_digest

    by_digest = {key_digest(key): key for key in keys}
    pairs = log().stored_in_the_same_second(env, list(by_digest))
    return {(by_digest[digest], _aware(moment)) for digest, moment in pairs}


def _aware(moment: datetime | None) -> datetime | None:
    """Return the moment in UTC, as lists have it, with and without USE_TZ."""
    return moment.astimezone(UTC) if moment else None
