"""Show the progress of a run: a bar on a terminal, or plain lines if they are wanted."""

import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from ..conf.options import Options
from ..core.types import UploadResult
from ..i18n import gettext as _, joined, labelled, shown
from ..upload.transfer import Transfer

OnResult = Callable[[UploadResult], object]

LINES = 20  # where there is no bar
QUIET = 5.0  # seconds without a stored file, before a line says why
LONGEST_QUIET = 30.0  # between two such lines


@contextmanager
def progress(wanted: bool | None, env: str, *, files: int, size: int) -> Iterator[OnResult]:
    """Yield a function that takes each result; `size` is the number of bytes of all files."""
    terminal = sys.stderr.isatty()
    if not files or wanted is False or (wanted is None and not terminal):
        yield lambda result: None
        return
    tqdm = _tqdm() if terminal else None
    if tqdm is None:
        yield _plain_lines(env, files, size)
        return
    # Not by tqdm: a terminal may report a width of 0, and the bar would not show.
    width = shutil.get_terminal_size().columns
    # All bars on one line: that of an environment that began early shows when its turn comes.
    scale = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
    with tqdm(total=size, ncols=width, position=0, **scale) as bar:
        yield _on_bar(bar, env, files)


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
            text = _("%(sentence)s %(next)s", sentence=text, next=last)
        line = labelled(str(self._options.env), text)
        tqdm = _tqdm() if terminal else None
        if tqdm:
            tqdm.write(line, file=sys.stderr)  # above the bar
        else:
            sys.stderr.write(f"{line}\n")


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _on_bar(bar: Any, env: str, files: int) -> OnResult:
    count = failed = 0
    done = _("%(done)d/%(files)d files")  # translated once, filled in for each file

    def report(result: UploadResult) -> None:
        nonlocal count, failed
        count += 1
        failed += result.error is not None
        parts = [done % {"done": count, "files": files}, *_failed(failed)]
        bar.set_description(labelled(env, joined(parts)), refresh=False)
        bar.update(0 if result.error else result.size or 0)

    return report


def _plain_lines(env: str, files: int, size: int) -> OnResult:
    every, started = max(1, files // LINES), time.monotonic()
    count = sent = failed = 0

    def report(result: UploadResult) -> None:
        nonlocal count, sent, failed
        count += 1
        sent += 0 if result.error else result.size or 0
        failed += result.error is not None
        if count % every == 0 or count == files:
            seconds = time.monotonic() - started
            done = _("%(done)d/%(files)d files", done=count, files=files)
            amount = f"{sent / 2**20:.1f}/{size / 2**20:.1f} MiB"
            parts = [done, amount, *_pace(sent, size, seconds), *_failed(failed)]
            sys.stderr.write(labelled(env, joined(parts)) + "\n")

    return report


def _pace(sent: int, size: int, seconds: float) -> list[str]:
    """Return the rate, and the seconds that the rest takes at this rate."""
    if not (sent and seconds):
        return []
    rate = sent / seconds
    left = _("%(seconds).0f s left", seconds=max(0, size - sent) / rate)
    return [f"{rate / 2**20:.1f} MiB/s", left]


def _failed(failed: int) -> list[str]:
    return [_("%(count)d failed", count=failed)] if failed else []
