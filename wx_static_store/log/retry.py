"""Earlier uploads, sent again: which of them, and how each fared."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ..conf import options_for
from ..conf.options import Options
from ..core.refusals import EXISTS, IN_PROGRESS
from ..core.types import LIST, UploadContext, UploadItem, UploadResult, UploadStatus
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import gettext_lazy as _
from ..models import UploadLog, UploadLogQuerySet
from ..upload.claims import claim, release
from ..upload.recorder import Recorder
from ..upload.store import INTERACTIVE_SECONDS
from ..upload.uploader import Queue, Uploader
from ..upload.workers import WorkerPool
from .owner import owning_alias
from .source_of import SourceGone, source_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = [
    "Ready",
    "RetryResult",
    "SourceGone",
    "Waiting",
    "failed_rows",
    "retry_uploads",
    "source_of",
    "waiting",
]

SECONDS = 60.0  # in which files are begun; whoever waits for a page waits for the last of them, too
WALKED = 2000  # failed rows that are looked at, at most
_BAD = (UploadStatus.FAILED.value, UploadStatus.UNKNOWN.value)

_NEWER = _("A newer upload of this file is in the log, and an older one must not overwrite it")
_TAKE_THE_NEWER = _("Upload that one again, if need be.")
_CHANGED = _("The file is another one by now")
_PUBLISH_IT = _("Run collectstatic again: it publishes what is there now.")


@dataclass(frozen=True, slots=True)
class Ready:
    """What can be sent again."""

    row: UploadLog
    item: UploadItem


@dataclass(frozen=True, slots=True)
class RetryResult:
    """How a row fared: its `result`, the `reason` why not, or neither where no time was left."""

    row: UploadLog
    result: UploadResult | None = None
    reason: WxStaticStoreError | None = None

    @property
    def outcome(self) -> str:
        """``stored``, ``failed``, ``unknown``, ``gone`` or ``not attempted``."""
        if self.result:
            return self.result.status.value
        return "gone" if self.reason else "not attempted"


class Waiting(NamedTuple):
    """Of the uploads that failed: what can be sent, what cannot, and whether there may be more."""

    ready: list[Ready]
    refused: list[RetryResult]
    more: bool


def waiting(rows: UploadLogQuerySet, most: int) -> Waiting:
    """The newest `most` that can be sent again, and what is as new and cannot."""
    failed, more = failed_rows(rows)
    rest, found = iter(failed), Waiting([], [], more)
    for one in map(_retryable, rest):
        if isinstance(one, RetryResult):
            found.refused.append(one)
            continue
        found.ready.append(one)
        if len(found.ready) == most:
            break
    return found._replace(more=more or next(rest, None) is not None)


def failed_rows(rows: UploadLogQuerySet) -> tuple[list[UploadLog], bool]:
    """The newest of these that failed and were not followed by another; whether more may exist."""
    # Each status apart: then the index gives the newest, and nothing is sorted or scanned.
    each = (rows.filter(status=status).order_by("-id")[: WALKED + 1] for status in _BAD)
    walked = sorted(chain.from_iterable(each), key=lambda row: -row.pk)[: WALKED + 1]
    followed = _followed(walked)
    return [row for row in walked if row.pk not in followed], len(walked) > WALKED


def _followed(rows: Iterable[UploadLog]) -> set[int]:
    """The ids of those that are not the newest row of their key; a refused name has none."""
    by_env = defaultdict(list)
    for row in rows:
        if row.key:
            by_env[row.env].append(row)
    newest = {env: UploadLog.objects.newest(env, [r.key for r in of]) for env, of in by_env.items()}
    return {
        row.pk
        for env, of in by_env.items()
        for row in of
        if (last := newest[env].get(row.key)) and last.pk != row.pk
    }


def _retryable(row: UploadLog) -> Ready | RetryResult:
    """It can be sent again, or it cannot, with the reason. Asks nobody on the network."""
    try:
        item = source_of(row)
    except SourceGone as error:
        return RetryResult(row, reason=error)
    if row.md5 and item.md5 != row.md5 and not row.is_deletion:
        return RetryResult(row, reason=SourceGone(_CHANGED, hint=_PUBLISH_IT))
    return Ready(row, item)


def retry_uploads(
    rows: Iterable[UploadLog],
    user: AbstractBaseUser | AnonymousUser | None = None,
    *,
    seconds: float = SECONDS,
) -> Iterator[RetryResult]:
    """
    Send the bytes of these rows again; each result is a new row, of the source ``retry``.

    Only the newest row of a key counts, and one at a time sends it. A `user` without the permission
    ``replace`` replaces no other bytes in the cloud than the row's. No more files are begun after
    `seconds`, or after an error that says that all others would fail alike.
    """
    until = time.monotonic() + seconds
    batches, rows = defaultdict(list), list(rows)
    followed = _followed(rows)
    for row in rows:
        if row.pk in followed:
            yield RetryResult(row, reason=_followed_by_another())
        elif isinstance(one := _retryable(row), RetryResult):
            yield one
        else:
            batches[owning_alias(row), row.env].append(one)
    context = UploadContext(source="retry", user_id=user.pk if user else None)
    replaces = user is None or EXISTS.lifted(user)
    for (using, env), batch in batches.items():
        yield from _send(_uploader(using, env), batch, context, until, replaces=replaces)


def _followed_by_another() -> SourceGone:
    return SourceGone(_NEWER, hint=_TAKE_THE_NEWER)


def _uploader(using: str, env: str) -> Uploader:
    """One that keeps no page waiting for minutes with a file."""
    options = options_for(using).for_env(env)
    return Uploader(replace(options, deadline=options.deadline or INTERACTIVE_SECONDS))


def _send(
    uploader: Uploader,
    batch: Sequence[Ready],
    context: UploadContext,
    until: float,
    *,
    replaces: bool,
) -> Iterator[RetryResult]:
    waiting = {one.row.key: one for one in batch}
    files: dict[str, BinaryIO] = {}
    free: set[str] = set()  # claimed keys that others may have as soon as their rows are written
    refused: list[RetryResult] = []

    def items() -> Iterator[UploadItem]:
        """Opened here, so that what cannot be opened is a reason and not one more failed row."""
        for one in batch:
            if time.monotonic() >= until:
                return
            try:
                _claim(uploader, one.row)
                free.add(one.row.key)
                _check(uploader, one.row, replaces=replaces)
                files[one.row.key] = file = one.item.open()
            except (WxStaticStoreError, OSError) as error:
                refused.append(RetryResult(waiting.pop(one.row.key).row, reason=_as_reason(error)))
            else:
                free.discard(one.row.key)
                yield replace(one.item, open=lambda file=file: file, close=False)  # type: ignore[misc]

    with ExitStack() as stack:
        stack.callback(_release_all, uploader.options, free)
        stack.callback(lambda: [file.close() for file in files.values()])
        refs = {one.row.key: f"row {one.row.pk}" for one in batch}  # what each of them repeats
        recorder = Recorder(context, refs)
        stack.callback(recorder.close)
        pool = stack.enter_context(WorkerPool(uploader.options.max_workers))
        results = uploader.send(Queue(uploader, items()), pool, recorder)
        for result in stack.enter_context(closing(results)):
            files.pop(result.key).close()
            if time.monotonic() < until and (settled := uploader.settled(result)) is not result:
                result = settled
                recorder.add(result, source=LIST)
            if result.status is not UploadStatus.UNKNOWN:
                free.add(result.key)
            yield RetryResult(waiting.pop(result.key).row, result)
    yield from refused
    yield from (RetryResult(one.row) for one in waiting.values())


def _claim(uploader: Uploader, row: UploadLog) -> None:
    if not claim(uploader.options, row.key):
        raise IN_PROGRESS.broken(key=row.key)


def _release_all(options: Options, keys: Iterable[str]) -> None:
    for key in keys:
        release(options, key)


def _check(uploader: Uploader, row: UploadLog, *, replaces: bool) -> None:
    """Raise why the row must not be sent: only now nobody else changes what is there."""
    if _followed([row]):
        raise _followed_by_another()
    if not replaces:
        found = uploader.store.find(row.key)
        if found and found.md5 != row.md5:
            raise EXISTS.broken(key=row.key)


def _as_reason(error: Exception) -> WxStaticStoreError:
    if isinstance(error, WxStaticStoreError):
        return error
    return SourceError(_("The file cannot be read (%(why)s)", why=type(error).__name__))
