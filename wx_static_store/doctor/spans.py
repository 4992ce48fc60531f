"""Spans of time as words."""

from __future__ import annotations

from django.utils.functional import lazy

from ..i18n import gettext as _, ngettext

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


def _words(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 2 * MINUTE:
        return ngettext("%(count)d second", "%(count)d seconds", whole)
    if whole < HOUR:
        return ngettext("%(count)d minute", "%(count)d minutes", whole // MINUTE)
    if whole < 2 * DAY:
        hours, minutes = whole // HOUR, whole % HOUR // MINUTE
        return _("%(hours)d h %(minutes)d min", hours=hours, minutes=minutes)
    return ngettext("%(count)d day", "%(count)d days", whole // DAY)


span = lazy(_words, str)
