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
from .findings import Check, Finding, Text, explained, not_asked, ok, warning, wrong
from .target import CheckTarget

OLD, SILENT = timedelta(minutes=15), timedelta(seconds=NOTED_SECONDS)
NAMED = 5  # keys
_NEEDS = ("settings.stores", "database.tables")


def _nobody(target: CheckTarget) -> Iterator[Finding]:
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


def _old(target: CheckTarget) -> Iterator[Finding]:
    old = rows().filter(state=DUE, created__lt=timezone.now() - OLD)
    minutes = OLD.seconds // 60
    if oldest := old.order_by("created", "id").first():
        facts = {"count": old.count(), "minutes": minutes, "key": oldest.key}
        text = _("Files wait for over %(minutes)d minutes (%(count)d). First: %(key)s.", **facts)
        found = warning(text, cause=oldest.cause, data=facts)
        yield explained(target, "waiting.nobody") or found
    else:
        yield _well(_("No file waits for over %(minutes)d minutes.", minutes=minutes))


def _parked(target: CheckTarget) -> Iterator[Finding]:
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


# An entry is read as one.
# fmt: off
CHECKS = (
    Check("waiting.nobody", _("Does wx_push run?"), _nobody,
        means=_("A file that waits is not public until wx_push, or the task push_waiting, sends "
                "it."),
        remedy=_("Run manage.py wx_push each minute by cron, or wx_push --watch as a service, or "
                 "put wx_static_store.tasks.push_waiting into the beat schedule of Celery."),
        needs=_NEEDS),
    Check("waiting.old", _("Are waiting files sent within a quarter of an hour?"), _old,
        means=_("The addresses of these files show nothing yet, or the old bytes. After an outage, "
                "wx_push needs some minutes for many files."),
        remedy=_("Run manage.py wx_push and read its output. If it counts files as elsewhere, the "
                 "settings lack their store or environment."), needs=_NEEDS),
    Check("waiting.parked", _("Can every waiting file be sent without a person?"), _parked,
        means=_("WeChat or COS refused the file itself, or it failed too often. It is not tried "
                "again by itself, and its bytes are kept."),
        remedy=_("Open Waiting files in the admin: its row says why. Then send it now, or give it "
                 "up. Saving the file again under its name replaces it."),
        needs=_NEEDS),
)
# fmt: on
