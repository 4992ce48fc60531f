"""The folder in which the command keeps objects: one of its own, used by one emulator at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from .language import marked, translate
from .quirks import BadInput

try:
    import fcntl
except ImportError:  # Windows: there, a second emulator is not noticed
    fcntl = None  # type: ignore[assignment]

MARK = ".gitignore"  # says who made the folder, and keeps it out of git
_FIRST = "# Objects of wx_static_store's emulator: end the emulator before you delete this folder."


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make the folder or take the one of an earlier run, and keep other emulators out of it."""
    try:
        mark = _prepared(folder)
    except OSError as error:
        is_file = folder.exists() and not folder.is_dir()
        why = translate(marked("it is no folder") if is_file else str(error.strerror))
        raise _refusal("cannot write to {folder}: {why}; {another}", folder, why=why) from None
    with mark:
        _lock(mark, folder)
        yield


def _prepared(folder: Path) -> TextIO:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MARK
    if not any(folder.iterdir()):
        path.write_text(f"{_FIRST}\n*\n", encoding="utf-8")
    if not path.exists() or _FIRST not in path.read_text(encoding="utf-8", errors="replace"):
        raise _refusal("{folder} has files that are not an emulator's; {another}", folder)
    with tempfile.TemporaryFile(dir=folder):  # whether this user may write there
        return path.open(encoding="utf-8")


def _lock(mark: TextIO, folder: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _refusal("another emulator uses {folder}; end it, or {another}", folder) from None


def _refusal(text: str, folder: Path, **parts: object) -> BadInput:
    another = translate("name another folder with --directory, or keep no files with --memory")
    return BadInput(text, folder=folder, another=another, **parts)
