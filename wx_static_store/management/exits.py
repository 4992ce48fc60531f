"""The exit codes, and who is asked before a run. Others are 0 (done) and 130 (interrupted)."""

import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.core.management.base import CommandError
from django.utils.functional import Promise

from ..core.interrupts import interruptible
from ..i18n import gettext
from ..releases.previews import LONGEST

FAILED = 1  # something failed
WRONG_USE = 2  # nothing was begun
YES = ("--yes", "-y", "--no-input", "--noinput")  # the names of this option


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


def preview_time(text: str) -> timedelta:
    """Return the time of --expires; the type of this option."""
    found = re.fullmatch("([0-9]{1,3})([dh])", text)
    lasts = timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1)) if found else None
    if not (lasts and lasts <= LONGEST):
        wrong = gettext("days or hours, at most 30d, as in 7d or 12h, not %(text)r", text=text[:20])
        raise ArgumentTypeError(wrong)
    return lasts


def confirmed(question: str) -> bool:
    """Ask on the terminal; without one, end the command with exit code 2."""
    if not sys.stdin.isatty():
        text = gettext("%(question)s There is no terminal to ask: add --yes.", question=question)
        raise wrong_use(text)
    with suppress(EOFError), interruptible():  # Ctrl-D
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    return False
