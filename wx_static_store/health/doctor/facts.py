"""Facts that probes have learned of the platform and its environments, kept for advice only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.functional import lazy

from ...i18n import gettext, gettext_lazy as _
from ..models import Fact
from .fact_kinds import FACT_KINDS
from .findings import Text
from .target import CheckTarget

_ORDER = {name: number for number, name in enumerate(FACT_KINDS)}


class Remembered(NamedTuple):
    """A fact: its value and its sentence, the advice, and when it was learned."""

    name: str
    value: str
    sentence: Text
    advice: Text
    when: datetime


def remember(target: CheckTarget) -> None:
    """Keep the learned facts, and forget those that they end; raise an error of the database."""
    for about, learned in target.learned.items():
        subject = about or platform_of(target)
        Fact.objects.remember(subject, learned)
        ended = {name for name, kind in FACT_KINDS.items() if kind.part_of in learned}
        Fact.objects.forget(subject, ended - learned.keys())


def platform_of(target: CheckTarget) -> str:
    """Return the subject of the platform's facts: its appid, if set."""
    return target.options.component_appid


def facts_of(subject: str) -> list[Remembered]:
    """Return the facts of an environment or a platform, in the order of the table."""
    return facts_by_subject([subject]).get(subject, [])


def facts_by_subject(subjects: Iterable[str] | None = None) -> dict[str, list[Remembered]]:
    """Return the facts of these subjects, or of all, by a single query."""
    rows = Fact.objects.all() if subjects is None else Fact.objects.filter(subject__in=subjects)
    found: dict[str, list[Remembered]] = {}
    for row in sorted(rows, key=lambda row: (row.subject, _ORDER.get(row.name, 0))):
        if kind := FACT_KINDS.get(row.name):
            texts = kind.sentence(row.value), kind.advice(row.value)
            fact = Remembered(row.name, row.value, *texts, row.learned)
            found.setdefault(row.subject, []).append(fact)
    return found


def said(facts: Mapping[str, str]) -> Any:
    """Return the sentences of facts as one text."""
    return _joined([FACT_KINDS[name].sentence(value) for name, value in facts.items() if value])


def _join(sentences: Iterable[Text]) -> str:
    """Join sentences; between Chinese sentences stands no space."""
    text, *others = map(str, sentences)
    for each in others:
        text = gettext("%(sentence)s %(next)s", sentence=text, next=each)
    return text


_joined = lazy(_join, str)


# What the documents leave open and no check settles, with the reason.
UNSETTLED: tuple[tuple[Text, Text], ...] = (
    (
        _("How many tokens may be fetched a day."),
        _("A check would have to use them up. One token of two hours is enough for all processes."),
    ),
    (
        _("Whether batchdeletefile can delete files of the static bucket."),
        _("A check would have to delete a file by a call that is meant for another store."),
    ),
    (
        _("Whether the signature of a link is checked only at the start of a long upload."),
        _("An upload of more than 60 seconds would be needed. A late refusal is tried again."),
    ),
    (
        _("How long a deleted file is shown by the CDN."),
        _("It is as long as for a replaced one: nothing can be deleted, only overwritten."),
    ),
    (
        _("Whether the error page is sent with its own status."),
        _("Only the console sets an error page. Pages are compared by their content."),
    ),
    (
        _("Whether WeChat repeats a push, and in which order pushes come."),
        _("Only WeChat sends pushes. A repeated or late one changes nothing."),
    ),
)
