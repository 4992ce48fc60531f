"""The exit codes, and who is asked before a run. Others are 0 (done) and 130 (interrupted)."""

import sys
from contextlib import suppress

from django.core.management.base import CommandError
from django.utils.functional import Promise

from ..core.interrupts import interruptible
from ..i18n import gettext

FAILED = 1  # something failed
WRONG_USE = 2  # nothing was begun


def wrong_use(text: str | Promise) -> CommandError:
    """Make the error that ends the command with exit code 2."""
    return CommandError(str(text), returncode=WRONG_USE)


def confirmed(question: str) -> bool:
    """Ask on the terminal; without one, end the command with exit code 2."""
    if not sys.stdin.isatty():
        text = gettext("%(question)s There is no terminal to ask: add --yes.", question=question)
        raise wrong_use(text)
    with suppress(EOFError), interruptible():  # Ctrl-D
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    return False
