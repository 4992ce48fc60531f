"""Spans of time as words."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.functional import lazy
from django.utils.timesince import timesince

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


def here(moment: datetime) -> datetime:
    """Return the moment in the time zone of the reader."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def ago(moment: datetime) -> str:
    """Return the age of a moment in words."""
    now = datetime.now(UTC) if timezone.is_aware(moment) else datetime.now()
    if (now - moment).total_seconds() < 60:
        return _("less than a minute ago")
    return _("%(time)s ago", time=timesince(moment, depth=1))
