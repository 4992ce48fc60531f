"""The address of an environment's site, and the remembered state of its static hosting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from ...admin.columns import Look
from ...admin.labels import Text
from ...admin.places import Places
from ...core.spans import ago
from ...i18n import gettext as _, gettext_lazy, shown
from ...upload.hosting import NEVER_OPENED, ONLINE, Hosting

_OPENING = (Look("…", "wx-unsure"), gettext_lazy("hosting is being opened"))
_STATES: dict[str, tuple[Look, Text]] = {
    "init": _OPENING,
    "process": _OPENING,
    ONLINE: (Look("✓", "wx-good"), gettext_lazy("open")),
    "offline": (Look("✗", "wx-bad"), gettext_lazy("hosting is closed")),
    "destroying": (Look("✗", "wx-bad"), gettext_lazy("hosting is being closed")),
    "create_fail": (Look("✗", "wx-bad"), gettext_lazy("hosting could not be opened")),
    "destroy_fail": (Look("✗", "wx-bad"), gettext_lazy("hosting could not be closed")),
    NEVER_OPENED: (Look("✗", "wx-bad"), gettext_lazy("hosting was never opened")),
    "": (Look("?", "wx-quiet"), gettext_lazy("WeChat named no state")),
}
_NOT_ASKED = (Look("–", "wx-quiet"), gettext_lazy("not asked"))
LONGEST = 30  # characters of a state that is not known


class ShownHosting(NamedTuple):
    """An address, also without its scheme, and a state; `ago` is empty if WeChat was not asked."""

    address: str
    short: str
    look: Look
    text: Text
    ago: str
    is_odd: bool  # a list shows no other state that WeChat named


def shown_hosting(
    places: Places, using: str, folder: str, env: str, hosting: Hosting
) -> ShownHosting:
    """Return the hosting with the address of a folder; the alias may be gone, or empty."""
    return _shown(hosting, places.address(places.alias(env, using), env, folder, hosting))


def is_odd(hosting: Hosting) -> bool:
    """Return whether WeChat named a state other than open."""
    return bool(hosting.asked) and hosting.status not in ("", ONLINE)


def _shown(hosting: Hosting, address: str) -> ShownHosting:
    word = shown(hosting.status[:LONGEST])
    unknown = Look("?", "wx-unsure"), _("hosting: %(state)s", state=word)
    look, text = _STATES.get(hosting.status, unknown) if hosting.asked else _NOT_ASKED
    return ShownHosting(
        address,
        address.partition("://")[2].rstrip("/"),
        look,
        text,
        ago(datetime.fromtimestamp(hosting.asked, UTC)) if hosting.asked else "",
        is_odd(hosting),
    )
