"""Ask the checks in order, each with its own timeout; skip those that need a failed check."""

import math
import time
from collections.abc import Iterator, Sequence

from ...core.frames import described
from ...exceptions import WxStaticStoreError
from ...i18n import gettext_lazy as _
from ...upload.database import close_connections
from ...upload.workers import WorkerPool
from .findings import Check, Finding, Mark, Result, not_asked, not_well, of_error, wrong
from .target import CheckTarget

_LATE = _("No time was left for this one. wx_doctor asks every check.")
_HANGS = _(
    "The service that this check asks hangs, or is slow. Check it and the network on "
    "the way there, and set timeouts for it. wx_doctor --timeout gives each check "
    "more time."
)


def examine(
    target: CheckTarget, checks: Sequence[Check], *, within: float = math.inf
) -> Iterator[Result]:
    """
    Yield the result of each check as it ends; ask none that would begin after `within`.

    Those that publish a file are left out unless the target wants a probe.
    """
    checks = [check for check in checks if target.probe or not check.probe]
    ends = time.monotonic() + within
    results: dict[str, Result] = {}
    try:
        # A check that hangs is given up after its time, but keeps its thread.
        with WorkerPool(len(checks) + 1) as pool:
            for check in checks:
                found = _ask(check, target, pool, results, ends)
                results[check.id], target.causes[check.id] = found, found.causes
                yield found
    finally:
        target.close()


def _ask(
    check: Check, target: CheckTarget, pool: WorkerPool, results: dict[str, Result], ends: float
) -> Result:
    missing = (results[id] for id in check.needs if not results[id].is_answered)
    if causes := {cause: None for each in missing for cause in each.causes or (each.check.id,)}:
        return Result(check, (not_well(*causes),))
    started = time.monotonic()
    if (left := ends - started) <= 0:
        return Result(check, (not_asked(_LATE, data={"late": True}),))
    future = pool.submit(_findings, check, target)
    patience = min(left, check.patience(target.timeout))
    try:
        findings = future.result(patience)
    except TimeoutError:
        findings = (_given_up(check, target, patience),)
    return Result(check, findings, time.monotonic() - started)


def _given_up(check: Check, target: CheckTarget, seconds: float) -> Finding:
    # A cache or a database that is away explains why this check hangs, too.
    if target.cache_is_away:
        return not_well("cache.works")
    if target.database_is_away:
        return not_well("database.tables")
    target.timed_out.add(check.id)
    return wrong(_("No answer came within %(seconds)d seconds.", seconds=seconds), hint=_HANGS)


def _findings(check: Check, target: CheckTarget) -> tuple[Finding, ...]:
    try:
        return check.answer(target)
    except WxStaticStoreError as error:
        return (of_error(error),)
    except Exception as error:  # noqa: BLE001 -- of a database, a cache, a project's function
        return (wrong(_("The check failed (%(why)s).", why=described(error))),)
    finally:
        close_connections()


def verdict(results: Sequence[Result]) -> Mark:
    """Return the worst mark; checks that were not asked do not count."""
    marks = [result.mark for result in results if result.mark is not Mark.NOT_ASKED]
    return max(marks, key=lambda mark: mark.weight, default=Mark.OK)
