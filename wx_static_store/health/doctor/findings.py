"""A check, and what it found: values that the command, the admin page and the API show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise, lazy

from ...exceptions import WxStaticStoreError
from ...i18n import gettext, gettext_lazy as _, listed

if TYPE_CHECKING:
    from .patient import Patient

Text = str | Promise


class Mark(Enum):
    """How a check ended; the worse comes later."""

    OK = "✓"
    NOT_ASKED = "–"
    WARNING = "!"
    WRONG = "✗"

    @property
    def weight(self) -> int:
        return list(Mark).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that a check found; `hint` says what to do, `docs` is its anchor in the docs.

    `data` has figures for programs: JSON values, no secrets.
    """

    mark: Mark
    text: Text
    hint: Text = ""
    docs: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def ok(text: Text, **more: Any) -> Finding:
    return Finding(Mark.OK, text, **more)


def warning(text: Text, **more: Any) -> Finding:
    return Finding(Mark.WARNING, text, **more)


def wrong(text: Text, **more: Any) -> Finding:
    return Finding(Mark.WRONG, text, **more)


def not_asked(text: Text, **more: Any) -> Finding:
    return Finding(Mark.NOT_ASKED, text, **more)


def not_well(*ids: str) -> Finding:
    """Return that a check was not asked because of these."""
    return not_asked(_("Not asked, because this is not well: %(checks)s.", checks=listed(ids)))


NONE_LEFT = not_asked(_("None is left to ask: an earlier check says what is wrong with each."))


def of_error(error: WxStaticStoreError, mark: Mark = Mark.WRONG) -> Finding:
    """Return what an error says, in the language of whoever reads it later."""
    facts = {name: getattr(error, name) for name in ("errcode", "rid", "stage", "env")}
    data = {name: value for name, value in facts.items() if value}
    return Finding(mark, _said(error), hint=error.hint, docs=error.docs, data=data)


def _what(error: WxStaticStoreError) -> str:
    if not error.code:
        return error.what
    return gettext("%(what)s (%(facts)s)", what=error.what, facts=error.code)


_said = lazy(_what, str)


@dataclass(frozen=True, slots=True)
class Check:
    """
    One question; `ask` answers it with findings, of which the worst one counts.

    `needs` names checks without whose answer it makes no sense; a `probe` publishes a small file.
    """

    id: str
    question: Text
    how: Text  # it is asked
    means: Text  # what the answer means
    remedy: Text  # what to do, where a finding has no hint of its own
    ask: Callable[[Patient], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    probe: bool = False
    settles: tuple[Text, ...] = ()  # what the documents leave open
    least: float = 0.0  # seconds that it is given, however short the timeout is

    @property
    def anchor(self) -> str:
        """The anchor of its entry in the documentation."""
        return f"doctor-{self.id.replace('.', '-')}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, and in how many seconds; findings of one mark stand in their order."""

    check: Check
    findings: tuple[Finding, ...]
    seconds: float = 0.0

    @property
    def mark(self) -> Mark:
        return max((found.mark for found in self.findings), key=lambda mark: mark.weight)

    @property
    def is_answered(self) -> bool:
        """Return whether a check that needs this one can be asked."""
        return self.mark in (Mark.OK, Mark.WARNING)

    def hint(self, found: Finding) -> Text:
        """Return what to do about a finding; nothing where all is well, or nothing was asked."""
        if found.mark in (Mark.OK, Mark.NOT_ASKED):
            return found.hint
        return found.hint or self.check.remedy
