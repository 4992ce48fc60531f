"""One cause of failures: whose it is, what a new try would do, and its texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any

from django.utils.functional import Promise

from ..i18n import gettext_lazy as _

Text = str | Promise


class Remedy(Enum):
    """Whether a new try helps. The retry loop, rollouts and people go by the same value."""

    NEW_LINK = "at once"  # each attempt asks for a link of its own
    WAIT = "in some minutes"
    NEW_TOKEN = "with a new token"  # noqa: S105 -- the loop discards the refused one
    LATER = "later"  # hours; the loop gives up
    CHANGE = "after a change"
    NEVER = "never"

    @property
    def gives_up(self) -> bool:
        """Return whether no further attempt of the same upload can succeed."""
        return self in (Remedy.LATER, Remedy.CHANGE, Remedy.NEVER)

    @property
    def passes(self) -> bool:
        """Return whether the same upload may succeed in some minutes, with nothing changed."""
        return self in (Remedy.NEW_LINK, Remedy.WAIT)

    @property
    def again(self) -> Text:
        """Say whether a new try helps."""
        return _AGAIN[self]


_AGAIN: dict[Remedy, Text] = {
    Remedy.NEW_LINK: _("A new try may help at once."),
    Remedy.WAIT: _("A new try may help in some minutes."),
    Remedy.NEW_TOKEN: _("A new try helps once a valid token is there."),
    Remedy.LATER: _("A new try helps later, not today."),
    Remedy.CHANGE: _("A new try helps only after something was changed."),
    Remedy.NEVER: _("No new try helps."),
}


class Blame(StrEnum):
    """Where the cause lies."""

    US = "us"
    PROJECT = "project"
    WECHAT = "wechat"
    COS = "cos"
    NETWORK = "network"
    TENANT = "tenant"

    @property
    def label(self) -> Text:
        return _WHERE[self]


_WHERE: dict[Blame, Text] = {
    Blame.US: _("a rule of this app"),
    Blame.PROJECT: _("this project: its settings, files and servers"),
    Blame.WECHAT: _("WeChat"),
    Blame.COS: _("the object store of Tencent Cloud"),
    Blame.NETWORK: _("the network"),
    Blame.TENANT: _("the tenant's environment"),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """
    One entry of the table.

    ``id`` is the code to look up, ``also`` holds other codes of the same cause. ``error`` names the
    exception, ``problem`` is the code of the API. ``docs`` is a label of the documentation.
    """

    id: str
    title: Text
    means: Text = ""
    operator: Text = ""
    editor: Text = ""
    remedy: Remedy = Remedy.CHANGE
    blame: Blame = Blame.PROJECT
    error: str = ""
    problem: str = "upstream"
    once: bool = False  # an upload is tried once more, whatever the remedy, and no further
    stops_batch: bool = False  # every other file would fail in this way, too
    pause: float = 0.0  # seconds before the next try, at least
    also: tuple[str, ...] = ()
    docs: str = ""
    page: str = ""  # of the documentation, below troubleshooting/

    def but(self, codes: str, **own: Any) -> Cause:
        """Return an entry that differs from this one by its codes and the values named."""
        first, *others = codes.split()
        return replace(self, **{"id": first, "also": tuple(others), "docs": "", **own})

    @property
    def codes(self) -> tuple[str, ...]:
        return self.id, *self.also
