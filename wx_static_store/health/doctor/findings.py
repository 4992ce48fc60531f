"""A check and its findings: values that the command, the admin page and the API show."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils.functional import lazy

from ...causes import matching
from ...causes.cause import Labelled, Text as Text
from ...exceptions import WxStaticStoreError
from ...i18n import gettext_lazy as _, listed, with_facts
from .target import PROBE_SHARE, CheckTarget


class Mark(Labelled):
    """How a check ended, as a sign and as a word for programs; the worse comes later."""

    label: str

    OK = "✓", "ok"
    NOT_ASKED = "–", "not_asked"
    WARNING = "!", "warning"
    WRONG = "✗", "wrong"

    @property
    def weight(self) -> int:
        return list(Mark).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of a check."""

    mark: Mark
    text: Text
    hint: Text = ""  # what to do, where the entry or the check does not say it
    cause: str = ""  # the entry of the table of causes
    # Programs and monitors read it: JSON values, no secrets.
    data: Mapping[str, Any] = field(default_factory=dict)


ok, not_asked, warning, wrong = (partial(Finding, mark) for mark in Mark)


def not_well(*ids: str) -> Finding:
    """Return the finding of a check that was not asked because the checks `ids` failed."""
    text = _("Not asked, because this is not well: %(checks)s.", checks=listed(ids))
    return not_asked(text, data={"because": [*ids]})


def explained(target: CheckTarget, *ids: str) -> Finding | None:
    """Return the finding of a failure that follows from one of the checks `ids`, if it is wrong."""
    causes = dict.fromkeys(cause for id in ids for cause in target.causes.get(id, ()))
    return not_well(*causes) if causes else None


NONE_LEFT = not_asked(
    _("No environment is left to ask: an earlier check says what is wrong with each.")
)


def of_error(error: WxStaticStoreError, mark: Mark = Mark.WRONG) -> Finding:
    names = ("errcode", "rid", "stage", "env", "http_status")
    facts = {name: getattr(error, name) for name in names}
    data = {name: value for name, value in facts.items() if value}
    # Its text is lazy: whoever reads it later may have another language.
    return Finding(mark, _said(error), hint=error.hint, cause=error.cause, data=data)


_said: Any = lazy(lambda error: with_facts(error.what, error.code), str)


@dataclass(frozen=True, slots=True)
class Check:
    """One question, answered by findings; the worst finding counts."""

    id: str
    question: Text
    ask: Callable[[CheckTarget], Iterable[Finding]]
    means: Text  # what the answer means
    remedy: Text  # what to do, where a finding has neither hint nor cause
    # If one of these was not answered, this answer would only repeat what is wrong there.
    needs: tuple[str, ...] = ()
    probe: bool = False  # it publishes a small file
    at_envs: bool = False  # it is not asked if no environment is left to ask
    least: float = 0.0  # seconds that it is given, however short the timeout is

    def answer(self, target: CheckTarget) -> tuple[Finding, ...]:
        is_asked = not self.at_envs or target.usable_envs
        return tuple(self.ask(target)) if is_asked else (NONE_LEFT,)

    def patience(self, timeout: float) -> float:
        # One second more, so that the own deadline of the check comes first.
        return max(timeout * (PROBE_SHARE if self.probe else 1), self.least) + 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """The findings of a check, in the order in which it made them, and its time in seconds."""

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

    @property
    def causes(self) -> tuple[str, ...]:
        """The checks that are wrong, for which this one has no answer; itself if it is wrong."""
        if self.mark is Mark.WRONG:
            return (self.check.id,)
        ids = (id for found in self.findings for id in found.data.get("because", ()))
        return () if self.is_answered else tuple(dict.fromkeys(ids))

    def hint(self, found: Finding) -> Text:
        # What is well, or was not asked, needs no remedy.
        if found.mark in (Mark.OK, Mark.NOT_ASKED):
            return found.hint
        entries = () if found.hint else matching(found.cause)
        return found.hint or next((each.operator for each in entries), "") or self.check.remedy
