"""Send earlier uploads again, if their bytes can be found."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import BinaryIO

from django.utils.functional import Promise

from ..conf import options_for
from ..core.match import Match, match
from ..core.refusals import EXISTS, IN_PROGRESS, User
from ..core.retry import REQUEST
from ..core.types import LIST, UploadContext, UploadItem, UploadResult
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import gettext_lazy as _
from ..models import UploadLog, WaitingFile
from ..models.columns import Now
from ..upload.claims import Claim
from ..upload.database import in_database
from ..upload.presence import look
from ..upload.recorder import Recorder
from ..upload.transfer import longest
from ..upload.uploader import Queue, Uploader
from ..upload.waiting import end_lease, finish, lease, why
from ..upload.workers import WorkerPool
from .owner import owning_alias
from .source_of import PUBLISH_IT, SourceGone, earlier_uploads, source_of, waiting_for

_NEWER = _("A newer upload of this file is in the log, and an older one must not overwrite it")
TAKE_THE_NEWER = _("Upload the newer one again if needed.")
_CHANGED = _("The file is another one by now")


@dataclass(frozen=True, slots=True)
class Ready:
    """A row whose bytes can be sent again, and the row by which they wait."""

    row: UploadLog
    item: UploadItem
    waiting: WaitingFile | None


@dataclass(frozen=True, slots=True)
class RetryResult:
    """The outcome of a retry: a `result`, a `reason` why not, or neither if time was up."""

    row: UploadLog
    result: UploadResult | None = None
    reason: WxStaticStoreError | None = None
    halted: bool = False  # not attempted: by the files before, it would fail, too

    @property
    def outcome(self) -> str:
        """``stored``, ``failed``, ``unknown``, ``gone`` or ``not attempted``."""
        if self.result:
            return self.result.status.value
        return "gone" if self.reason else "not attempted"


def newer(rows: Iterable[UploadLog]) -> dict[int, UploadLog]:
    """Return, by the id of a row, the newer row of its key, if there is one."""
    rows = [row for row in rows if row.key]
    newest = UploadLog.objects.newest_of(rows)
    lasts = {row.pk: newest.get((row.env, row.key_digest)) for row in rows}
    return {pk: last for pk, last in lasts.items() if last and last.pk != pk}


def retryable(rows: Iterable[UploadLog]) -> Iterator[Ready | RetryResult]:
    """Yield the item to send again of each row, or the reason why not; makes no call."""
    rows = list(rows)
    earlier = earlier_uploads(rows)
    for row in rows:
        try:
            item = source_of(row, earlier)
        except SourceGone as error:
            yield RetryResult(row, reason=error)
            continue
        # Headers of a row may say that its bytes were packed, which those here are not.
        if (row.md5 or row.other_headers) and item.md5 != row.md5 and not row.is_deletion:
            yield RetryResult(row, reason=SourceGone(_CHANGED, hint=PUBLISH_IT))
        else:
            yield Ready(row, item, waiting_for(row, earlier))


def why_gone(rows: Iterable[UploadLog]) -> dict[int, str | Promise]:
    """Return, by the id of a row, why its bytes cannot be sent again. Makes no call."""
    found = (one for one in retryable(rows) if isinstance(one, RetryResult))
    return {one.row.pk: one.reason.what for one in found if one.reason}


def check_rows(rows: Iterable[UploadLog]) -> Iterator[Ready | RetryResult]:
    """Yield the item or the reason of each row; an older row of a key is refused."""
    rows = list(rows)
    followed = newer(rows)
    for row in rows:
        if row.pk in followed:
            yield RetryResult(row, reason=SourceGone(_NEWER, hint=TAKE_THE_NEWER))
    yield from retryable(row for row in rows if row.pk not in followed)


def sendable_first(rows: Iterable[UploadLog], most: int) -> list[UploadLog]:
    """Return at most `most` rows: those whose bytes can be found again, then the others."""
    ready: list[UploadLog] = []
    gone: list[UploadLog] = []
    rest = iter(rows)
    while len(ready) < most and (part := [*islice(rest, most)]):
        for one in retryable(part):
            (ready if isinstance(one, Ready) else gone).append(one.row)
    return [*ready, *gone][:most]


def retry_uploads(
    rows: Iterable[UploadLog],
    user: User | None = None,
    *,
    replaces: bool = False,
    seconds: float = REQUEST,
) -> Iterator[RetryResult]:
    """
    Send the bytes of these rows again; each result is a new row, of the source ``retry``.

    Only the newest row of a key is sent, by one process at a time. Other bytes than the row's are
    overwritten only with `replaces`. No more files are started after `seconds`, or after an error
    that would repeat for all others.
    """
    until = time.monotonic() + seconds
    batches = defaultdict(list)
    for one in check_rows(rows):
        if isinstance(one, RetryResult):
            yield one
        else:
            batches[owning_alias(one.row), one.row.env].append(one)
    context = UploadContext(source="retry", user_id=user.pk if user else None)
    for (using, env), ready in batches.items():
        options = options_for(using).for_env(env)
        # Without a deadline, one file may keep the page waiting for minutes.
        options = replace(options, deadline=options.deadline or REQUEST)
        yield from _send(_Batch(Uploader(options), ready, until, replaces=replaces), context)


def _send(batch: "_Batch", context: UploadContext) -> Iterator[RetryResult]:
    uploader, recorder = batch.uploader, Recorder(context)
    with ExitStack() as stack:
        stack.callback(lambda: batch.close(written=recorder.close()))
        pool = stack.enter_context(WorkerPool(uploader.options.max_workers))
        # A file is claimed and opened when it starts: none shall then wait for another one.
        pool.capacity = pool.max_workers
        queue = Queue(uploader, batch.items())
        results = uploader.send(queue, pool, recorder)
        for result in stack.enter_context(closing(results)):
            settled = uploader.settled(result) if time.monotonic() < batch.until else result
            if settled is not result:
                recorder.add(settled, source=LIST)
            batch.files.pop(settled.key).close()
            if row := batch.leased.get(settled.key):
                recorder.write()  # first: while the cloud is away, the log says what is there
                in_database(partial(_end, row, settled), otherwise=None)
            yield RetryResult(batch.waiting.pop(settled.key).row, settled)
        for key in batch.leased.keys() & batch.waiting.keys():  # opened, and not begun
            row = batch.leased[key]
            before = {"attempts": row.attempts - 1, "maybe_public": row.maybe_public}
            in_database(partial(end_lease, row, **before), otherwise=None)
    yield from batch.refused
    yield from (RetryResult(one.row, halted=queue.halted) for one in batch.waiting.values())


class _Batch:
    """The retries at one environment: each file is claimed, checked and opened in turn."""

    def __init__(
        self, uploader: Uploader, ready: Iterable[Ready], until: float, *, replaces: bool
    ) -> None:
        self.uploader = uploader
        self.until = until
        self.waiting = {one.row.key: one for one in ready}
        self.refused: list[RetryResult] = []
        self._replaces = replaces
        self.files: dict[str, BinaryIO] = {}
        self.leased: dict[str, WaitingFile] = {}
        self._claim = Claim()

    def items(self) -> Iterator[UploadItem]:
        """Yield the items that can be opened; the others are refused, and leave no failed row."""
        for key, one in [*self.waiting.items()]:
            if time.monotonic() >= self.until:
                return
            try:
                item = self._open(one)
            except (WxStaticStoreError, OSError) as error:
                del self.waiting[key]
                if not isinstance(error, WxStaticStoreError):
                    why = type(error).__name__
                    error = SourceError(_("The file cannot be read (%(why)s)", why=why))
                self.refused.append(RetryResult(one.row, reason=error))
            else:
                yield item

    def _open(self, one: Ready) -> UploadItem:
        """Claim the key, check it, and open the file."""
        row, uploader = one.row, self.uploader
        seconds = longest(uploader.store, one.item.size or row.size or 0)
        until = time.time() + seconds  # before claim and lease, which may last no shorter
        if not self._claim.take(uploader.options, row.key, seconds):
            raise IN_PROGRESS.broken(key=row.key)
        # Only now, with the claim, no other process changes the object at the key.
        if newer([row]):
            raise SourceGone(_NEWER, hint=TAKE_THE_NEWER)
        found = None if self._replaces else look(uploader.store, row.key).file
        if found and match(row, found) is not Match.SAME:
            raise EXISTS.broken(key=row.key)
        self.files[row.key] = file = one.item.open()
        if one.waiting:
            if not lease(one.waiting, seconds):
                raise IN_PROGRESS.broken(key=row.key)
            self.leased[row.key] = one.waiting
        return replace(one.item, open=lambda: file, close=False, until=until)

    def close(self, *, written: bool) -> None:
        """Close the files; end the claims if rows are `written` that tell others what is there."""
        for file in self.files.values():
            file.close()
        if written:
            self._claim.release()


def _end(row: WaitingFile, result: UploadResult) -> None:
    """Give the row back; delete it if its bytes are stored."""
    if result.error is None:
        finish(row)
    else:
        end_lease(row, changed=Now(), **why(result, maybe_public=row.maybe_public))
