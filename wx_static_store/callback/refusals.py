"""Why a push is not accepted, and which setting to look at."""

from ..i18n import english, gettext_lazy as _

_AES_KEY = _(
    "The signature is right, so compare CALLBACK_AES_KEY with the message key of your platform."
)
_HINTS = {
    "signature": _(
        "If WeChat sent it, compare CALLBACK_TOKEN with the message token of your platform."
    ),
    "padding": _AES_KEY,
    "length": _AES_KEY,
    "appid": _(
        "Token and key are right, so check COMPONENT_APPID: the push is for another platform."
    ),
    "window": _(
        "Check the clock of this server: it differs from that of the push by more than "
        "CALLBACK_WINDOW."
    ),
}


class Refusal(Exception):
    """
    The one exception of everything that reads what a stranger sent.

    `reason` is a word for the log, `status` the answer: nothing of the content is kept.
    """

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status

    @property
    def logged(self) -> str:
        """Return the reason, and what to do about one that a setting may mend."""
        hint = _HINTS.get(self.reason)
        return f"{self.reason}. {english(hint)}" if hint else self.reason
