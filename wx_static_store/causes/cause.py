"""One cause of failures: whose it is, what a new try would do, and its texts."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Self

from django.utils.functional import Promise

from ..i18n import gettext_lazy as _

Text = str | Promise


class Labelled(Enum):
    """A member is written as its value and its label."""

    label: Text

    def __new__(cls, value: str, label: Text) -> Self:
        member = object.__new__(cls)
        member._value_, member.label = value, label
        return member


class Remedy(Labelled):
    """Whether a new try helps. The retry loop, rollouts and people go by the same value."""

    NEW_LINK = "at once", _("A new try may help at once.")  # each attempt asks for its own link
    WAIT = "in some minutes", _("A new try may help in some minutes.")
    # The loop discards the refused one.
    NEW_TOKEN = "with a new token", _("A new try helps once a valid token is there.")
    LATER = "later", _("A new try helps later, not today.")  # hours; the loop gives up
    CHANGE = "after a change", _("A new try helps only after something was changed.")
    NEVER = "never", _("No new try helps.")

    @property
    def gives_up(self) -> bool:
        """Return whether no further attempt of the same upload can succeed."""
        return self in (Remedy.LATER, Remedy.CHANGE, Remedy.NEVER)

    @property
    def passes(self) -> bool:
        """Return whether the same upload may succeed in some minutes, with nothing changed."""
        return self in (Remedy.NEW_LINK, Remedy.WAIT)


class Blame(Labelled):
    """Where the cause lies."""

    US = "us", _("a rule of this app")
    PROJECT = "project", _("this project: its settings, files and servers")
    WECHAT = "wechat", _("WeChat")
    COS = "cos", _("the object store of Tencent Cloud")
    NETWORK = "network", _("the network")
    TENANT = "tenant", _("the tenant's environment")


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of the table."""

    id: str  # the code to look up
    title: Text
    means: Text = ""
    operator: Text = ""
    editor: Text = ""
    remedy: Remedy = Remedy.CHANGE
    blame: Blame = Blame.PROJECT
    error: str = ""  # the name of the exception
    problem: str = "upstream"  # the code of the API
    once: bool = False  # an upload is tried once more, whatever the remedy, and no further
    stops_batch: bool = False  # every other file would fail in this way, too
    pause: float = 0.0  # seconds before the next try, at least
    also: tuple[str, ...] = ()  # other codes of the same cause
    docs: str = ""  # a label of the documentation
    page: str = ""  # of the documentation, below troubleshooting/

    def but(self, codes: str, **own: Any) -> Self:
        """Return an entry that differs from this one by its codes and the values named."""
        first, *others = codes.split()
        return replace(self, **{"id": first, "also": tuple(others), "docs": "", **own})

    @property
    def codes(self) -> tuple[str, ...]:
        return self.id, *self.also
