"""How a command ends that was called in a wrong way; else 0, 1 (something failed) or 130."""

from django.core.management.base import CommandError
from django.utils.functional import Promise

FAILED = 1  # of what was begun
WRONG_USE = 2  # nothing was begun


def wrong_use(text: str | Promise) -> CommandError:
    """Make the error that ends the command with exit code 2."""
    return CommandError(str(text), returncode=WRONG_USE)
