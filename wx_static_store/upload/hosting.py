"""WeChat's answers about the static hosting of environments: address and state, kept for a day."""

import logging
import time
from collections.abc import Collection
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

from ..clients.links import is_loopback, is_site
from ..clients.wechat import StaticStore
from ..conf import Options
from ..core.notes import Notes
from ..i18n import gettext_noop

ONLINE, NEVER_OPENED = "online", "none"  # of the states; the second is no word of WeChat's
DAY = 24 * 3600

logger = logging.getLogger("wx_static_store.store")


@dataclass(frozen=True, slots=True)
class Hosting:
    """The site's address, the state of its hosting, and when WeChat was asked."""

    root: str = ""
    status: str = ""  # empty: WeChat named none
    asked: float = 0.0  # in seconds since 1970; 0 if not asked lately


class Hostings:
    """Remember the hosting of environments in the shared cache; nothing while the cache fails."""

    def __init__(self, options: Options) -> None:
        self._api = options.api_base_url
        report = partial(logger.warning, gettext_noop("The cache fails (%s)"))
        alias, about = options.token_cache, self._api
        self._notes = Notes("hosting", alias, seconds=DAY, about=about, report=report)

    def get(self, env: str) -> Hosting:
        return self._read(self._notes.read(env))

    def get_many(self, envs: Collection[str]) -> dict[str, Hosting]:
        """Return the remembered hosting of each environment, by one call of the cache."""
        return {env: self._read(note) for env, note in self._notes.read_many(envs).items()}

    def keep(self, env: str, found: StaticStore | None) -> Hosting:
        """Remember an answer for a day: a fault must not look repaired after an hour."""
        domain, status = (found.domain, found.status) if found else ("", "")
        if not domain and status in ("", ONLINE):
            status = NEVER_OPENED
        local = is_loopback(self._api) and is_loopback(f"http://{domain}")
        root = f"{'http' if local else 'https'}://{domain}/" if domain else ""
        hosting = Hosting(root, status, time.time())
        self._notes.write(env, astuple(hosting))
        return hosting

    def _read(self, note: Any) -> Hosting:
        """Return the kept hosting; ignore all that is none: others write there, too."""
        match note:
            case [str(root), str(status), float(asked)] if 0 <= asked < time.time() + DAY:
                if not root or is_site(root, self._api):
                    return Hosting(root, status, asked)
        return Hosting()
