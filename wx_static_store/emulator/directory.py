"""The folder in which the command keeps objects: one of its own, used by one emulator at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from .quirks import BadInput

try:
    import fcntl
except ImportError:  # Windows: there, a second emulator is not noticed
    fcntl = None  # type: ignore[assignment]

MARK = ".gitignore"  # says who made the folder, and keeps it out of git
_FIRST = "# Objects of wx_static_store's emulator: end the emulator before you delete this folder."
_ANOTHER = "name another folder with --directory, or keep no files with --memory"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make the folder or take the one of an earlier run, and keep other emulators out of it."""
    try:
        mark = _prepared(folder)
    except OSError as error:
        why = "it is no folder" if folder.exists() and not folder.is_dir() else error.strerror
        raise BadInput(f"cannot write to {folder}: {why}; {_ANOTHER}") from None
    with mark:
        _lock(mark, folder)
        yield


def _prepared(folder: Path) -> TextIO:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MARK
    if not any(folder.iterdir()):
        path.write_text(f"{_FIRST}\n*\n", encoding="utf-8")
    if not path.exists() or _FIRST not in path.read_text(encoding="utf-8", errors="replace"):
        raise BadInput(f"{folder} has files that are not an emulator's; {_ANOTHER}")
    with tempfile.TemporaryFile(dir=folder):  # whether this user may write there
        return path.open(encoding="utf-8")


def _lock(mark: TextIO, folder: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadInput(f"another emulator uses {folder}; end it, or {_ANOTHER}") from None
