"""Explain a failure by its code, or the upload of a row in the log."""

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...causes import Cause, docs_place, every_entry, matching
from ...conf.settings import nearest
from ...i18n import gettext as _, labelled
from ...models import UploadLog

_PART = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")  # of a text, filled in where the failure is shown


class Command(BaseCommand):
    """Print what a code means, and what an editor and an operator do about it."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Explain an errcode, a code of COS, a check, an exception, or a row of the log."
        )
        codes = _("85088, AccessDenied, W020, probe.answers, TlsFailed, or the id of a row")
        parser.add_argument("code", metavar="CODE", help=codes)
        parser.add_argument("--row", action="store_true", help=_("CODE is the id of a row"))

    def handle(self, *args: Any, **options: Any) -> None:
        code, is_number = options["code"], re.fullmatch(r"#?\d{1,18}", options["code"])
        entries = [] if options["row"] else matching(code)
        row = None
        if not entries and is_number:
            row = UploadLog.objects.filter(pk=int(code.lstrip("#"))).first()
        if row:
            self.stdout.write(f"#{row.pk} {row}")
            if row.why:  # the entry of its cause, with the row's own texts
                self.stdout.write(row.message)
                entries = [replace(row.why, editor=row.advice, operator=row.hint)]
        elif not entries:
            near = nearest(code, [entry.id for entry in every_entry()])
            raise CommandError(_("There is no entry %(code)s. %(near)s", code=code, near=near))
        for entry in entries:
            self.stdout.write("\n".join(_lines(entry)))


def _lines(entry: Cause) -> Iterator[str]:
    """Yield the parts of an entry that say something."""
    yield labelled(", ".join(entry.codes), _PART.sub("…", str(entry.title)))
    parts = (
        (_("What it means"), entry.means),
        (_("For the editor"), entry.editor),
        (_("For the operator"), entry.operator),
        (_("Trying again"), entry.error and entry.remedy.label),
        (_("Where it lies"), entry.error and entry.blame.label),
        (_("Documentation"), docs_place(entry.id)),
    )
    yield from (f"  {labelled(name, _PART.sub('…', str(text)))}" for name, text in parts if text)
