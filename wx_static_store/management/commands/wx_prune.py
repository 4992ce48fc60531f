"""``wx_prune``: delete old rows of the log."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from ...i18n import gettext as _, gettext_lazy
from ...log.prune import prune
from ..exits import WRONG_USE
from ..upkeep import UpkeepCommand

MOST_AT_ONCE = 10_000  # more would hold locks for long


class Command(UpkeepCommand):
    summary = gettext_lazy("uploads %(uploads)d, deployments %(deployments)d")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Delete rows of the log that are older than so many days, in small transactions. The "
            "newest row of a file stays, and so do the rows of a deployment that runs. "
            "Exit code 0: done; 2: nothing was begun; 130: interrupted, what was deleted stays so."
        )
        add = parser.add_argument
        age = _("how old they are")
        add("--days", type=_between(1, 100_000), required=True, metavar="N", help=age)
        add("--env", metavar="ID", help=_("of this environment only"))
        add(
            "--batch",
            type=_between(1, MOST_AT_ONCE),
            default=1000,
            metavar="N",
            help=_("rows in a transaction (%(default)s)"),
        )
        add("--dry-run", "-n", action="store_true", help=_("only count"))
        add("--yes", "-y", action="store_true", help=_("do not ask"))

    def work(self, **options: Any) -> None:
        chosen = {"env": options["env"], "batch": options["batch"]}
        dry_run = options["dry_run"]
        if not (dry_run or options["yes"] or self._agreed(options["days"], **chosen)):
            self.stdout.write(_("Nothing was deleted."))
            return
        for kind, count in prune(options["days"], **chosen, dry_run=dry_run):
            self.counts[kind] += count
        counts = self.counted
        self.stdout.write(
            _("would be deleted: %(counts)s", counts=counts)
            if dry_run
            else _("deleted: %(counts)s", counts=counts)
        )

    def _agreed(self, days: int, **chosen: Any) -> bool:
        if not sys.stdin.isatty():
            raise CommandError(_("Nobody is there to ask: add --yes."), returncode=WRONG_USE)
        old = Counter[str]()
        for kind, count in prune(days, **chosen, dry_run=True):
            old[kind] += count
        question = _(
            "Delete %(uploads)d uploads and %(deployments)d deployments that are older than "
            "%(days)d days? [y/N] ",
            uploads=old["uploads"],
            deployments=old["deployments"],
            days=days,
        )
        return input(question).strip().lower() in ("y", "yes")


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= most):
            parts = {"least": least, "most": most, "text": text}
            raise ArgumentTypeError(_("a number from %(least)d to %(most)d, not %(text)r", **parts))
        return int(text)

    return number
