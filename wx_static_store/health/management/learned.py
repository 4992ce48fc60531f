"""The lines of ``wx_doctor`` about facts that probes have learned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, OperationalError
from django.utils import timezone

from ...core.frames import described
from ...exceptions import WxStaticStoreError
from ...i18n import gettext as _, shown
from ..doctor.facts import Remembered, facts_of, platform_of, remember
from ..doctor.target import CheckTarget

SHOWN = 5  # environments
ONE_PROBE = timedelta(minutes=5)  # what it learned needs no time each

_NO_DATABASE = (Error, ImproperlyConfigured)


def keep(target: CheckTarget) -> str:
    """Keep the facts that the probe has learned; return why this fails, or an empty text."""
    try:
        _check_database(target)
        remember(target)
    except _NO_DATABASE as error:
        why = described(error)
        return _("What was learned could not be kept (%(why)s).", why=why)
    return ""


def learned_lines(target: CheckTarget) -> Iterator[str]:
    """Yield the facts of the environments and the platform; without a probe, only the advice."""
    with suppress(WxStaticStoreError, *_NO_DATABASE):  # a check says so
        _check_database(target)
        for subject in _subjects(target, SHOWN):
            facts = facts_of(subject)
            if wanted := [fact for fact in facts if target.probe or fact.advice]:
                newest = max(fact.when for fact in facts)
                name = shown(subject) or _("the platform")
                yield _("Learned of %(subject)s, %(when)s:", subject=name, when=_minute(newest))
                yield from _lines(wanted, newest)


def _check_database(target: CheckTarget) -> None:
    """Raise an error if a check has waited for the database without success."""
    if target.database_hangs:
        raise OperationalError("timeout")


def _subjects(target: CheckTarget, most: int | None = None) -> list[str]:
    return [*target.envs[:most], platform_of(target)]


def _lines(facts: list[Remembered], newest: datetime) -> Iterator[str]:
    """Yield facts and advice, with the time of a fact that another probe learned."""
    said = ""
    for fact in facts:
        sentence = shown(str(fact.sentence))
        if newest - fact.when > ONE_PROBE:
            sentence = _("%(what)s (%(facts)s)", what=sentence, facts=_minute(fact.when))
        yield f"  {sentence}"
        if fact.advice and str(fact.advice) != said:
            said = str(fact.advice)
            yield f"    {said}"


def _minute(moment: datetime) -> str:
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return f"{local:%Y-%m-%d %H:%M}"


def as_list(target: CheckTarget) -> list[dict[str, str]]:
    """Return the facts for programs; the texts are in the language of the caller."""
    found = []
    with suppress(WxStaticStoreError, *_NO_DATABASE):
        _check_database(target)
        for subject in _subjects(target):
            for fact in facts_of(subject):
                facts = {"subject": subject, "name": fact.name, "value": fact.value}
                texts = {"sentence": str(fact.sentence), "advice": str(fact.advice)}
                found.append({**facts, **texts, "learned": fact.when.isoformat()})
    return found
