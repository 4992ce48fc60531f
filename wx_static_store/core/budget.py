"""The time of a web request, of which each step of a page gets a share."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

from .retry import ending_by


@dataclass
class Budget:
    """The seconds of something with all its calls."""

    seconds: float

    def share(self, part: float) -> float:
        return self.seconds * part

    def entered(self, part: float = 1.0) -> AbstractContextManager[None]:
        """Let each deadline that is made in the block end with the budget, or with a part of it."""
        return ending_by(time.monotonic() + self.share(part))


REQUEST = Budget(25.0)  # many web servers end a worker after 30 seconds
