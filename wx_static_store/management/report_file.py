"""The JSON file of a command, written whole or not at all."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ..i18n import gettext, shown
from .exits import FAILED, WRONG_USE


def prepare_report(path: str | None) -> None:
    """Remove the report of an earlier run; raise CommandError (2) if none could be written."""
    if path:
        _replace(path, "", returncode=WRONG_USE).unlink()


def write_json(path: str | None, data: dict[str, Any]) -> None:
    """Write the report if a file was asked for; raise CommandError (1) if it fails."""
    if path:
        text = json.dumps(data, ensure_ascii=False, indent=2)
        _replace(path, f"{text}\n", returncode=FAILED)


def _replace(path: str, text: str, *, returncode: int) -> Path:
    # A link stays, its target is written.
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.name[:50]}.{os.getpid()}")
    try:
        if target.exists() and not target.is_file():
            raise FileExistsError(gettext("it is there, and is no file"))
        # Names may hold bytes that are no UTF-8: they become JSON's own escapes.
        new.write_text(text, encoding="utf-8", errors="backslashreplace")
        return new.replace(target)
    except OSError as error:
        why = gettext(
            "The report cannot be written to %(path)s: %(why)s. "
            "Name a file in a folder where this user may write.",
            path=shown(path),
            why=error.strerror or error,
        )
        raise CommandError(why, returncode=returncode) from None
    finally:
        with suppress(OSError):
            new.unlink()
