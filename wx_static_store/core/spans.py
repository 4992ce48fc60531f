"""Moments as people read them: in their time zone, or as an age."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.timesince import timesince

from ..i18n import gettext as _


def here(moment: datetime) -> datetime:
    """Return the moment in the time zone of the reader."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def ago(moment: datetime) -> str:
    """Return the age of a moment in words."""
    now = datetime.now(UTC) if timezone.is_aware(moment) else datetime.now()
    if (now - moment).total_seconds() < 60:
        return _("less than a minute ago")
    return _("%(time)s ago", time=timesince(moment, depth=1))
