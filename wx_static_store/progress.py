"""How far a run is: a bar on a terminal, plain lines elsewhere if they are wanted, else nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .transfers import UploadResult

Tell = Callable[[UploadResult], object]

LINES = 20  # where there is no bar


@contextmanager
def progress(wanted: bool | None, *, files: int, size: int) -> Iterator[Tell]:
    """Gives a function that is told each result; `size` is the sum of bytes to come."""
    terminal = sys.stderr.isatty()
    if not files or wanted is False or (wanted is None and not terminal):
        yield lambda result: None
        return
    tqdm = _tqdm() if terminal else None
    if tqdm is None:
        yield _plain_lines(files, size)
        return
    with tqdm(total=size, unit="B", unit_scale=True, unit_divisor=1024) as bar:
        yield _on_bar(bar, files)


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _on_bar(bar: Any, files: int) -> Tell:
    count = 0

    def tell(result: UploadResult) -> None:
        nonlocal count
        count += 1
        bar.set_description(f"{count}/{files} files", refresh=False)
        bar.update(result.size or 0)

    return tell


def _plain_lines(files: int, size: int) -> Tell:
    every, count, sent = max(1, files // LINES), 0, 0

    def tell(result: UploadResult) -> None:
        nonlocal count, sent
        count += 1
        sent += result.size or 0
        if count % every == 0 or count == files:
            line = f"{count}/{files} files, {sent / 2**20:.1f}/{size / 2**20:.1f} MiB"
            sys.stderr.write(line + "\n")

    return tell
