"""The files that wait: who sends them, how old they are, which need a person."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from ...conf import platform_options
from ...conf.cache_checks import is_for_all
from ...i18n import gettext_lazy as _, listed
from ...models.columns import Now
from ...upload.platform import platform_notes
from ...upload.push import NOTED_SECONDS, due
from ...upload.waiting import DUE, PARKED, rows
from .findings import Finding, Text, explained, not_asked, ok, warning, wrong
from .target import CheckTarget

OLD, SILENT = timedelta(minutes=15), timedelta(seconds=NOTED_SECONDS)
NAMED = 5  # keys


def check_pusher(target: CheckTarget) -> Iterator[Finding]:
    count = due().filter(next_at__lte=Now() - SILENT).count()
    alias = (options := platform_options()).token_cache
    if count and (target.cache_is_away or not is_for_all(alias)):
        text = _("The cache %(alias)r does not show whether wx_push runs elsewhere.", alias=alias)
        yield not_asked(text)
    elif count and not platform_notes(options).read("push"):
        facts = {"count": count, "minutes": SILENT.seconds // 60}
        text = _("Files are due (%(count)d), but no wx_push ran for %(minutes)d minutes.", **facts)
        yield wrong(text, data=facts)
    else:
        yield _well(_("Nothing is due, or wx_push is at work."))


def check_old(target: CheckTarget) -> Iterator[Finding]:
    old = rows().filter(state=DUE, created__lt=timezone.now() - OLD)
    minutes = OLD.seconds // 60
    if oldest := old.order_by("created", "id").first():
        facts = {"count": old.count(), "minutes": minutes, "key": oldest.key}
        text = _("Files wait for over %(minutes)d minutes (%(count)d). First: %(key)s.", **facts)
        found = warning(text, cause=oldest.cause, data=facts)
        yield explained(target, "waiting.nobody") or found
    else:
        yield _well(_("No file waits for over %(minutes)d minutes.", minutes=minutes))


def check_parked(target: CheckTarget) -> Iterator[Finding]:
    parked = rows().filter(state=PARKED)
    if count := parked.count():
        keys = parked.order_by("created", "id").values_list("key", flat=True)[:NAMED]
        facts = {"count": count, "keys": listed([*keys, *["…"] * (count > NAMED)])}
        text = _("Waiting files need a person (%(count)d): %(keys)s.", **facts)
        yield warning(text, data={"count": count})
    else:
        yield _well(_("No waiting file needs a person."))


def _well(text: Text) -> Finding:
    if platform_options().waiting_storage:
        return ok(text)
    return not_asked(_("No file waits: WAITING_STORAGE is not set."))
