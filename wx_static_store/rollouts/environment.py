"""The deploy of one environment of a rollout, in a worker."""

from __future__ import annotations

import logging
import math
from copy import copy
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q
from django.utils import timezone

from ..core.types import UploadContext
from ..deploy.environments import Order, deploy_to_all, site_uploader
from ..deploy.locks import DeployLockLost, DeployRunning
from ..deploy.records import Records, items_of
from ..deploy.report import EnvironmentReport
from ..deploy.state import live
from ..exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    Remedy,
    SourceError,
    WxStaticStoreError,
)
from ..i18n import english, gettext_lazy as _
from ..models import fitting
from ..releases.rollback import elsewhere
from ..upload.release_storage import BEGINS
from ..upload.uploader import Uploader
from .advance import advance
from .models import Rollout, RolloutEnvironment
from .rows import State, environments, locked

SOURCE = "wx_rollout"
# After so many, an outage or the end of a worker is a failure.
TRIES = 6
PAUSE = 15.0  # seconds before another try; twice as long each time
# A message may come so long before its time, by the clock of another machine.
EARLY = timedelta(seconds=5)
_PASSING = (Remedy.WAIT, Remedy.NEW_LINK)

logger = logging.getLogger("wx_static_store.rollouts")

_GIVEN_UP = _("Its workers were killed each time. Check their memory and time limits.")
_PRUNED = _("Its release was pruned: start a rollout of one that is kept")
_OVER = _("It has ended meanwhile.")


def deploy(pk: int, *, seconds: float = math.inf) -> float | None:
    """Deploy the release of a row within `seconds`; return when to try again, or None."""
    row = _begin(pk)
    # The message was late, or came twice.
    if row is None:
        return None
    # Another worker may be at it, or was killed: the environment's lock keeps two deploys apart,
    # and each sends only the files that the cloud lacks.
    try:
        (report,) = deploy_to_all([_order(row, seconds)])
    except (WxStaticStoreError, CommandError) as error:
        report = EnvironmentReport(row.env, outcome="failed", error=str(error), cause=error)
    # Another worker has it, or a deploy by hand.
    if report.outcome == "skipped":
        return None
    # After a throttle or an outage another try may succeed, after a refusal not.
    will_pass = bool(report.causes) and all(map(_passes, report.causes))
    if will_pass and row.tries < TRIES:
        return _later(row)
    _end(row, report)
    return None


def _begin(pk: int) -> RolloutEnvironment | None:
    """Mark the row of a message as running and return it; None if it is not due."""
    now = timezone.now()
    waits = Q(state=State.QUEUED, since__lte=now + EARLY) | Q(state=State.RUNNING)
    rows = environments().filter(waits, pk=pk)
    row: RolloutEnvironment | None = rows.select_related("rollout", "release").first()
    if row is None:
        return None
    return row if rows.update(state=State.RUNNING, since=now) else None


def _claim(row: RolloutEnvironment) -> None:
    """Count a try, now that the environment is held; raise an error if none is due."""
    row.refresh_from_db(fields=["state", "tries", "begun"])
    # Another delivery of the message may have ended it while this one waited for the lock.
    if not row.is_under_way:
        raise DeployRunning(str(_OVER))
    row.tries += 1
    facts: dict[str, Any] = {"tries": row.tries, "begun": row.begun or timezone.now()}
    # Under the lock: until now somebody may have deployed by hand, also since an earlier try. That
    # is what a roll back must give back, and not what an earlier try deployed.
    now = live(row.env, row.rollout.folder)
    before = now.release_id if now else None
    if row.begun is None or before != row.release_id:
        facts["before"] = before
    # Before the deploy: a worker that is killed cannot count its try afterwards.
    environments().filter(pk=row.pk).update(**facts)
    if row.tries > TRIES:
        raise CommandError(str(_GIVEN_UP))


def _order(row: RolloutEnvironment, seconds: float) -> tuple[Uploader, Order]:
    rollout, release = row.rollout, row.release
    if release is None:
        raise ConfigurationError(_PRUNED)
    uploader = site_uploader(rollout.using, row.env)
    location = uploader.options.location
    if not rollout.folder.startswith(location):
        raise elsewhere(rollout.using, location, {rollout.folder})
    prefix = rollout.folder.removeprefix(location)
    items, last = items_of(release, prefix)
    context = UploadContext(source=SOURCE, source_ref=str(rollout), user_id=rollout.user_id)
    return uploader, Order(
        items=items,
        context=context,
        records=Records(rollout.using, prefix),
        last=last,
        verify=rollout.verify,
        seconds=seconds,
        # Once the lock is held: a message that only waited for it is no try.
        on_held=partial(_claim, row),
    )


def _passes(cause: Exception) -> bool:
    if isinstance(cause, SourceError):  # of the release storage, which may be away
        return english(cause.message).startswith(BEGINS)
    if isinstance(cause, WxStaticStoreError) and cause.remedy in _PASSING:
        return True
    return isinstance(cause, DeadlineExceeded | DeployLockLost)


def _later(row: RolloutEnvironment) -> float | None:
    pause: float = PAUSE * 2 ** (row.tries - 1)
    now = timezone.now()
    with locked(row.rollout_id) as rollout:
        # Meanwhile somebody may have paused or stopped it.
        goes_on = rollout.state == Rollout.State.RUNNING
        new = (State.QUEUED, now + timedelta(seconds=pause)) if goes_on else (State.WAITING, now)
        mine = environments().filter(pk=row.pk, state=State.RUNNING)
        mine.update(**dict(zip(("state", "since"), new, strict=True)))
    if not goes_on:
        return None
    logger.warning("%s: rollout %s tries again in %d s", row.env, row.rollout_id, pause)
    return pause


def _end(row: RolloutEnvironment, report: EnvironmentReport) -> None:
    state = State.DONE if report.ok else State.FAILED
    with locked(row.rollout_id):
        rows = environments().filter(pk=row.pk, state__in=RolloutEnvironment.UNDER_WAY)
        # Another delivery of the message may have recorded it already.
        first = rows.update(state=state, since=timezone.now(), **_facts(report))
    if first:
        logger.info("%s: %s in rollout %s", row.env, state, row.rollout_id)
    advance(row.rollout_id)


def _facts(report: EnvironmentReport) -> dict[str, object]:
    published, error = report.report, next(iter(report.causes), None)
    deployed = {"deployment_id": published.deployment_id} if published else {}
    message = report.error
    # Without the parts that differ by environment, so that equal causes have equal texts.
    if isinstance(error, WxStaticStoreError):
        same = copy(error).with_context(env="", key="", rid="", request_id="", attempts=0)
        message = english(same)
    if not message and report.findings:
        message = english(report.findings[0].what)
    return fitting(
        RolloutEnvironment,
        {
            **(deployed if any(deployed.values()) else {}),
            "errcode": getattr(error, "errcode", None),
            "message": "" if report.ok else message,
        },
    )
