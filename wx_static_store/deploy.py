"""Publish what a plan names: assets, then pages, then the manifest; and report how it went."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.management.base import CommandError

from . import pool, recorders
from .plan import Plan, changed, hash_items
from .progress import Tell, progress
from .texts import gettext, gettext_lazy as _, shown
from .transfers import UploadContext, UploadItem, UploadResult, UploadStatus
from .uploader import Uploader

__all__ = ["PublishFailed", "Report", "publish"]

logger = logging.getLogger("wx_static_store.deploy")

COUNTS = {
    "stored": _("stored"),
    "unchanged": _("unchanged"),
    "failed": _("failed"),
    "unknown": _("unknown"),
    "held_back": _("held back"),
    "not_attempted": _("not attempted"),
}


class PublishFailed(CommandError):
    """Not everything was published; the text names each file, why, and the counts."""


@dataclass
class Report:
    """How a run went; pages that were not sent because an asset is missing are `held_back`."""

    skipped: int = 0
    stored: int = 0
    size: int = 0  # bytes that were stored
    changed: list[str] = field(default_factory=list)  # keys of files that changed on the way
    failures: list[UploadResult] = field(default_factory=list)
    held_back: int = 0
    not_attempted: int = 0
    broken_off: bool = False
    deployment_id: int | None = None

    def add(self, result: UploadResult) -> None:
        if result.error:
            self.failures.append(result)
            return
        self.stored += 1
        self.size += result.size or 0
        if result.changed:
            self.changed.append(result.key)

    @property
    def ok(self) -> bool:
        return not (self.failures or self.held_back or self.not_attempted or self.broken_off)

    @property
    def numbers(self) -> dict[str, int]:
        unknown = sum(result.status is UploadStatus.UNKNOWN for result in self.failures)
        return {
            "stored": self.stored,
            "unchanged": self.skipped,
            "failed": len(self.failures) - unknown,
            "unknown": unknown,
            "held_back": self.held_back,
            "not_attempted": self.not_attempted,
        }

    @property
    def counts(self) -> str:
        return gettext(
            "stored %(stored)d, unchanged %(unchanged)d, failed %(failed)d, unknown %(unknown)d, "
            "held back %(held_back)d, not attempted %(not_attempted)d",
            **self.numbers,
        )

    def raise_for_failures(self) -> None:
        """Raises PublishFailed unless everything is stored."""
        if not self.ok:
            lines = [f"  {shown(result.name)}: {result.error}" for result in self.failures]
            head = gettext("Not everything was published:")
            raise PublishFailed("\n".join([head, *lines, self.counts]))


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
    report = Report()
    with pool.Crew(uploader.options.max_workers, one_cpu=True) as crew:
        for _step in publishing(uploader, plan, context, crew=crew, last=last, report=report):
            pass
    return report


def publishing(
    uploader: Uploader,
    plan: Plan,
    context: UploadContext,
    *,
    crew: pool.Crew,
    report: Report,
    last: Callable[[], UploadItem] | None = None,
    release: bool = False,
) -> Iterator[None]:
    """
    The same in steps, at most one for each result and one before: so another may begin beside it.

    The `report` is filled as the run goes on, so that it tells of a run that broke off. A `release`
    is written down even if it changes nothing.
    """
    run = _Run(uploader, plan, context, crew, report)
    started = time.monotonic()
    try:
        run.settle(release=release)
        wanted = uploader.options.progress
        with progress(wanted, uploader.env, files=len(plan), size=plan.size) as tell:
            yield from run.send(plan.assets, tell)
            run.reject(plan.rejected)
            yield from run.send(plan.pages, tell)
        if last is not None:
            yield from run.send_last(last)
    except BaseException as error:
        run.broken_off(error)
        raise
    finally:
        run.tell_of_missing_rows()
        facts = _outcome(run.report, time.monotonic() - started)
        recorders.finish_deployment(run.context.deployment_id, **facts)


class _Run:
    """One publishing under way; one that changes nothing leaves no `Deployment` by itself."""

    def __init__(
        self,
        uploader: Uploader,
        plan: Plan,
        context: UploadContext,
        crew: pool.Crew,
        report: Report,
    ) -> None:
        self.uploader, self.plan, self.context = uploader, plan, context
        self.crew, self.report = crew, report
        report.skipped = len(plan.unchanged)
        self.follows_a_kill = False

    def settle(self, *, release: bool) -> None:
        """After a run that was cut short this one says how the environment stands, in any case."""
        self.follows_a_kill = recorders.was_cut_short(self.uploader.env)
        if self.follows_a_kill:
            recorders.close_cut_short(self.uploader.env)
        if self.follows_a_kill or release:
            self._start()
        self._keep(self.plan.unchanged)

    def _keep(self, items: Sequence[UploadItem]) -> None:
        """Where the killed run left no row there is an older one, which would be believed later."""
        if self.follows_a_kill:
            recorders.record(self.plan.found(self.uploader, items), self.context)

    def reject(self, results: Sequence[UploadResult]) -> None:
        if results:
            self._start()
            recorders.record(results, self.context)
            self.report.failures += results

    def send(self, items: Sequence[UploadItem], tell: Tell = lambda result: None) -> Iterator[None]:
        """Send these if nothing failed before them, else hold them back."""
        if items and not self.report.ok:
            self.report.held_back += len(items)
        elif items:
            self._start()
            self.report.not_attempted += len(items)
            yield from self._send_all(items, tell)

    def _send_all(self, items: Sequence[UploadItem], tell: Tell) -> Iterator[None]:
        """Counts what was done, too, when an interruption comes while a result is written down."""
        finished, counted = list[UploadResult](), 0
        steps = self.uploader.sending(items, self.context, self.crew, finished)
        try:
            for _step in steps:
                for result in finished[counted:]:
                    self._count(result)
                    counted += 1
                    tell(result)
                yield
        except BaseException:
            self.crew.stop()
            steps.close()
            for result in finished[counted:]:
                self._count(result)
            raise

    def _count(self, result: UploadResult) -> None:
        self.report.not_attempted -= 1
        self.report.add(result)

    def send_last(self, last: Callable[[], UploadItem]) -> Iterator[None]:
        if not self.report.ok:
            self.report.held_back += 1
            return
        (item,) = hash_items([last()])
        if to_send := item if self.plan.force else changed(self.uploader, item, self.plan.known):
            yield from self.send([to_send])
        else:
            self.report.skipped += 1
            self._keep([item])

    def tell_of_missing_rows(self) -> None:
        """Where the database went away in mid-run; without one it was told at the start."""
        sent = self.report.stored + len(self.report.failures) - len(self.plan.rejected)
        if 0 < (logged := self.uploader.logged) < sent:
            logger.warning("%d files were sent, %d of them logged", sent, logged)

    def broken_off(self, error: BaseException) -> None:
        report, rejected = self.report, len(self.plan.rejected)
        told = report.stored + len(report.failures) + report.held_back + report.not_attempted
        report.not_attempted += max(0, len(self.plan) + rejected - told)
        report.broken_off = True
        if isinstance(error, KeyboardInterrupt):
            text = gettext("Interrupted: %(counts)s", counts=report.counts)
        else:
            text = gettext("Broken off: %(counts)s", counts=report.counts)
        sys.stderr.write(f"\n{self.uploader.env}: {text}\n")

    def _start(self) -> None:
        if self.context.deployment_id is None:
            started = recorders.start_deployment(self.uploader.env, self.context)
            self.context = replace(self.context, deployment_id=started)
            self.report.deployment_id = started


def _outcome(report: Report, seconds: float) -> dict[str, Any]:
    return {
        "outcome": "done" if report.ok else "failed",
        "stored": report.stored,
        "skipped": report.skipped,
        "failed": len(report.failures),
        "not_attempted": report.held_back + report.not_attempted,
        "bytes": report.size,
        "duration_ms": round(seconds * 1000),
    }
