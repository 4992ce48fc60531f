"""The releases of one environment, as ``wx_deploy --list`` shows them."""

from django.core.management.base import CommandError

from ..i18n import gettext as _, labelled, ngettext, padded, shown
from ..models import Deployment
from ..upload.database import in_database
from .exits import WRONG_USE

RELEASES = 20


def release_lines(env: str) -> list[str]:
    """Return a heading, and a line for each of the newest releases."""
    query = Deployment.objects.primary().filter(env=env).select_related("user")
    rows = in_database(lambda: list(query[:RELEASES]), otherwise=None)
    if rows is None:
        text = _(
            "There is no log that lists releases: look at DATABASES, and run "
            "manage.py migrate wx_static_store."
        )
        raise CommandError(text, returncode=WRONG_USE)
    head = ngettext(
        "%(env)s: %(count)d release",
        "%(env)s: %(count)d releases, the newest first",
        len(rows),
        env=env,
    )
    return [head, *map(_line, rows)]


def _line(row: Deployment) -> str:
    counts = _(
        "stored %(stored)d, unchanged %(skipped)d, failed %(failed)d, "
        "not attempted %(not_attempted)d; %(bytes)s bytes",
        **vars(row) | {"bytes": f"{row.bytes:,}"},
    )
    what = f"{row.source} {row.label}".rstrip()
    if row.user:
        what = _("%(what)s by %(user)s", what=what, user=row.user)
    if row.duration_ms is not None:
        counts = _("%(counts)s, %(seconds).1f s", counts=counts, seconds=row.duration_ms / 1000)
    outcome = padded(row.get_outcome_display(), 8)
    return shown(
        f"{row.pk:>6}  {row.created:%Y-%m-%d %H:%M:%S %Z}  {outcome} {labelled(what, counts)}"
    )
