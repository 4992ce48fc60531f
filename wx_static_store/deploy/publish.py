"""Publish the files of a plan: assets, then pages, then the manifest; report the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from django.core.management.base import CommandError

from ..core.types import LIST, UploadContext, UploadItem, UploadResult, UploadStatus
from ..exceptions import NameRejected, SourceError, WxStaticStoreError
from ..i18n import gettext, gettext_lazy as _, labelled, listed, ngettext, shown
from ..upload.recorder import Recorder, finish_deployment, start_deployment
from ..upload.transfer import Transfer
from ..upload.uploader import Queue, Uploader
from ..upload.workers import WorkerPool
from .locks import DeployLock
from .plan import Plan, differs, hash_items
from .progress import Silence, progress

NAMED = 3  # files of one cause
CHANGED = _("the file here changed while it was sent: run it again")

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
    """The result of a run; `held_back` files were not sent or blanked because of a failure."""

    skipped: int = 0
    stored: int = 0
    size: int = 0  # bytes that were stored
    changed: list[str] = field(default_factory=list)  # keys of files that changed on the way
    failures: list[UploadResult] = field(default_factory=list)
    held_back: int = 0
    not_attempted: int = 0
    broken_off: bool = False
    logged: bool = True  # all rows are written
    deployment_id: int | None = None
    notes: Sequence[str] = ()  # why the log decided, and not the list

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
        missing = self.failures or self.held_back or self.not_attempted
        return not (missing or self.changed or self.broken_off)

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
        """Raise PublishFailed unless everything is stored as planned."""
        if not self.ok:
            head = gettext("Not everything was published:")
            changed = (labelled(shown(key), CHANGED) for key in self.changed)
            lines = (f"  {line}" for line in (*self.failure_lines(), *changed))
            raise PublishFailed("\n".join([head, *lines, self.counts]))

    def failure_lines(self) -> list[str]:
        """Return a line for each cause: its file or number of files, and what to do."""
        alike: dict[Any, dict[str, WxStaticStoreError]] = {}
        for result in self.failures:
            if error := result.error:
                alike.setdefault(_cause(error), {})[result.name] = error
        return [*map(_failure_line, alike.values())]


def _cause(error: WxStaticStoreError) -> tuple[Any, ...]:
    """Return the part of an error that files with the same cause share."""
    of_the_file = isinstance(error, NameRejected | SourceError)
    message = str(error.message) if of_the_file else ""
    return type(error), error.code, str(error.hint), message


def _failure_line(errors: Mapping[str, WxStaticStoreError]) -> str:
    names, left = [shown(name) for name in sorted(errors)[:NAMED]], len(errors) - NAMED
    error = next(iter(errors.values()))
    if len(errors) == 1:
        return labelled(names[0], error)
    if left > 0:
        names.append(ngettext("and %(count)d more", "and %(count)d more", left))
    files = ngettext("%(count)d file", "%(count)d files", len(errors))
    which = gettext("%(what)s (%(facts)s)", what=files, facts=listed(names))
    return labelled(which, copy(error).with_context(key=""))


def publish(
    uploader: Uploader,
    plan: Plan,
    context: UploadContext,
    *,
    pool: WorkerPool,
    lock: DeployLock,
    last: Callable[[], UploadItem] | None = None,
    always: bool = False,
    columns: Mapping[str, Any] = MappingProxyType({}),
    report: Report | None = None,
) -> Report:
    """
    Send the files of the plan: assets, then pages if every asset is stored, then the last file.

    Among assets and pages, new files come before those that replace an object. `last()` is called
    when all is stored, and returns the file that makes the others live. The run is a `Deployment`
    with these `columns` if it sends something, or `always`. The `report` is filled while the run
    goes on, so it is right even if the run breaks off.
    """
    report = Report() if report is None else report
    recorder, started = Recorder(context), time.monotonic()
    steps = Publication(uploader, plan, recorder, report, lock, last, columns)
    try:
        steps.prepare(always=always)
        wanted = uploader.options.progress
        with progress(wanted, uploader.env, files=len(plan), size=plan.size) as show:
            for result in uploader.send(steps, pool, recorder):
                show(result)
        lock.confirm()
    except BaseException as error:
        steps.break_off(error)
        raise
    finally:
        report.logged = recorder.close()
        if not report.logged:  # the database may have been down from the start
            steps.start_deployment()
        finish_deployment(report.deployment_id, **_facts(report, time.monotonic() - started))
    return report


class Publication:
    """
    The steps of one deploy: assets → pages → the last file; of each, new before replaced files.

    A stage begins when all files of the stage before are stored, else it is held back. Therefore
    no file that visitors may see changes before all new files are stored.
    """

    def __init__(
        self,
        uploader: Uploader,
        plan: Plan,
        recorder: Recorder,
        report: Report,
        lock: DeployLock,
        last: Callable[[], UploadItem] | None,
        columns: Mapping[str, Any],
    ) -> None:
        self.uploader, self.plan, self.recorder = uploader, plan, recorder
        self.report, self.lock, self.last, self.columns = report, lock, last, columns
        report.skipped, report.notes = len(plan.unchanged), plan.notes
        self._stages = self._in_order()
        self._queue = Queue(uploader, ())
        self._under_way = 0
        self._silence = Silence(uploader.options)

    def next_item(self) -> UploadItem | None:
        """Return the next item; a stage is not left while one of its files is being sent."""
        self.lock.check()
        while (item := self._queue.next_item()) is None and not self._under_way:
            stage = next(self._stages, None)
            if stage is None:
                return None
            self._begin(stage)
        self._under_way += item is not None
        return item

    def on_result(self, result: UploadResult) -> None:
        self._under_way -= 1
        self._queue.on_result(result)
        self.report.not_attempted -= 1
        self.report.add(result)
        if not result.error:
            self._silence.reset()

    def on_cancelled(self) -> None:
        self._under_way -= 1

    def on_tick(self, under_way: Collection[Transfer]) -> None:
        self.lock.check()
        self._silence.on_tick(under_way)

    def prepare(self, *, always: bool) -> None:
        """Start the deployment if it will be reported in any case; correct the log."""
        if always or self.plan.rejected:
            self.start_deployment()
        for result in self.plan.corrections:
            self.recorder.add(result, source=LIST)

    def start_deployment(self) -> None:
        if self.report.deployment_id is None:
            started = start_deployment(self.uploader.env, self.recorder.context, **self.columns)
            self.recorder.context = replace(self.recorder.context, deployment_id=started)
            self.report.deployment_id = started

    def break_off(self, error: BaseException) -> None:
        """Count the files that were not attempted, and print the counts."""
        report, rejected = self.report, len(self.plan.rejected)
        ended = report.stored + len(report.failures) + report.held_back + report.not_attempted
        report.not_attempted += max(0, len(self.plan) + rejected - ended)
        report.broken_off = True
        if isinstance(error, KeyboardInterrupt):
            text = gettext("Interrupted: %(counts)s", counts=report.counts)
        else:
            text = gettext("Broken off: %(counts)s", counts=report.counts)
        sys.stderr.write(f"\n{labelled(self.uploader.env, text)}\n")

    def _begin(self, items: Sequence[UploadItem]) -> None:
        if items and not self.report.ok:
            self.report.held_back += len(items)
        elif items:
            self.start_deployment()
            self.report.not_attempted += len(items)
            self._queue = Queue(self.uploader, items)

    def _in_order(self) -> Iterator[Sequence[UploadItem]]:
        """Yield each stage when the one before it has ended."""
        yield from self._new_first(self.plan.assets)
        for result in self.plan.rejected:
            self.recorder.add(result)
            self.report.add(result)
        yield from self._new_first(self.plan.pages)
        yield self._last()

    def _new_first(self, items: Sequence[UploadItem]) -> Iterator[Sequence[UploadItem]]:
        key, existing = self.uploader.key, self.plan.existing
        yield [item for item in items if key(item.name) not in existing]
        yield [item for item in items if key(item.name) in existing]

    def _last(self) -> Sequence[UploadItem]:
        if self.last is None:
            return ()
        if not self.report.ok:
            self.report.held_back += 1
            return ()
        (item,) = hash_items([self.last()])
        state = self.plan.last
        if state and not differs(self.uploader, item, state):
            self.report.skipped += 1
            return ()
        return [item]


def _facts(report: Report, seconds: float) -> dict[str, Any]:
    outcome = "done" if report.ok else "failed"
    return {
        "outcome": outcome if report.logged else "incomplete",
        "stored": report.stored,
        "skipped": report.skipped,
        "failed": len(report.failures),
        "not_attempted": report.held_back + report.not_attempted,
        "bytes": report.size,
        "duration_ms": round(seconds * 1000),
    }
