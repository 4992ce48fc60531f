"""Ask the checks in their order, each in its own time, and none whose answer makes no sense."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...core.frames import described
from ...exceptions import WxStaticStoreError
from ...i18n import gettext_lazy as _
from ...upload.workers import WorkerPool
from .findings import Check, Finding, Mark, Result, not_asked, not_well, of_error, wrong
from .patient import Patient

_LATE = _("No time was left for this one. wx_doctor asks every check.")
_HANGS = _(
    "What this check asks hangs, or is slow: look at it and at the network on the way there, and "
    "set timeouts for it. wx_doctor --timeout gives each check more time."
)
_PROBE = _("Asked with --probe only: it publishes a small file for a moment.")


def examine(
    patient: Patient, checks: Sequence[Check], *, within: float = math.inf
) -> Iterator[Result]:
    """
    Yield the result of each check as it ends; one that hangs is given up after its time.

    What would begin after `within` seconds is not asked.
    """
    ends = time.monotonic() + within
    results: dict[str, Result] = {}
    try:
        with WorkerPool(len(checks) + 1) as pool:  # one that hangs keeps its thread
            for check in checks:
                found = _ask(check, patient, pool, results, ends)
                results[check.id] = found
                yield found
    finally:
        patient.close()


def _ask(
    check: Check, patient: Patient, pool: WorkerPool, results: dict[str, Result], ends: float
) -> Result:
    if check.probe and not patient.probe:
        return Result(check, (not_asked(_PROBE),))
    if missing := [id for id in check.needs if not results[id].is_answered]:
        return Result(check, (not_well(*missing),))
    started = time.monotonic()
    if (left := ends - started) <= 0:
        return Result(check, (not_asked(_LATE),))
    future = pool.submit(_findings, check, patient)
    patience = min(left, patient.patience(check))
    try:
        findings = future.result(patience)
    except TimeoutError:
        findings = (_given_up(check, patient, patience),)
    return Result(check, findings, time.monotonic() - started)


def _given_up(check: Check, patient: Patient, seconds: float) -> Finding:
    """Return what it means that no answer came: most of all where the cache, too, is away."""
    if patient.cache_is_away:
        return not_well("cache.works")
    patient.timed_out.add(check.id)
    text = _("No answer came within %(seconds)d seconds.", seconds=seconds)
    return wrong(text, hint=_HANGS)


def _findings(check: Check, patient: Patient) -> tuple[Finding, ...]:
    """Return what a check finds, in a thread whose connections nobody else would close."""
    try:
        return tuple(check.ask(patient))
    except WxStaticStoreError as error:
        return (of_error(error),)
    except Exception as error:  # noqa: BLE001 -- of a database, a cache, a project's function
        return (wrong(_("The check failed (%(why)s).", why=described(error))),)
    finally:
        for connection in connections.all(initialized_only=True):
            # SQLite's own close() spares a database in memory, which lives on in the main thread.
            BaseDatabaseWrapper.close(connection)


def verdict(results: Sequence[Result]) -> Mark:
    """Return the worst mark; what was not asked says nothing."""
    marks = [result.mark for result in results if result.mark is not Mark.NOT_ASKED]
    return max(marks, key=lambda mark: mark.weight, default=Mark.OK)
