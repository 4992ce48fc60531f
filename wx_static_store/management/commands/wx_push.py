"""``wx_push``: send the files and deletions that wait."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import Error, close_old_connections

from ...core.frames import described
from ...core.interrupts import interruptible
from ...exceptions import WxStaticStoreError
from ...i18n import gettext as _, gettext_lazy, padded, shown
from ...upload.push import due, push
from ...upload.waiting import DUE, PARKED, rows
from ..exits import FAILED
from ..upkeep import UpkeepCommand

PAUSE = 5.0  # seconds between two looks with --watch
KINDS = ("stored", "deleted", "parked", "failed", "elsewhere")


class Command(UpkeepCommand):
    summary = gettext_lazy(
        "stored %(stored)d, deleted %(deleted)d, parked %(parked)d, failed %(failed)d, "
        "elsewhere %(elsewhere)d"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Send the files and deletions that wait since WeChat was away (option wait). Run it "
            "each minute by cron, or with --watch as a service. parked: it needs a person; failed: "
            "it is tried again later; elsewhere: the settings have no such store or environment. "
            "Exit code 0: nothing waits any more; 1: something waits; 2: nothing was begun."
        )
        add = parser.add_argument
        add("--watch", action="store_true", help=_("go on until it is interrupted"))
        add("--dry-run", "-n", action="store_true", help=_("only list what is due"))
        add("--json", action="store_true", help=_("print the numbers as JSON"))

    def work(self, **options: Any) -> None:
        if options["dry_run"]:
            for row in due().order_by("next_at", "id"):
                kind = padded(str(row.get_kind_display()), 8)
                self.stdout.write(f"{kind}  {row.env}  {shown(row.key)}  {row.message}".rstrip())
        else:
            push(counts=self.counts)
        while options["watch"] and not options["dry_run"]:
            with interruptible():
                time.sleep(PAUSE)
            close_old_connections()
            try:
                push(counts=self.counts)
            except (Error, WxStaticStoreError) as error:
                self.stderr.write(described(error))
        wait, need = (rows().filter(state=state).count() for state in (DUE, PARKED))
        if options["json"]:
            numbers = {kind: self.counts[kind] for kind in KINDS}
            self.stdout.write(json.dumps(numbers | {"wait": wait, "need_a_person": need}))
        else:
            self.stdout.write(self.counted)
        if wait or need:
            text = _("%(wait)d wait, %(need)d need a person", wait=wait, need=need)
            raise CommandError(text, returncode=FAILED)
