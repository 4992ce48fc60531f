"""
Send what waits: one process at a time sends a row, as long as its lease lasts.

Who was stopped for longer than its lease sends nothing more: another process may have sent the row,
and newer bytes after it. Each lease has a number, and a row is given back by that number only.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial

from django.db import Error, transaction
from django.db.models import Count, Min, QuerySet

from ..conf import Options, platform_options
from ..conf.offered import at_home
from ..conf.release_checks import require_private
from ..core.match import Match, match
from ..core.types import (
    IMPORT,
    RemoteFile,
    UploadContext,
    UploadItem,
    UploadResult,
    UploadStatus,
    deletion,
)
from ..exceptions import ConfigurationError, SourceError, WxStaticStoreError
from ..i18n import english, gettext_lazy as _, gettext_noop
from ..models import WaitingFile
from ..models.columns import Now
from .platform import platform_notes
from .presence import SLACK, Presence, Row, find, newest_rows
from .recorder import Recorder, record_one
from .store import INTERACTIVE_SECONDS, Store
from .transfer import Transfer, longest
from .uploader import SAME_FAILURES, Uploader
from .waiting import (
    DELETE,
    DUE,
    IS_FREE,
    PARKED,
    end_lease,
    finish,
    lease,
    note_away,
    note_back,
    open_row,
    rows,
    waits,
    why,
)
from .workers import WorkerPool

logger = logging.getLogger("wx_static_store.waiting")

NOTED_SECONDS = 600.0  # after these, nobody knows of a push any more
TRIES = 20  # some two hours and a half; then a row that fails while others are sent is parked
PAUSE, LONGEST_PAUSE = 5.0, 600.0  # seconds until the next try; the pause doubles
Found = RemoteFile | WxStaticStoreError | None
_taken = partial(SourceError, cause="waiting.taken", stage="name")


def push(seconds: float = 60.0, counts: Counter[str] | None = None) -> Counter[str]:
    """
    Send what is due, and begin nothing more after some seconds; return what became of how many.

    ``stored``, ``deleted``, ``parked`` (they need a person), ``failed`` (they are due again later),
    ``elsewhere`` (of unknown stores and environments). An error of one store is raised at the end.
    """
    with transaction.atomic(using=rows().db, durable=True):
        pass  # a lease that is not committed keeps nobody away
    platform_notes(platform_options()).write("push", 1, NOTED_SECONDS)
    require_private(platform_options().waiting_storage, "WAITING_STORAGE")
    until, counts = time.monotonic() + seconds, Counter[str]() if counts is None else counts
    failure: WxStaticStoreError | None = None
    places = due().values_list("using", "env").annotate(count=Count("id"), first=Min("next_at"))
    for using, env, count, _first in [*places.order_by("first")]:
        try:
            if options := at_home(using, env):
                options = replace(options, deadline=options.deadline or INTERACTIVE_SECONDS)
                _push(options, using, until, counts)
            else:
                counts["elsewhere"] += count
        except WxStaticStoreError as error:
            failure = failure or error
    if failure:
        raise failure
    return counts


def due() -> QuerySet[WaitingFile]:
    """Return the rows that may be sent now."""
    return rows().filter(IS_FREE, state=DUE, next_at__lte=Now())


def _push(options: Options, using: str, until: float, counts: Counter[str]) -> None:
    uploader = Uploader(options)
    with WorkerPool(options.max_workers) as pool:
        pool.capacity = pool.max_workers  # a row that waits for a worker would use up its lease
        steps = _Steps(uploader, using, pool, until, counts)
        try:
            for _result in uploader.send(steps, pool, _NoRows(UploadContext("push"))):
                pass
        finally:
            steps.give_back()


class _NoRows(Recorder):
    """Record nothing: the step does, before the row goes, and only what has ended."""

    def add(self, result: UploadResult, *, source: str = "") -> None:
        """Do nothing."""


class _Steps:
    """The rows of one store, claimed some at a time; their results change or end them."""

    def __init__(
        self, uploader: Uploader, using: str, pool: WorkerPool, until: float, counts: Counter[str]
    ) -> None:
        self._uploader, self._pool, self._counts = uploader, pool, counts
        self._using, self._until = using, until
        self._claimed, self._begun = dict[str, WaitingFile](), dict[str, WaitingFile]()  # by name
        self._there = set[str]()  # keys whose object has the bytes already
        self._ready = deque[UploadItem]()
        self._halted = self._is_well = self._is_broken = False
        self._failed_in_a_row = 0

    # --- what to send ----------------------------------------------------------------------------

    def next_item(self) -> UploadItem | None:
        while not (self._ready or self._halted or time.monotonic() >= self._until):
            if not self._claim_some():
                return None
        if not self._ready or self._halted:
            return None
        item = self._ready.popleft()
        self._begun[item.name] = self._claimed.pop(item.name)
        return item

    def _claim_some(self) -> bool:
        """Claim some rows and decide what to do with each; return whether any was due."""
        place = due().filter(using=self._using, env=self._uploader.env)
        # Who was stopped for longer than its lease may still send them.
        place = place.exclude(name__in=[*self._begun])
        found = [*place.order_by("next_at", "id")[: self._pool.max_workers]]
        seconds = longest(self._uploader.store, max((row.size for row in found), default=0))
        until = time.time() + seconds
        if claimed := [row for row in found if self._claim(row, seconds)]:
            self._decide(claimed, until)
        return bool(found)

    def _claim(self, row: WaitingFile, seconds: float) -> bool:
        """Lease the row; return whether it is ours."""
        if self._uploader.key(row.name) != row.key:  # the store has another location by now
            rows().filter(pk=row.pk).update(next_at=Now() + timedelta(seconds=LONGEST_PAUSE))
            self._counts["elsewhere"] += 1
            return False
        if ours := lease(row, seconds):  # else another process was quicker
            self._claimed[row.name] = row
        return ours

    def _decide(self, claimed: list[WaitingFile], until: float) -> None:
        """Ask what is at the keys, and end the rows or make them ready, until the run halts."""
        store, keys = self._uploader.store, [row.key for row in claimed]
        found = dict(self._pool.run(lambda key: (key, _found(store, key)), keys))
        sent = newest_rows(store.env, keys, sent=True)
        self._halted |= sent is None  # who cannot read the log might overwrite newer bytes
        for row in claimed:
            if self._halted or sent is None:
                return
            if item := self._item(row, found[row.key], sent.get(row.key)):
                self._ready.append(replace(item, until=until))
            else:
                del self._claimed[row.name]

    def _item(self, row: WaitingFile, file: Found, logged: Row | None) -> UploadItem | None:
        """Return what to send for the row; None if it ends here."""
        opener = partial(open_row, row)
        item = UploadItem(row.name, opener, row.size, md5=row.md5, source_ref=row.source_ref)
        if isinstance(file, WxStaticStoreError):
            self._fail(row, self._uploader.failed(item, file), file)
            return None
        found = Presence(row.key, logged, file)
        same = match(row, found.file)
        self._there.update([row.key] if same is Match.SAME else [])
        if _is_older(row, found, self._uploader.options):
            self._park(row, self._uploader.failed(item, _taken()))
        elif row.kind == DELETE:
            # In an outage the log alone decides: it must not show what the list does not.
            if found.taken_by or found._replace(listed=False).file or row.replaces:
                return deletion(row.name)
            self._end(row, "deleted")
        elif row.replaces or same is Match.MISSING or (same is Match.UNSURE and row.maybe_public):
            return item
        elif same is Match.SAME:  # the process that sent it was killed, or the database restored
            self._store(row, self._uploader.waiting(item))
        else:
            self._park(row, self._uploader.failed(item, _taken()))
        return None

    # --- what came of it -------------------------------------------------------------------------

    def on_result(self, result: UploadResult) -> bool:
        try:
            self._take(self._begun.pop(result.name), result)
        except Error:  # the first one breaks the run off; it costs no other file its result
            if self._is_broken:
                return True
            self._is_broken = True
            raise
        return self._halted

    def _take(self, row: WaitingFile, result: UploadResult) -> None:
        """Change or end the row by its result."""
        if (error := result.error) is None:
            self._is_well, self._failed_in_a_row = True, 0
            if note_back(self._uploader.options):
                rows().filter(env=row.env, state=DUE).update(next_at=Now())
            self._store(row, result)
        elif isinstance(error, SourceError) and row.key in self._there:
            self._store(row, result)
        elif error.cause == "interrupted" and result.status is UploadStatus.UNKNOWN:
            self._counts["failed"] += 1  # its PUT may still be under way: the lease goes on
        else:
            self._fail(row, result, error)

    def _fail(self, row: WaitingFile, result: UploadResult, error: WxStaticStoreError) -> None:
        """Let the row be due again later, or leave it to a person."""
        is_gone, again = error.cause == "SourceGone", waits(error)
        # While nothing else is stored either, it is an outage, and no person could do more.
        alone = again and self._is_well and not error.stops_batch
        is_last = row.attempts >= TRIES and (alone or is_gone)
        if is_last or not (again or isinstance(error, SourceError)):
            self._park(row, result)
        elif self._put_off(row, result, error) and not is_gone:  # another machine may have it
            self._failed_in_a_row += 1
            most = SAME_FAILURES if self._is_well and again else 1  # 1: WAITING_STORAGE is away
            self._halted |= error.stops_batch or self._failed_in_a_row >= most

    def _put_off(self, row: WaitingFile, result: UploadResult, error: WxStaticStoreError) -> bool:
        """Let the row be due again later; return whether it is still ours."""
        pause = timedelta(seconds=min(LONGEST_PAUSE, PAUSE * 2.0 ** min(row.attempts - 1, 10)))
        later = {"next_at": Now() + pause}
        if ours := end_lease(row, **later, **why(result, maybe_public=row.maybe_public)):
            self._counts["failed"] += 1
            logger.warning(gettext_noop("%s waits on: %s"), ascii(row.key), english(error))
            if waits(error) and error.cause != "interrupted":
                note_away(self._uploader.options, error)
        return ours

    def _park(self, row: WaitingFile, result: UploadResult) -> None:
        """Leave the row to a person, with a row in the log that says why."""
        facts = why(result, maybe_public=row.maybe_public)
        if end_lease(row, state=PARKED, changed=Now(), **facts):
            record_one(result, _context(row))
            self._counts["parked"] += 1

    def _store(self, row: WaitingFile, result: UploadResult) -> None:
        since = f"{row.created.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        note = _("It waited since %(time)s (UTC)", time=since)
        # First: while the cloud is away, the log alone says what is there. Else a later push does.
        stored = replace(result, status=UploadStatus.STORED, error=None, stage="", note=note)
        if record_one(stored, _context(row)) is None:
            self._counts["failed"], self._halted = self._counts["failed"] + 1, True
        else:
            self._end(row, "deleted" if row.kind == DELETE else "stored")

    def _end(self, row: WaitingFile, how: str) -> None:
        self._counts[how] += 1
        finish(row)

    # --- the end ---------------------------------------------------------------------------------

    def halt(self) -> None:
        self._halted = True

    def on_cancelled(self) -> None:
        """Do nothing: `give_back` knows what has no result."""

    def on_tick(self, under_way: Collection[Transfer]) -> None:
        """Do nothing: nobody watches."""

    def give_back(self) -> None:
        """Let others send what was claimed and not begun."""
        for row in self._claimed.values():
            end_lease(row, attempts=row.attempts - 1, maybe_public=row.maybe_public)


def _found(store: Store, key: str) -> Found:
    """Return what the list shows, or its error; raise an error of the settings."""
    try:
        return find(store, key)
    except WxStaticStoreError as error:
        if isinstance(error, ConfigurationError) and error.errcode is None:
            raise
        return error


def _is_older(row: WaitingFile, found: Presence, options: Options) -> bool:
    """Return whether other bytes came past the storage after the row was written."""
    logged, since = found.row, row.created.astimezone(UTC) + SLACK
    if logged is None or logged.md5 in (row.md5, row.earlier_md5):
        return False
    # What such a storage or an import saves waits behind the row: the row of the log is older.
    if options.wait != "never" and logged.source in ("storage", "delete", IMPORT):
        return False
    return bool(logged.sent_at and logged.sent_at > since)


def _context(row: WaitingFile) -> UploadContext:
    return UploadContext(row.source, row.source_ref, row.user_id)
