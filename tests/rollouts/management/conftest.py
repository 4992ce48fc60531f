"""The fixtures of the commands: a built site."""

from tests.management.conftest import dist

__all__ = ["dist"]
