"""An alert, sent to the functions of the option ``ALERTS``."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from django.utils import translation

from ...conf import platform_options
from ...conf.settings import setting
from ...core.frames import described
from ...core.notes import Notes

logger = logging.getLogger("wx_static_store.alerts")

QUIET = 60 * 60  # seconds in which no second alert of a cause is sent


@dataclass(frozen=True, slots=True)
class Alert:
    """
    Something that failed, in the language of ``LANGUAGE_CODE``; without secrets.

    `cause` names what failed in a form that stays the same, as ``deployment:env-1``.
    """

    cause: str
    title: str
    text: str


def in_own_language() -> translation.override:
    """Return a context in which texts are in the project's language, not in the request's."""
    return translation.override(setting("LANGUAGE_CODE"))


def send(alert: Alert) -> bool:
    """
    Hand the alert to each function of ``ALERTS``; return whether one took it.

    For an hour, no process that shares the cache ``TOKEN_CACHE`` sends an alert of this cause. A
    function that fails is logged, and changes nothing else.
    """
    options, alert = platform_options(), replace(alert, title=" ".join(alert.title.split()))
    notes = Notes("alert", options.token_cache, seconds=QUIET)
    if not options.alerts or notes.first(alert.cause) is False:
        return False
    taken = [_hand_over(function, alert) for function in options.alerts]
    if not any(taken):
        notes.forget(alert.cause)
    return any(taken)


def _hand_over(function: object, alert: Alert) -> bool:
    try:
        function(alert)  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 -- of a project's function
        why = described(error)
        logger.error("The alert %s was not sent by %s: %s", alert.cause, function, why)
        return False
    return True
