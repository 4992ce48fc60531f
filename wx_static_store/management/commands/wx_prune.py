"""``wx_prune``: delete old rows of the log, and old releases."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat

from ...i18n import gettext as _, joined
from ...log.prune import COUNTED, prune, prune_releases, prune_waiting
from ...log.retention import RELEASES
from ...releases.previews import blank_ended
from ...upload import kept
from ..exits import YES, confirmed, number_between, wrong_use
from ..upkeep import UpkeepCommand

MOST_AT_ONCE = 10_000  # more would hold locks for long


class Command(UpkeepCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Delete old rows of the log, and old releases with the files that only they have. What "
            "is live, runs, or was used within a day stays, and so does the newest row of each "
            "file. Previews that have ended are overwritten. Exit code 0: done; 1: a preview is "
            "still public; 2: nothing was begun; 130: interrupted, what was deleted stays deleted."
        )
        add = parser.add_argument
        age = _("delete rows older than N days; without --env, releases too")
        add("--days", type=number_between(1, 100_000), metavar="N", help=age)
        last = _("keep N releases of each environment and folder (%(count)d with --days)")
        last %= {"count": RELEASES}
        add("--releases", type=number_between(1, 100_000), metavar="N", help=last)
        add("--env", metavar="ID", help=_("rows of this environment only"))
        rows, most = _("rows in a transaction (%(default)s)"), number_between(1, MOST_AT_ONCE)
        add("--batch", type=most, default=1000, metavar="N", help=rows)
        add("--dry-run", "-n", action="store_true", help=_("only count"))
        add(*YES, action="store_true", help=_("do not ask"))

    def work(self, **options: Any) -> None:
        self.options, dry_run = options, options["dry_run"]
        self.left: list[str] = []  # why previews could not be blanked
        # Environments share the kept bytes.
        self._with_releases = bool(options["releases"] or not options["env"])
        days, releases, env = (options[name] for name in ("days", "releases", "env"))
        if not (days or releases):
            text = _("Say what to delete: --days for rows of the log, --releases, or both.")
            raise wrong_use(text)
        if env and releases:
            raise wrong_use(_("Environments share releases: leave --env or --releases out."))
        if self._with_releases and kept.alias():
            kept.check()  # it may be public
        if not (dry_run or options["yes"]):
            self._prune(counts := Counter[str](), dry_run=True)
            if not confirmed(_("Delete %(counts)s?", counts=_in_words(counts))):
                self.stdout.write(_("Nothing was deleted."))
                return
        self._prune(self.counts, dry_run=dry_run)
        text = _("would be deleted: %(counts)s") if dry_run else _("deleted: %(counts)s")
        self.stdout.write(text % {"counts": self.counted})
        if self.left:
            raise CommandError("\n".join(map(str, self.left)))

    def _prune(self, counts: Counter[str], *, dry_run: bool) -> None:
        options, releases = self.options, self.options["releases"] or RELEASES
        waiting = [] if options["env"] else [prune_waiting(dry_run=dry_run)]  # it may refuse
        previews = blank_ended(options["env"], self.left.append, dry_run=dry_run)
        steps: list[Iterable[tuple[str, int]]] = [*waiting, previews]
        if days := options["days"]:
            how = {"env": options["env"], "batch": options["batch"], "releases": releases}
            steps.append(prune(days, **how, dry_run=dry_run))
        if self._with_releases:
            steps.append(prune_releases(releases, dry_run=dry_run))
        for kind, count in chain(*steps):
            counts[kind] += count

    @property
    def counted(self) -> str:
        return _in_words(self.counts)


def _in_words(counts: Counter[str]) -> str:
    parts = [f"{name} {counts[kind]:,}" for kind, name in COUNTED.items() if counts[kind]]
    size = [filesizeformat(counts["bytes"])] if counts["bytes"] else []
    return joined([*parts, *size]) or _("nothing")
