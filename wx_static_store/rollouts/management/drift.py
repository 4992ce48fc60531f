"""``wx_reconcile --all``: every environment beside what is live there."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import CommandError

from ...i18n import gettext as _, labelled, listed, ngettext, shown
from ...management.exits import wrong_use
from .. import drift
from ..models import Drift

Line = Mapping[str, Any]
WITH_ALL = ("celery", "repair", "last")
COUNTS = ("missing", "differs", "unlogged")


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    text = _(
        "compare every environment with what is live there, by lists alone; what differs is kept "
        "in a row for each"
    )
    add("--all", action="store_true", help=text)
    text = _("with --all, let workers of Celery do it, and do not wait for them")
    add("--celery", action="store_true", help=text)
    text = _("with --all, send again what is not as it was deployed")
    add("--repair", action="store_true", help=text)
    add("--last", action="store_true", help=_("with --all, show the rows of the last time only"))


def refuse_without_all(line: Line) -> None:
    if meant := [f"--{name}" for name in WITH_ALL if line[name]]:
        raise wrong_use(_("%(options)s: add --all.", options=listed(meant)))


def show(line: Line, counts: Counter[str], write: Callable[[str], object]) -> None:
    """Print each environment that drifted, and the sum; raise CommandError (1) if one did."""
    if meant := [f"--{name}" for name in ("env", "prefix", "fix") if line[name]]:
        raise wrong_use(_("--all: leave %(options)s out.", options=listed(meant)))
    if line["last"] and (line["celery"] or line["repair"]):
        raise wrong_use(_("--last only shows: leave --celery and --repair out."))
    places = drift.places(line["using"] or "")
    if line["celery"]:
        sent = drift.hand_out(places, with_repair=line["repair"])
        text = ngettext(
            "%(count)d environment was handed to Celery; wx_reconcile --all --last shows its row",
            "%(count)d environments were handed to Celery; wx_reconcile --all --last shows their "
            "rows",
            sent,
        )
        write(text)
        return
    drifted = 0
    for row in _rows(line, places):
        drifted += not row.is_clean
        counts.update({name: getattr(row, name) for name in COUNTS})
        if not row.is_clean or row.unlogged:
            write(line_of(row))
    _conclude(len(places), drifted, write)


def _rows(line: Line, places: list[drift.Place]) -> Any:
    if line["last"]:
        wanted = {*places}
        return (row for row in drift.rows() if (row.using, row.env) in wanted)
    look = drift.look_and_repair if line["repair"] else drift.look
    return (look(*place) for place in places)


def line_of(row: Drift) -> str:
    """Return what one environment has otherwise, or why that is not known."""
    counts = _("missing %(missing)d, differs %(differs)d, unlogged %(unlogged)d", **vars(row))
    place = _("%(what)s (%(facts)s)", what=row.env, facts=row.using)
    return shown(labelled(place, row.message or counts))


def _conclude(places: int, drifted: int, write: Callable[[str], object]) -> None:
    write(
        ngettext(
            "%(count)d environment compared, %(drifted)d not as it was deployed",
            "%(count)d environments compared, %(drifted)d not as they were deployed",
            places,
            drifted=drifted,
        )
    )
    if drifted:
        text = _("To send again what was deployed: wx_reconcile --all --repair")
        raise CommandError(text, returncode=1)
