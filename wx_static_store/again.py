"""Earlier uploads, sent again: which of them, and how each fared."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from .conf import options_for
from .exceptions import SourceError, WxStaticStoreError
from .models import UploadLog, UploadLogQuerySet
from .pool import WorkerPool
from .recorders import Recorder
from .reopen import SourceGone, keeper, reopened
from .store import INTERACTIVE_SECONDS
from .texts import gettext_lazy as _
from .transfers import UploadContext, UploadItem, UploadResult, UploadStatus
from .uploader import Queue, Uploader

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = [
    "Again",
    "Ready",
    "SourceGone",
    "Waiting",
    "failed_rows",
    "reopened",
    "upload_again",
    "waiting",
]

SECONDS = 60.0  # in which files are begun; whoever waits for a page waits for the last of them, too
WALKED = 2000  # failed rows that are looked at, at most
_BAD = (UploadStatus.FAILED.value, UploadStatus.UNKNOWN.value)

_NEWER = _("A newer upload of this file is in the log, and an older one must not overwrite it")
_TAKE_THE_NEWER = _("Upload that one again, if need be.")


@dataclass(frozen=True, slots=True)
class Ready:
    """What can be sent again."""

    row: UploadLog
    item: UploadItem

    @property
    def newer(self) -> bool:
        """Whether it is the file as it is now, which is not what the row tells of."""
        return bool(self.row.md5) and self.item.md5 != self.row.md5


@dataclass(frozen=True, slots=True)
class Again:
    """How a row fared: its `result`, the `reason` why not, or neither where no time was left."""

    row: UploadLog
    result: UploadResult | None = None
    reason: WxStaticStoreError | None = None
    newer: bool = False

    @property
    def outcome(self) -> str:
        """``stored``, ``failed``, ``unknown``, ``gone`` or ``not attempted``."""
        if self.result:
            return self.result.status.value
        return "gone" if self.reason else "not attempted"


class Waiting(NamedTuple):
    """Of the uploads that failed: what can be sent, what cannot, and whether there may be more."""

    ready: list[Ready]
    refused: list[Again]
    more: bool


def waiting(rows: UploadLogQuerySet, most: int) -> Waiting:
    """The newest `most` that can be sent again, and what is as new and cannot."""
    failed, more = failed_rows(rows)
    rest, found = iter(failed), Waiting([], [], more)
    for one in map(_looked_at, rest):
        if isinstance(one, Again):
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


def _looked_at(row: UploadLog) -> Ready | Again:
    """It can be sent again, or it cannot, with the reason. Asks nobody on the network."""
    try:
        return Ready(row, reopened(row))
    except SourceGone as error:
        return Again(row, reason=error)


def upload_again(
    rows: Iterable[UploadLog],
    user: AbstractBaseUser | AnonymousUser | None = None,
    *,
    seconds: float = SECONDS,
) -> Iterator[Again]:
    """
    Send the bytes of these rows again; each result is a new row, of the source ``retry``.

    Only the newest row of a key counts. No more files are begun after `seconds`, or after an error
    that says that all others would fail alike.
    """
    until = time.monotonic() + seconds
    batches, rows = defaultdict(list), list(rows)
    followed = _followed(rows)
    for row in rows:
        if row.pk in followed:
            yield Again(row, reason=SourceGone(_NEWER, hint=_TAKE_THE_NEWER))
        elif isinstance(one := _looked_at(row), Again):
            yield one
        else:
            batches[keeper(row), row.env].append(one)
    context = UploadContext(source="retry", user_id=user.pk if user else None)
    for (using, env), batch in batches.items():
        yield from _send(_uploader(using, env), batch, context, until)


def _uploader(using: str, env: str) -> Uploader:
    """One that keeps no page waiting for minutes with a file."""
    options = options_for(using).for_env(env)
    return Uploader(replace(options, deadline=options.deadline or INTERACTIVE_SECONDS))


def _send(
    uploader: Uploader, batch: Sequence[Ready], context: UploadContext, until: float
) -> Iterator[Again]:
    waiting = {one.row.key: one for one in batch}
    files: dict[str, BinaryIO] = {}
    refused: list[Again] = []

    def items() -> Iterator[UploadItem]:
        """Opened here, so that what cannot be opened is a reason and not one more failed row."""
        for one in batch:
            if time.monotonic() >= until:
                return
            try:
                files[one.row.key] = file = one.item.open()
            except (WxStaticStoreError, OSError) as error:
                refused.append(Again(waiting.pop(one.row.key).row, reason=_as_reason(error)))
            else:
                yield replace(one.item, open=lambda file=file: file, close=False)  # type: ignore[misc]

    with ExitStack() as stack:
        stack.callback(lambda: [file.close() for file in files.values()])
        refs = {one.row.key: f"row {one.row.pk}" for one in batch}  # what each of them repeats
        recorder = Recorder(context, refs)
        stack.callback(recorder.close)
        pool = stack.enter_context(WorkerPool(uploader.options.max_workers))
        results = uploader.send(Queue(uploader, items()), pool, recorder)
        for result in stack.enter_context(closing(results)):
            files.pop(result.key).close()
            one = waiting.pop(result.key)
            yield Again(one.row, result, newer=one.newer)
    yield from refused
    yield from (Again(one.row) for one in waiting.values())


def _as_reason(error: Exception) -> WxStaticStoreError:
    if isinstance(error, WxStaticStoreError):
        return error
    return SourceError(_("The file cannot be read (%(why)s)", why=type(error).__name__))
