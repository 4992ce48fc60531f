"""Why a push is not accepted, and which setting to look at."""

from ..core.pushes import HINTS
from ..i18n import english


class Refusal(Exception):
    """
    The one exception of everything that reads what a stranger sent.

    `reason` is a word for the log: nothing of the content is kept. `status` is one for all that a
    body is refused for, or the answers would tell what the ciphertext holds.
    """

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status

    @property
    def logged(self) -> str:
        """Return the reason, and what to do about one that a setting may mend."""
        hint = HINTS.get(self.reason)
        return f"{self.reason}. {english(hint)}" if hint else self.reason
