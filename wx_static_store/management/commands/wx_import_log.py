"""``wx_import_log``: rows from the log lines of a build that had no database."""

import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError

from ...i18n import gettext as _, gettext_lazy, labelled, ngettext
from ...log.import_lines import import_lines
from ..exits import WRONG_USE
from ..upkeep import UpkeepCommand


class Command(UpkeepCommand):
    summary = gettext_lazy(
        "added %(added)d, known %(known)d, left out %(left_out)d, broken %(broken)d"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Add the lines that wx_static_store.upload.JsonLinesFormatter wrote to the log, "
            "with their time. A line of a key that has a row is left out, unless the environment's "
            "list proves the line and not the row, so a file may come twice. Exit code 0: done; 1: "
            "some lines are no uploads; 2: nothing was begun; 130: interrupted."
        )
        text = _("the oldest first; - is the standard input")
        parser.add_argument("files", nargs="+", metavar="FILE", help=text)

    def work(self, **options: Any) -> None:
        with ExitStack() as stack:
            sources = [(name, stack.enter_context(_open(name))) for name in options["files"]]
            own: set[tuple[str, str]] = set()
            for name, lines in sources:

                def report(number: int, why: str, name: str = name) -> None:
                    self.stderr.write(labelled(f"{name}:{number}", why))

                for counts in import_lines(lines, report, own):
                    self.counts += counts
        self.stdout.write(self.counted)
        if broken := self.counts["broken"]:
            text = ngettext(
                "%(count)d line is no upload, see above; the others are done.",
                "%(count)d lines are no uploads, see above; the others are done.",
                broken,
            )
            raise CommandError(text)


def _open(name: str) -> AbstractContextManager[BinaryIO]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise CommandError(labelled(name, error.strerror), returncode=WRONG_USE) from None
