"""Why a push is not accepted, and which setting to check."""

from ..core.pushes import HINTS
from ..i18n import english


class Refusal(Exception):
    """
    The only exception of the code that reads a stranger's message.

    `reason` is a word for the log: nothing of the content is kept. All refusals of a body have one
    `status`, or the answers would reveal the ciphertext's content. A push is `signed` if it was
    refused after its signature was found right.
    """

    signed = False

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status

    @property
    def logged(self) -> str:
        """Return the reason, with advice if a setting may help."""
        hint = HINTS.get(self.reason)
        return f"{self.reason}. {english(hint)}" if hint else self.reason
