"""The exit codes, and the error of a wrong use. Other codes are 0 (done) and 130 (interrupted)."""

from django.core.management.base import CommandError
from django.utils.functional import Promise

FAILED = 1  # something failed
WRONG_USE = 2  # nothing was begun


def wrong_use(text: str | Promise) -> CommandError:
    """Make the error that ends the command with exit code 2."""
    return CommandError(str(text), returncode=WRONG_USE)
