"""Problems that need attention now: errors that the doctor finds, and files that still fail."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from ...core.types import NOT_STORED, UploadStatus
from ...i18n import labelled, listed, ngettext
from ...models import UploadLog
from ..doctor.latest import examined
from .alert import Alert, in_own_language, send
from .events import causes_of

# Seconds: the command and the task may both look within ten minutes.
AGE = 600.0
LONG, FORGOTTEN = timedelta(hours=1), timedelta(days=1)  # a key fails so long; alerts go on so long
NAMED = 5  # keys
# Of these checks a warning is sent, too: tickets that do not come, calls that are nearly used up,
# files that wait.
EARLY = ("token.ticket", "token.pushes", "quota.calls", "waiting.old", "waiting.parked")


def watch() -> Iterator[tuple[Alert, bool]]:
    """Yield each problem that needs attention, and whether an alert was sent just now."""
    with in_own_language():
        for alert in (*_of_doctor(), *_of_log()):
            yield alert, send(alert)


def _of_doctor() -> Iterator[Alert]:
    for check in examined(AGE)["checks"]:
        marks = ("wrong", "warning") if check["id"] in EARLY else ("wrong",)
        found = [one for one in check["findings"] if one["status"] in marks]
        if found:
            lines = [labelled("wx_doctor", check["id"])]
            lines += [line for one in found for line in (one["text"], one["hint"]) if line]
            yield Alert(f"check:{check['id']}", found[0]["text"], "\n".join(lines))


def _of_log() -> Iterator[Alert]:
    now, rows = timezone.now(), UploadLog.objects.primary()
    late = rows.filter(created__gte=now - FORGOTTEN)
    same_key = {name: OuterRef(name) for name in ("env", "key_digest")}
    repaired = Exists(rows.filter(**same_key, id__gt=OuterRef("id"), status=UploadStatus.STORED))
    begun = rows.filter(~repaired, **same_key, status__in=NOT_STORED, created__lte=now - LONG)
    # Of a key that somebody tries again and again, the newest row is young.
    is_long = Q(created__lte=now - LONG) | ~Q(key="") & Exists(begun)
    failing = late.still_failing().filter(is_long).order_by("-id")
    keys = [row.key or row.name for row in failing]
    if keys:
        title = ngettext(
            "%(count)d file fails for more than an hour",
            "%(count)d files fail for more than an hour",
            len(keys),
        )
        named = str(listed(keys, NAMED))
        yield Alert("failing", title, "\n".join([named, *causes_of(failing)]))
