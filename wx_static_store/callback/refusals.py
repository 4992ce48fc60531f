"""A push that is refused."""

from ..core.pushes import HINTS
from ..i18n import english


class Refusal(Exception):
    """The only exception of the code that reads a stranger's message."""

    signed = False  # True if the signature was right

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        # A word for the log: nothing of the content is kept.
        self.reason = reason
        # One for all refusals of a body, or the answers would reveal the ciphertext's content.
        self.status = status

    @property
    def logged(self) -> str:
        """Return the reason, with advice if a setting may help."""
        hint = HINTS.get(self.reason)
        return f"{self.reason}. {english(hint)}" if hint else self.reason
