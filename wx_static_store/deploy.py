"""Many files: plan (what changed?), order (assets, pages, the manifest), publish, report."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.management.base import CommandError

from . import pool, recorders
from .exceptions import NameRejected, SourceError, WxStaticStoreError, gettext_lazy as _
from .naming import is_html, object_key
from .progress import Tell, progress
from .sources import digest, opened
from .transfers import ContentHeaders, UploadContext, UploadItem, UploadResult, UploadStatus
from .uploader import Uploader

__all__ = ["Plan", "PublishFailed", "Report", "make_plan", "publish"]

logger = logging.getLogger("wx_static_store.deploy")

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
    rejected: tuple[UploadResult, ...]
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
    broken_off: bool = False

    def add(self, result: UploadResult) -> None:
        (self.failures if result.error else self.stored).append(result)

    @property
    def ok(self) -> bool:
        return not (self.failures or self.held_back or self.not_attempted or self.broken_off)

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
            lines = [f"  {_shown(result.name)}: {result.error}" for result in self.failures]
            raise PublishFailed("\n".join(["Not everything was published:", *lines, self.counts]))


def make_plan(uploader: Uploader, items: Iterable[UploadItem], *, also: Sequence[str] = ()) -> Plan:
    """
    Compare the files with what was stored before, and order them.

    Unchanged is a file whose key's newest row, of any status, is `stored` with the same MD5 and
    headers. Where there is no log, one list of the environment tells the MD5. Files that would
    share a key are rejected. `also` names files that come later, so that they are asked for in the
    same query.
    """
    single, rejected = _without_collisions(uploader, items)
    hashed = list(pool.run(_hashed, single, max_workers=uploader.options.max_workers))
    known = _known(uploader, [*(item.name for item in hashed), *also])
    changed = [item for item in hashed if not _is_unchanged(uploader, item, known)]
    changed.sort(key=lambda item: item.name)
    return Plan(
        assets=tuple(item for item in changed if not is_html(item.name)),
        pages=tuple(item for item in changed if is_html(item.name)),
        unchanged=tuple(item for item in hashed if _is_unchanged(uploader, item, known)),
        rejected=rejected,
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

    `last()` is called when all is stored and gives the file that makes the others live.
    """
    run = _Run(uploader, plan, context)
    started = time.monotonic()
    try:
        run.settle()
        with progress(uploader.options.progress, files=len(plan), size=plan.size) as tell:
            run.send(plan.assets, tell)
            run.reject(plan.rejected)
            run.send(plan.pages, tell)
        if last is not None:
            run.send_last(last)
    except BaseException as error:
        run.broken_off(error)
        raise
    finally:
        run.tell_of_missing_rows()
        facts = _outcome(run.report, time.monotonic() - started)
        recorders.finish_deployment(run.context.deployment_id, **facts)
    return run.report


class _Run:
    """One publishing under way; a run that changes nothing leaves no `Deployment`."""

    def __init__(self, uploader: Uploader, plan: Plan, context: UploadContext) -> None:
        self.uploader, self.plan, self.context = uploader, plan, context
        self.report = Report(skipped=len(plan.unchanged))

    def settle(self) -> None:
        """After a run that was cut short this one says how the environment stands, in any case."""
        if recorders.was_cut_short(self.uploader.env):
            self._start()

    def reject(self, results: Sequence[UploadResult]) -> None:
        if results:
            self._start()
            recorders.record(results, self.context)
            self.report.failures += results

    def send(self, items: Sequence[UploadItem], tell: Tell = lambda result: None) -> None:
        """Send these if nothing failed before them, else hold them back."""
        if items and not self.report.ok:
            self.report.held_back += len(items)
        elif items:
            self._start()
            self.report.not_attempted += len(items)
            for result in self.uploader.upload_many(items, self.context):
                self.report.not_attempted -= 1
                self.report.add(result)
                tell(result)

    def send_last(self, last: Callable[[], UploadItem]) -> None:
        if not self.report.ok:
            self.report.held_back += 1
            return
        item = _hashed(last())
        if _is_unchanged(self.uploader, item, self.plan.known):
            self.report.skipped += 1
        else:
            self.send([item])

    def tell_of_missing_rows(self) -> None:
        """Where the database went away in mid-run; without one it was told at the start."""
        sent = len(self.report.stored) + len(self.report.failures) - len(self.plan.rejected)
        if 0 < (logged := self.uploader.logged) < sent:
            logger.warning("%d files were sent, %d of them logged", sent, logged)

    def broken_off(self, error: BaseException) -> None:
        report, rejected = self.report, len(self.plan.rejected)
        told = len(report.stored) + len(report.failures) + report.held_back + report.not_attempted
        report.not_attempted += max(0, len(self.plan) + rejected - told)
        report.broken_off = True
        why = "Interrupted" if isinstance(error, KeyboardInterrupt) else "Broken off"
        sys.stderr.write(f"\n{why}: {self.report.counts}\n")

    def _start(self) -> None:
        if self.context.deployment_id is None:
            started = recorders.start_deployment(self.uploader.env, self.context)
            self.context = replace(self.context, deployment_id=started)


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


def _without_collisions(
    uploader: Uploader, items: Iterable[UploadItem]
) -> tuple[list[UploadItem], tuple[UploadResult, ...]]:
    """Names that differ only in their Unicode form would overwrite each other, in any order."""
    by_key: dict[str, dict[str, UploadItem]] = {}
    for item in items:
        by_key.setdefault(_key(uploader, item.name) or item.name, {})[item.name] = item
    _tell_of_case(by_key)
    alone = [item for named in by_key.values() if len(named) == 1 for item in named.values()]
    return alone, tuple(
        _collision(uploader, key, name, [*named])
        for key, named in by_key.items()
        if len(named) > 1
        for name in named
    )


def _tell_of_case(keys: Iterable[str]) -> None:
    """Two files here, one on a laptop whose disk does not tell them apart."""
    seen: dict[str, str] = {}
    for key in keys:
        if (other := seen.setdefault(key.casefold(), key)) != key:
            logger.warning("%s and %s differ only by case", ascii(other), ascii(key))


def _collision(uploader: Uploader, key: str, name: str, names: list[str]) -> UploadResult:
    error = NameRejected(
        f"{' and '.join(map(ascii, names))} are the same key", stage="name", hint=_("Rename one.")
    )
    return UploadResult(name, key, UploadStatus.FAILED, uploader.env, stage="name", error=error)


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _known(uploader: Uploader, names: Iterable[str]) -> Known:
    keys = [key for name in names if (key := _key(uploader, name))]
    rows = recorders.newest_rows(uploader.env, keys)
    if rows is None:
        return _listed(uploader)
    known: Known = {
        key: (row.md5, ContentHeaders(row.content_type, row.cache_control))
        for key, row in rows.items()
        if row.status == UploadStatus.STORED
    }
    if recorders.was_cut_short(uploader.env):  # it may have stored what no row tells of
        listed = _listed(uploader)
        return {key: it for key, it in known.items() if listed.get(key, ("", None))[0] == it[0]}
    return known


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
