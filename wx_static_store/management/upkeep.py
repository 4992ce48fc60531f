"""The base of the commands on the log, which report their counts at any end."""

from collections import Counter
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils.functional import Promise

from ..core import interrupts
from ..deploy.log_lines import shown_warnings
from ..deploy.state import from_log
from ..exceptions import NameRejected, WxStaticStoreError
from ..i18n import gettext as _
from ..upload.database import log
from .exits import WRONG_USE


class UpkeepCommand(BaseCommand):
    """Work on the log; `summary` reports the `counts`, however the work ends."""

    # A wrong setting ends with our own exit code and hint.
    requires_system_checks = []
    summary: str | Promise = ""

    def handle(self, *args: Any, **options: Any) -> None:
        self.counts = Counter[str]()
        try:
            with interrupts.handled(), shown_warnings(self.stderr.write):
                from_log(log().exists)
                self.work(**options)
        except KeyboardInterrupt:
            text = _("Interrupted, and what is done stays: %(counts)s", counts=self.counted)
            raise CommandError(text, returncode=interrupts.EXIT_CODE) from None
        except (WxStaticStoreError, ImproperlyConfigured, Error, OSError) as error:
            if isinstance(error, ImproperlyConfigured | NameRejected) and not self.counts.total():
                raise CommandError(str(error), returncode=WRONG_USE) from None
            text = _("Broken off, and what is done stays: %(counts)s", counts=self.counted)
            raise CommandError(f"{text}\n{error}") from None

    def work(self, **options: Any) -> None:
        raise NotImplementedError

    @property
    def counted(self) -> str:
        return str(self.summary) % self.counts
