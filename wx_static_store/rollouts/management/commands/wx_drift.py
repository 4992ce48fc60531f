"""``wx_drift``: compare every environment with what is live there."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError

from ....i18n import gettext as _, gettext_lazy, labelled, listed, ngettext, shown, with_facts
from ....management.exits import wrong_use
from ....management.upkeep import UpkeepCommand
from ....releases.rollback import NAMED
from ... import drift
from ...models import Drift

COUNTS = ("missing", "differs", "unlogged")


class Command(UpkeepCommand):
    summary = gettext_lazy("missing %(missing)d, differs %(differs)d, unlogged %(unlogged)d")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Compare the list of every environment with its live release, and keep the result in a "
            "row for each. Exit code 0: all are as they were deployed; 1: one is not, or could not "
            "be compared; 2: nothing was begun."
        )
        add = parser.add_argument
        add("--using", metavar="ALIAS", default="", help=_("one store; without it, all stores"))
        text = _("let workers of Celery do it, and do not wait for them")
        add("--celery", action="store_true", help=text)
        text = _("send the files that differ from the live release again")
        add("--repair", action="store_true", help=text)
        add("--last", action="store_true", help=_("only show the results of the last time"))

    def work(self, **options: Any) -> None:
        """Print each environment that drifted, and the sum; raise CommandError (1) if one did."""
        if options["last"] and (options["celery"] or options["repair"]):
            raise wrong_use(_("--last only shows: leave --celery and --repair out."))
        places = drift.places(options["using"])
        if options["celery"]:
            sent = drift.hand_out(places, with_repair=options["repair"])
            text = ngettext(
                "%(count)d environment was handed to Celery; wx_drift --last shows its row",
                "%(count)d environments were handed to Celery; wx_drift --last shows their rows",
                len({env for _using, env in places[:sent]}),
            )
            self.stdout.write(text)
            return
        look = drift.look_and_repair if options["repair"] else drift.look
        rows: Iterable[Drift] = (look(*place) for place in places)
        if options["last"]:
            rows = (row for row in drift.rows() if (row.using, row.env) in {*places})
        clean, unseen = dict[str, bool](), set[str]()  # by environment: each store has a row
        for row in rows:
            if row.message:
                unseen.add(row.env)
            else:
                clean[row.env] = row.is_clean and clean.get(row.env, True)
                self.counts.update({name: getattr(row, name) for name in COUNTS})
            if not row.is_clean or row.unlogged:
                self.stdout.write(line_of(row))
        text = ngettext(
            "%(count)d environment compared, %(drifted)d not as it was deployed",
            "%(count)d environments compared, %(drifted)d not as they were deployed",
            len(clean),
            drifted=[*clean.values()].count(False),
        )
        self.stdout.write(text)
        if not all(clean.values()):
            text = _("To send again what was deployed: wx_drift --repair")
            raise CommandError(text, returncode=1)
        if unseen:
            raise CommandError(_("Not compared: %(envs)s.", envs=listed(sorted(unseen), NAMED)))


def line_of(row: Drift) -> str:
    """Return how one environment differs, or why that is not known."""
    counts = _("missing %(missing)d, differs %(differs)d, unlogged %(unlogged)d", **vars(row))
    return shown(labelled(with_facts(row.env, row.using), row.message or counts))
