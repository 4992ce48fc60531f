"""``wx_reconcile``: does the log say what the cloud has?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ...naming import clean_name
from ...store import get_store
from ...upkeep.reconcile import Comparison, Finding
from ..upkeep import UpkeepCommand


class Command(UpkeepCommand):
    help = (
        "Compare what the cloud has with the newest rows of the log. missing: the log says "
        "stored, the cloud has none; differs: other bytes; unlogged: no row; unknown: an upload "
        "whose answer never came, and now it can be told. "
        "Exit code 0: they agree, or --fix made them; 1: they differ; 2: nothing was begun."
    )
    kinds = ("missing", "differs", "unlogged", "unknown")

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--using", default="default", metavar="ALIAS", help="alias in STORAGES (%(default)s)")
        add("--env", metavar="ID", help="another environment of the platform")
        add("--prefix", default="", help="only names that begin so, below the store's location")
        add("--fix", action="store_true", help="add rows to the log that say how it is")

    def work(self, **options: Any) -> None:
        store = get_store(options["using"], options["env"])
        comparison = Comparison(store, _prefix(options["prefix"]), fix=options["fix"])
        for finding in comparison:
            self.counts[finding.kind] += 1
            self.stdout.write(_line(finding))
        self.stdout.write(f"{store.env}: {comparison.objects} objects, {self.counted}")
        if comparison.unsure:
            self.stdout.write(f"{comparison.unsure} by size only: the list shows no MD5 of them")
        self._conclude(fixed=options["fix"])

    def _conclude(self, *, fixed: bool) -> None:
        found = self.counts.total()
        if found and not fixed:
            raise CommandError("Cloud and log differ; --fix adds rows that say how it is.")
        if found:
            self.stdout.write(
                f"{found} rows added; the next deploy sends what is not as it should be"
            )


def _prefix(text: str) -> str:
    """As keys are written; a slash at its end stays."""
    return clean_name(text.removesuffix("/")) + "/" * text.endswith("/") if text else ""


def _line(finding: Finding) -> str:
    key = finding.key if finding.key.isprintable() else ascii(finding.key)
    became = f" → {finding.status}" if finding.kind == "unknown" else ""
    return f"{finding.kind:<8}  {key}: {finding.message}{became}"
