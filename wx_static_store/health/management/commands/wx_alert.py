"""``wx_alert``: send problems that need attention now to the functions of ``ALERTS``."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ....conf import platform_options
from ....i18n import gettext as _, gettext_lazy, shown
from ....management.exits import WRONG_USE
from ....management.upkeep import UpkeepCommand
from ...alerts.watch import watch


class Command(UpkeepCommand):
    summary = gettext_lazy("sent %(sent)d, already known %(known)d")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.description = _(
            "Tell the functions of ALERTS what fails: checks of wx_doctor, tickets that do not "
            "come, a quota that is nearly used up, files that fail for more than an hour. Each "
            "cause is sent once an hour. Run it every ten minutes by cron. Exit code 0: all was "
            "checked, whatever was found; 2: nothing was begun."
        )

    def work(self, **options: Any) -> None:
        if not platform_options().alerts:
            text = _(
                'No alert would be sent: set WX_STATIC_STORE["ALERTS"], to '
                '["wx_static_store.health.alerts.send_mail"] for example.'
            )
            raise CommandError(text, returncode=WRONG_USE)
        for alert, sent in watch():
            self.counts["sent" if sent else "known"] += 1
            self.stdout.write(shown(f"{'!' if sent else '·'} {alert.title}"))
        self.stdout.write(self.counted)
