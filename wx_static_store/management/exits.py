"""The exit codes, and who is asked before a run. Others are 0 (done) and 130 (interrupted)."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
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


def number_between(least: int, most: int) -> Callable[[str], int]:
    """Return the type of an option that takes these numbers."""

    def number(text: str) -> int:
        is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not (is_number and least <= int(text) <= most):
            parts = {"least": least, "most": most, "text": text[:20]}
            wrong = gettext("a number from %(least)d to %(most)d, not %(text)r", **parts)
            raise ArgumentTypeError(wrong)
        return int(text)

    return number


def confirmed(question: str) -> bool:
    """Ask on the terminal; without one, end the command with exit code 2."""
    if not sys.stdin.isatty():
        text = gettext("%(question)s There is no terminal to ask: add --yes.", question=question)
        raise wrong_use(text)
    with suppress(EOFError), interruptible():  # Ctrl-D
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    return False
