"""Publish the files of a plan: assets, then pages, then the manifest; show the progress."""

import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from ..conf import Options
from ..core.types import LIST, UploadContext, UploadItem, UploadResult
from ..i18n import gettext as _, joined, labelled, sentences, shown
from ..upload.recorder import Recorder, finish_deployment, start_deployment
from ..upload.transfer import Transfer
from ..upload.uploader import Queue, Uploader
from ..upload.workers import WorkerPool
from .locks import DeployLock
from .plan import Plan, differs, hash_items
from .report import Report

LINES = 20  # of a run, where there is no bar
QUIET = 5.0  # seconds without a stored file, before a line says why
LONGEST_QUIET = 30.0  # between two such lines

OnResult = Callable[[UploadResult], object]


@dataclass
class Publication:
    """The steps of one deploy: assets → pages → the last file; of each, new files come first."""

    uploader: Uploader
    plan: Plan
    context: UploadContext
    lock: DeployLock
    # Called when all is stored: returns the file that makes the others live.
    last: Callable[[], UploadItem] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)  # of its `Deployment`
    always: bool = False  # it is a `Deployment`, even if it sends nothing
    report: Report = field(default_factory=Report)  # right even if the run breaks off
    lines: int = LINES  # of progress at most, where there is no bar

    def __post_init__(self) -> None:
        self.report.skipped, self.report.notes = len(self.plan.unchanged), self.plan.notes
        self._recorder, self._queue = Recorder(self.context), Queue(self.uploader, ())
        self._stages, self._under_way = self._in_order(), 0
        self._silence = Silence(self.uploader.options)

    def run(self, pool: WorkerPool) -> Report:
        """Send the files of the plan."""
        uploader, recorder, report = self.uploader, self._recorder, self.report
        started, files, size = time.monotonic(), len(self.plan), self.plan.size
        wanted, env = uploader.options.progress, uploader.env
        try:
            if self.always or self.plan.rejected:
                self._start_deployment()
            for correction in self.plan.corrections:
                recorder.add(correction, source=LIST)
            with progress(wanted, env, files=files, size=size, lines=self.lines) as show:
                for result in uploader.send(self, pool, recorder):
                    show(result)
            self.lock.confirm(report.deployment_id)
        except BaseException:
            ended = report.stored + len(report.failures) + report.held_back + report.not_attempted
            report.not_attempted += max(0, files + len(self.plan.rejected) - ended)
            report.broken_off = True
            raise
        finally:
            report.logged = recorder.close()
            # The database may have been down from the start.
            if not report.logged:
                self._start_deployment()
            outcome = "done" if report.ok else "failed"
            finish_deployment(
                report.deployment_id,
                outcome=outcome if report.logged else "incomplete",
                checked="" if self.plan.compared else "not_compared",
                stored=report.stored,
                skipped=report.skipped,
                failed=len(report.failures),
                not_attempted=report.held_back + report.not_attempted,
                bytes=report.size,
                duration_ms=round((time.monotonic() - started) * 1000),
            )
        return report

    def next_item(self) -> UploadItem | None:
        """Return the next item; a stage is not left while one of its files is being sent."""
        # Visitors must see no change before all new files are stored.
        self.lock.check()
        while (item := self._queue.next_item()) is None and not self._under_way:
            stage = next(self._stages, None)
            if stage is None:
                return None
            if stage and not self.report.ok:
                self.report.held_back += len(stage)
            elif stage:
                self._start_deployment()
                self.report.not_attempted += len(stage)
                self._queue = Queue(self.uploader, stage)
        self._under_way += item is not None
        return item

    def on_result(self, result: UploadResult) -> bool:
        self._under_way -= 1
        self.report.not_attempted -= 1
        self.report.add(result)
        if not result.error:
            self._silence.reset()
        return self._queue.on_result(result)

    def halt(self) -> None:
        self.report.halted = True
        self._queue.halt()

    def on_cancelled(self) -> None:
        self._under_way -= 1

    def on_tick(self, under_way: Collection[Transfer]) -> None:
        self.lock.check()
        self._silence.on_tick(under_way)

    def _start_deployment(self) -> None:
        if self.report.deployment_id is None:
            started = start_deployment(self.uploader.env, self.context, **self.columns)
            self._recorder.context = replace(self.context, deployment_id=started)
            self.report.deployment_id = started

    def _in_order(self) -> Iterator[Sequence[UploadItem]]:
        """Yield each stage when the one before it has ended."""
        yield from self._new_first(self.plan.assets)
        for result in self.plan.rejected:
            self._recorder.add(result)
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


