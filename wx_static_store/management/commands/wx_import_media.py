"""``wx_import_media``: copy the files of another storage into one of ours."""

from argparse import ArgumentParser
from typing import Any

from django.core.files.storage import storages
from django.core.management.base import CommandError

from ...conf import all_options
from ...conf.options import MEDIA
from ...conf.settings import nearest
from ...core.interrupts import held
from ...deploy.media_import import MediaImport
from ...i18n import gettext as _, gettext_lazy, joined, labelled, padded, sentences, shown
from ...upload.uploader import get_uploader
from ..exits import YES, confirmed, wrong_use
from ..report_file import prepare_report, write_json
from ..upkeep import UpkeepCommand

KINDS = {
    "new": gettext_lazy("new"),
    "sent": gettext_lazy("sent"),
    "unchanged": gettext_lazy("unchanged"),
    "corrected": gettext_lazy("corrected"),
    "differs": gettext_lazy("differs"),
    "refused": gettext_lazy("refused"),
    "waits": gettext_lazy("waits"),
    "failed": gettext_lazy("failed"),
    "missing": gettext_lazy("missing"),
}
WELL = ("new", "sent", "unchanged", "corrected")


class Command(UpkeepCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Copy the files of another storage into a store of media, under the same names. A "
            "later run sends only what is missing. corrected: the cloud had the file, the log did "
            "not; differs: the cloud has another file, which stays; refused: no object can have "
            "this name; waits: a file waits under this name (wx_push); missing: the cloud does not "
            "have it at the end. Exit code 0: the cloud has all files; 1: not all; 2: nothing was "
            "begun; 130: interrupted, what was sent stays."
        )
        add = parser.add_argument
        add("source", metavar="ALIAS", help=_("alias in STORAGES of the storage to read"))
        add("--to", metavar="ALIAS", default="default", help=_("alias of the store (default)"))
        add("--env", metavar="ID", help=_("another environment of the platform"))
        add("--prefix", default="", help=_("only names that begin with it"))
        add("--overwrite", action="store_true", help=_("replace files that differ in the cloud"))
        fields = _("also report names in file fields that neither the source nor the cloud has")
        add("--fields", action="store_true", help=fields)
        add("--dry-run", "-n", action="store_true", help=_("compare, and send nothing"))
        text = _("write the counts, and the files that need you, to FILE")
        add("--json", metavar="FILE", help=text)
        add(*YES, action="store_true", help=_("do not ask"))

    def work(self, **options: Any) -> None:
        source, to, report = options["source"], options["to"], options["json"]
        self.verbose, self.files = options["verbosity"] > 1, list[dict[str, str]]()
        prepare_report(report)
        uploader = get_uploader(to, options["env"])
        if source not in storages.backends:
            text = _("STORAGES has no alias %(alias)r.", alias=source)
            raise wrong_use(sentences([text, nearest(source, [*storages.backends])]))
        stores, own = [storages[source], storages[to]], all_options().get(source)
        # A source of the same environment that has the store's files, too, would grow by each run.
        holds = own and (own.env, uploader.options.location.startswith(own.location))
        if uploader.options.kind != MEDIA or holds == (uploader.env, True):
            raise wrong_use(_("--to names a store of media that is no part of the source."))
        facts = {"version": 1, "source": source, "using": to, "env": uploader.env}
        question = _("Make the files of %(source)s public in %(env)s?", **facts)
        if not (options["dry_run"] or options["yes"] or confirmed(question)):
            self.stdout.write(_("Nothing was published."))
            return
        how = {name: options[name] for name in ("prefix", "overwrite", "dry_run")}
        how["storages"] = stores * options["fields"]
        try:
            with held():
                MediaImport(stores[0], uploader, self._report, **how).run()
        finally:
            facts["counts"] = {kind: self.counts[kind] for kind in KINDS}
            write_json(report, facts | {"files": self.files})
        self.stdout.write(labelled(uploader.env, self.counted))
        if self.files:
            raise CommandError(_("Not every file is in the cloud as it is in the source."))

    @property
    def counted(self) -> str:
        found = (f"{name} {self.counts[kind]}" for kind, name in KINDS.items() if self.counts[kind])
        return joined(found) or _("nothing")

    def _report(self, kind: str, name: str, why: object) -> None:
        self.counts[kind] += 1
        if kind not in WELL:
            self.files.append({"kind": kind, "name": name, "why": str(why)})
        if kind not in WELL[1:] or self.verbose:
            line = labelled(shown(name), why) if why else shown(name)
            self.stdout.write(f"{padded(str(KINDS[kind]), 9)}  {line}")
