"""What the commands on the log have in common: how they end, and what they say then."""

from collections import Counter
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from ..exceptions import ConfigurationError, NameRejected, WxStaticStoreError
from ..upkeep import log
from .exits import INTERRUPTED, WRONG_USE


class UpkeepCommand(BaseCommand):
    """Does its `work()` on the log; `counts` is told however that ends."""

    requires_system_checks = []  # a wrong setting ends with our own code and hint
    kinds: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.counts = Counter[str]()
        self._look_for_the_log()
        try:
            self.work(**options)
        except KeyboardInterrupt:
            text = f"Interrupted, and what is done stays: {self.counted}"
            raise CommandError(text, returncode=INTERRUPTED) from None
        except (ConfigurationError, NameRejected) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from None
        except (WxStaticStoreError, Error, OSError) as error:
            text = f"Broken off, and what is done stays: {self.counted}\n{error}"
            raise CommandError(text) from None

    def work(self, **options: Any) -> None:
        raise NotImplementedError

    @property
    def counted(self) -> str:
        return ", ".join(f"{kind} {self.counts[kind]}" for kind in self.kinds)

    def _look_for_the_log(self) -> None:
        try:
            log().exists()
        except (Error, ImproperlyConfigured) as error:
            reason = str(error).splitlines()[:1]
            raise CommandError(
                f"There is no upload log to work on ({type(error).__name__}: {''.join(reason)}). "
                "Look at DATABASES, and run: manage.py migrate wx_static_store",
                returncode=WRONG_USE,
            ) from None