# --- progress ---------------------------------------------------------------------------------


@contextmanager
def progress(
    wanted: bool | None, env: str, *, files: int, size: int, lines: int = LINES
) -> Iterator[OnResult]:
    """Yield a function that takes each result; `size` is the number of bytes of all files."""
    terminal = sys.stderr.isatty()
    if not files or wanted is False or (wanted is None and not terminal):
        yield lambda result: None
        return
    tqdm = _tqdm() if terminal else None
    # Not by tqdm: a terminal may report a width of 0, and the bar would not show.
    width = shutil.get_terminal_size().columns
    # All bars on one line: that of an environment that began early shows when its turn comes.
    scale = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
    wanted_bar = tqdm(total=size, ncols=width, position=0, **scale) if tqdm else nullcontext()
    with wanted_bar as bar:
        yield _shown_on(bar, env, files, size, lines)


class Silence:
    """Print what a run waits for, when nothing was stored for 5, 10, 20 … seconds."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.reset()

    def reset(self) -> None:
        self._since, self._due = time.monotonic(), QUIET

    def on_tick(self, under_way: Collection[Transfer]) -> None:
        seconds = time.monotonic() - self._since
        if seconds < self._due or self._options.progress is False:
            return
        troubles = [transfer.trouble for transfer in under_way if transfer.trouble]
        terminal = sys.stderr.isatty()
        if not (troubles or self._options.progress or terminal):
            return
        self._due = seconds + min(seconds, LONGEST_QUIET)
        sending = sum(transfer.sending for transfer in under_way)
        text = _(
            "nothing was stored for %(seconds)d s. Files that wait for a link of %(peer)s: "
            "%(waiting)d. Files that are being sent: %(sending)d.",
            seconds=seconds,
            peer=self._options.api_base_url,
            waiting=sum(transfer.attempts > 0 for transfer in under_way) - sending,
            sending=sending,
        )
        if troubles:
            last = _("The last failure: %(why)s.", why=shown(troubles[-1].what))
            text = sentences([text, last])
        line = labelled(str(self._options.env), text)
        tqdm = _tqdm() if terminal else None
        if tqdm:
            # A line of our own would break the bar: tqdm writes it above.
            tqdm.write(line, file=sys.stderr)
        else:
            sys.stderr.write(f"{line}\n")


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _shown_on(bar: Any, env: str, files: int, size: int, lines: int) -> OnResult:
    """Return a function that shows each result on the bar; without one, by some lines."""
    started, count, sent, failed = time.monotonic(), 0, 0, 0
    # Translated once, filled in for each file.
    done = _("%(done)d/%(files)d files")

    def report(result: UploadResult) -> None:
        nonlocal count, sent, failed
        stored = 0 if result.error else result.size or 0
        count, sent, failed = count + 1, sent + stored, failed + bool(result.error)
        if bar is None and count * lines // files == (count - 1) * lines // files:
            return
        # The file that goes last is not in the plan.
        parts = [done % {"done": count, "files": max(count, files)}]
        if bar is None:
            parts.append(f"{sent / 2**20:.1f}/{size / 2**20:.1f} MiB")
        # From the first bytes alone, the time left would be a wild guess.
        if bar is None and sent and sent * LINES >= size:
            rate = sent / (time.monotonic() - started or 1)
            parts.append(f"{rate / 2**20:.1f} MiB/s")
            if count < files:
                parts.append(_("%(seconds).0f s left", seconds=max(0, size - sent) / rate))
        if failed:
            parts.append(_("%(count)d failed", count=failed))
        line = labelled(env, joined(parts))
        if bar is None:
            sys.stderr.write(f"{line}\n")
        else:
            bar.set_description(line, refresh=False)
            bar.update(stored)

    return report
