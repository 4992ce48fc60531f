"""Many files: plan (what changed?), order (assets, pages, the manifest), publish, report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.management.base import CommandError

from . import pool, recorders
from .exceptions import NameRejected, SourceError, WxStaticStoreError
from .naming import is_html, object_key
from .sources import digest, opened
from .transfers import ContentHeaders, UploadContext, UploadItem, UploadResult, UploadStatus
from .uploader import Uploader

__all__ = ["Plan", "PublishFailed", "Report", "make_plan", "publish"]

logger = logging.getLogger("wx_static_store.deploy")

PLAIN_LINES = 20  # of progress, where there is no bar

# What is known of a key: its MD5, and the headers it was stored with (None: a list cannot say).
Known = dict[str, tuple[str, ContentHeaders | None]]


class PublishFailed(CommandError):
    """Not everything was published; the text names each file, why, and the counts."""


@dataclass(frozen=True)
class Plan:
    """What a run will send, in this order, and what it leaves alone."""

    assets: tuple[UploadItem, ...]
    pages: tuple[UploadItem, ...]
    unchanged: tuple[UploadItem, ...]
    known: Known = field(repr=False)

    def __len__(self) -> int:
        return len(self.assets) + len(self.pages)

    @property
    def size(self) -> int:
        """Bytes that will be sent."""
        return sum(item.size or 0 for item in (*self.assets, *self.pages))


@dataclass
class Report:
    """How a run went; pages that were not sent because an asset is missing are `held_back`."""

    skipped: int = 0
    stored: list[UploadResult] = field(default_factory=list)
    failures: list[UploadResult] = field(default_factory=list)
    held_back: int = 0
    not_attempted: int = 0

    def add(self, result: UploadResult) -> None:
        (self.failures if result.error else self.stored).append(result)

    @property
    def ok(self) -> bool:
        return not (self.failures or self.held_back or self.not_attempted)

    @property
    def size(self) -> int:
        """Bytes that were stored."""
        return sum(result.size or 0 for result in self.stored)

    @property
    def counts(self) -> str:
        unknown = sum(result.status is UploadStatus.UNKNOWN for result in self.failures)
        return (
            f"stored {len(self.stored)}, unchanged {self.skipped}, "
            f"failed {len(self.failures) - unknown}, unknown {unknown}, "
            f"held back {self.held_back}, not attempted {self.not_attempted}"
        )

    def raise_for_failures(self) -> None:
        """Raises PublishFailed unless everything is stored."""
        if not self.ok:
            lines = [f"  {result.name}: {result.error}" for result in self.failures]
            raise PublishFailed("\n".join(["Not everything was published:", *lines, self.counts]))


def make_plan(uploader: Uploader, items: Iterable[UploadItem], *, also: Sequence[str] = ()) -> Plan:
    """
    Compare the files with what was stored before, and order them.

    Unchanged is a file whose key's newest row, of any status, is `stored` with the same MD5 and
    headers. Where there is no log, one list of the environment tells the MD5. `also` names files
    that come later, so that they are asked for in the same query.
    """
    hashed = list(pool.run(_hashed, items, max_workers=uploader.options.max_workers))
    known = _known(uploader, [*(item.name for item in hashed), *also])
    changed = [item for item in hashed if not _is_unchanged(uploader, item, known)]
    changed.sort(key=lambda item: item.name)
    return Plan(
        assets=tuple(item for item in changed if not is_html(item.name)),
        pages=tuple(item for item in changed if is_html(item.name)),
        unchanged=tuple(item for item in hashed if _is_unchanged(uploader, item, known)),
        known=known,
    )


def publish(
    uploader: Uploader,
    plan: Plan,
    context: UploadContext,
    *,
    last: Callable[[], UploadItem] | None = None,
) -> Report:
    """
    Send what the plan names: assets, then pages if every asset is stored, then the last file.

    `last()` is called when all is stored and gives the file that makes the others live, such as
    the copy of a manifest. Failures are in the report.
    """
    report = Report(skipped=len(plan.unchanged))
    started = uploader.store.clock.now()
    context = replace(context, deployment_id=_start(uploader, plan, context))
    try:
        with _progress(uploader.options.progress, plan) as tell:
            _send(uploader, plan.assets, context, report, tell)
            _send(uploader, plan.pages, context, report, tell)
        if last is not None:
            _send_last(uploader, plan, context, report, last)
    except BaseException:
        planned = len(report.stored) + len(report.failures) + report.held_back
        report.not_attempted = max(0, len(plan) - planned)
        sys.stderr.write(f"\nInterrupted: {report.counts}\n")
        raise
    finally:
        seconds = uploader.store.clock.now() - started
        recorders.finish_deployment(context.deployment_id, **_outcome(report, seconds))
    return report


def _start(uploader: Uploader, plan: Plan, context: UploadContext) -> int | None:
    """A run that changes nothing leaves no row."""
    return recorders.start_deployment(uploader.store.env, context) if len(plan) else None


def _send(
    uploader: Uploader,
    items: Sequence[UploadItem],
    context: UploadContext,
    report: Report,
    tell: Callable[[UploadResult], object],
) -> None:
    if not report.ok:
        report.held_back += len(items)
        return
    attempted = 0
    for result in uploader.upload_many(items, context):
        attempted += 1
        report.add(result)
        tell(result)
    report.not_attempted += len(items) - attempted


def _send_last(
    uploader: Uploader,
    plan: Plan,
    context: UploadContext,
    report: Report,
    last: Callable[[], UploadItem],
) -> None:
    if not report.ok:
        report.held_back += 1
        return
    item = _hashed(last())
    if _is_unchanged(uploader, item, plan.known):
        report.skipped += 1
    else:
        _send(uploader, [item], context, report, lambda result: None)


def _outcome(report: Report, seconds: float) -> dict[str, Any]:
    return {
        "outcome": "done" if report.ok else "failed",
        "stored": len(report.stored),
        "skipped": report.skipped,
        "failed": len(report.failures),
        "not_attempted": report.held_back + report.not_attempted,
        "bytes": report.size,
        "duration_ms": round(seconds * 1000),
    }


def _hashed(item: UploadItem) -> UploadItem:
    """With its MD5 and size; a file that cannot be read is left to fail when its turn comes."""
    try:
        with opened(item, md5="") as source:
            return replace(item, md5=digest(source.file), size=len(source))
    except SourceError:
        return item


def _known(uploader: Uploader, names: Iterable[str]) -> Known:
    keys = [key for name in names if (key := _key(uploader, name))]
    rows = recorders.newest_rows(uploader.store.env, keys)
    if rows is None:
        return _listed(uploader)
    return {
        key: (row.md5, ContentHeaders(row.content_type, row.cache_control))
        for key, row in rows.items()
        if row.status == UploadStatus.STORED
    }


def _listed(uploader: Uploader) -> Known:
    try:
        files = list(uploader.store.sweep(uploader.options.location))
    except WxStaticStoreError as error:
        logger.warning("Neither log nor list tell what is stored, so all is sent: %s", error)
        return {}
    return {file.key: (file.md5, None) for file in files if file.md5}


def _key(uploader: Uploader, name: str) -> str:
    try:
        return object_key(uploader.options.location, name)
    except NameRejected:
        return ""


def _is_unchanged(uploader: Uploader, item: UploadItem, known: Known) -> bool:
    md5, headers = known.get(_key(uploader, item.name), ("", None))
    if not md5 or md5 != item.md5:
        return False
    return headers is None or headers == uploader.headers(item)


@contextmanager
def _progress(wanted: bool | None, plan: Plan) -> Iterator[Callable[[UploadResult], object]]:
    """A bar on a terminal, plain lines elsewhere if they are wanted, else nothing."""
    terminal = sys.stderr.isatty()
    if not len(plan) or wanted is False or (wanted is None and not terminal):
        yield lambda result: None
        return
    tqdm = _tqdm() if terminal else None
    if tqdm is None:
        yield _plain_lines(plan)
        return
    with tqdm(total=plan.size, unit="B", unit_scale=True, unit_divisor=1024) as bar:
        count = 0

        def tell(result: UploadResult) -> None:
            nonlocal count
            count += 1
            bar.set_description(f"{count}/{len(plan)} files", refresh=False)
            bar.update(result.size or 0)

        yield tell


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _plain_lines(plan: Plan) -> Callable[[UploadResult], object]:
    every, count, sent = max(1, len(plan) // PLAIN_LINES), 0, 0

    def tell(result: UploadResult) -> None:
        nonlocal count, sent
        count += 1
        sent += result.size or 0
        if count % every == 0 or count == len(plan):
            line = f"{count}/{len(plan)} files, {sent / 2**20:.1f}/{plan.size / 2**20:.1f} MiB"
            sys.stderr.write(line + "\n")

    return tell
