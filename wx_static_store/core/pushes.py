"""Pushes: the settings they need, why they are refused, and the newest refusal for the doctor."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ..i18n import gettext_lazy as _
from .notes import Notes

KEPT = 24 * 3600  # seconds
EVERY = 60  # seconds between two that are kept for one reason
# The settings without which no push can be read, and the system checks that name them.
NEEDED = {"component_appid": "E010", "callback_token": "E011", "callback_aes_key": "E012"}

_AES_KEY = _(
    "The signature is right, so compare CALLBACK_AES_KEY with the message key of your platform."
)
# The reasons that a setting may repair; no scanner that finds the address by chance comes so far.
HINTS = {
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
UNSIGNED = {"signature", "window"}  # a stranger's are refused for the same reasons


@dataclass(frozen=True, slots=True)
class RefusedPush:
    """The reason, and the Unix time at which it came."""

    reason: str
    at: float


def keep_refused(
    cache: str | Callable[[], Any],
    appid: str,
    reason: str,
    *,
    signed: bool = False,
    now: Callable[[], float] = time.time,
) -> None:
    """Keep a refused push that is signed, or may help an operator; a flood costs one write."""
    # A signed one is always a write: time must not reveal the reason.
    notes = Notes("refused", cache, seconds=KEPT, about=appid)
    if signed or (reason in HINTS and notes.first(reason, seconds=EVERY)):
        notes.write("newest", asdict(RefusedPush(reason, now())))


def newest_refused(cache: str | Callable[[], Any], appid: str) -> RefusedPush | None:
    """Return the newest refused push of the last day, if a setting may repair it."""
    found = Notes("refused", cache, seconds=KEPT, about=appid).read("newest")
    return RefusedPush(**found) if found and found["reason"] in HINTS else None
