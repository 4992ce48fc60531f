"""``wx_reconcile``: compare the log with what the cloud has."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ...core.naming import clean_name
from ...i18n import gettext as _, gettext_lazy, labelled, ngettext, padded, shown
from ...log.reconcile import LogComparison
from ...models import UploadLog
from ...upload.store import get_store
from ..upkeep import UpkeepCommand

KINDS = {
    "missing": gettext_lazy("missing"),
    "differs": gettext_lazy("differs"),
    "unlogged": gettext_lazy("unlogged"),
    "unknown": gettext_lazy("unknown"),
}


class Command(UpkeepCommand):
    summary = gettext_lazy(
        "missing %(missing)d, differs %(differs)d, unlogged %(unlogged)d, unknown %(unknown)d"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Compare the cloud with the newest rows of the log. missing: the log says stored, the "
            "cloud has no file; differs: other bytes; unlogged: no row; unknown: the answer to an "
            "upload never came, and the cloud shows now what became of it. Exit code 0: they "
            "agree, or --fix made them agree; 1: they differ; 2: nothing was begun."
        )
        add = parser.add_argument
        add("--using", metavar="ALIAS", default="default", help=_("alias in STORAGES (default)"))
        add("--env", metavar="ID", help=_("another environment of the platform"))
        prefix = _("only names that begin with it, below the store's location")
        add("--prefix", default="", help=prefix)
        fix = _("add rows to the log that show the state of the cloud")
        add("--fix", action="store_true", help=fix)

    def work(self, **options: Any) -> None:
        store = get_store(options["using"], options["env"])
        prefix = options["prefix"]
        # As keys are written; a slash at its end stays.
        if prefix:
            prefix = clean_name(prefix.removesuffix("/")) + "/" * prefix.endswith("/")
        comparison = LogComparison(store, prefix, fix=options["fix"])
        for discrepancy in comparison:
            self.counts[discrepancy.kind] += 1
            status = UploadLog.Status(discrepancy.status).label
            became = f" → {status}" if discrepancy.kind == "unknown" else ""
            line = labelled(shown(discrepancy.key), discrepancy.message)
            self.stdout.write(f"{padded(str(KINDS[discrepancy.kind]), 8)}  {line}{became}")
        self.stdout.write(
            ngettext(
                "%(env)s: %(count)d object, %(counts)s",
                "%(env)s: %(count)d objects, %(counts)s",
                comparison.objects,
                env=store.env,
                counts=self.counted,
            )
        )
        if unsure := comparison.unsure:
            text = _("%(count)d by size only: the list shows no MD5 of them", count=unsure)
            self.stdout.write(text)
        found = self.counts.total()
        if found and not options["fix"]:
            raise CommandError(_("Cloud and log differ; --fix adds rows that say how it is."))
        if found:
            text = ngettext(
                "%(count)d row added; the next deploy sends what is not as it should be",
                "%(count)d rows added; the next deploy sends what is not as it should be",
                found,
            )
            self.stdout.write(text)
