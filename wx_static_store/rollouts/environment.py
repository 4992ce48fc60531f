"""
The deploy of one environment of a rollout, in a worker.

A message may come twice, and a worker may be killed meanwhile: the environment's lock keeps two
deploys apart, and each sends only the files that the cloud lacks.
"""

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

from ..core.refusals import PolicyRejected
from ..core.types import UploadContext
from ..deploy.environments import Order, deploy_to_all, site_uploader
from ..deploy.locks import DeployLockLost, DeployRunning
from ..deploy.records import Records, items_of, live
from ..deploy.report import EnvironmentReport
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
from ..submit.access import Act, require_still
from ..upload.release_storage import BEGINS
from ..upload.uploader import Uploader
from .advance import advance
from .models import Rollout, RolloutEnvironment
from .rows import State, environments, locked

SOURCE = "wx_rollout"
TRIES = 6  # after which an outage, or the end of a worker, is a failure
PAUSE = 15.0  # seconds before another try; twice as long each time
EARLY = timedelta(seconds=5)  # that a message may come before its time, by another clock
_PASSING = (Remedy.WAIT, Remedy.NEW_LINK)

logger = logging.getLogger("wx_static_store.rollouts")

_GIVEN_UP = _("Its workers were killed each time. Check their memory and time limits.")
_PRUNED = _("Its release was pruned: start a rollout of one that is kept")
_OVER = _("It has ended meanwhile.")


def deploy(pk: int, *, seconds: float = math.inf) -> float | None:
    """
    Deploy the release of a row; return the seconds to wait before another try, or None.

    `seconds` limits its time. Nothing is done if the row does not wait for a
    worker: the message was late, or came twice.
    """
    row = _begin(pk)
    if row is None:
        return None
    try:
        # Days may have passed since it was asked for.
        require_still(row.rollout.user_id, Act.DEPLOY, row.env)
        (report,) = deploy_to_all([_order(row, seconds)])
    except (WxStaticStoreError, CommandError) as error:
        report = EnvironmentReport(row.env, outcome="failed", error=str(error), cause=error)
    if report.outcome == "skipped":  # another worker has it, or a deploy by hand
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
    facts: dict[str, Any] = {"state": State.RUNNING, "since": now}
    if row.begun is None:
        before = live(row.env, row.rollout.folder)
        facts |= {"begun": now, "before": before.release if before else None}
    return row if rows.update(**facts) else None


def _claim(row: RolloutEnvironment) -> None:
    """
    Count a try, now that the environment is held.

    Raises DeployRunning if another delivery of the message has ended it, and CommandError
    if each worker so far was killed.
    """
    row.refresh_from_db(fields=["state", "tries"])
    if not row.is_under_way:
        raise DeployRunning(str(_OVER))
    row.tries += 1
    environments().filter(pk=row.pk).update(tries=row.tries)
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
        on_held=partial(_claim, row),
    )


def _passes(cause: Exception) -> bool:
    if isinstance(cause, SourceError):  # of the release storage, which may be away
        return english(cause.message).startswith(BEGINS)
    if isinstance(cause, WxStaticStoreError) and cause.remedy in _PASSING:
        return True
    return isinstance(cause, DeadlineExceeded | DeployLockLost)


def _later(row: RolloutEnvironment) -> float | None:
    """Let the row wait for the next try; None if its rollout is paused or over."""
    pause: float = PAUSE * 2 ** (row.tries - 1)
    now = timezone.now()
    with locked(row.rollout_id) as rollout:
        goes_on = rollout.state == Rollout.State.RUNNING
        new = (State.QUEUED, now + timedelta(seconds=pause)) if goes_on else (State.WAITING, now)
        mine = environments().filter(pk=row.pk, state=State.RUNNING)
        mine.update(**dict(zip(("state", "since"), new, strict=True)))
    if not goes_on:
        return None
    logger.warning("%s: rollout %s tries again in %d s", row.env, row.rollout_id, pause)
    return pause


def _end(row: RolloutEnvironment, report: EnvironmentReport) -> None:
    """Record the end of the deploy, once; then begin the next environments."""
    state = State.DONE if report.ok else State.FAILED
    with locked(row.rollout_id):
        rows = environments().filter(pk=row.pk, state__in=RolloutEnvironment.UNDER_WAY)
        first = rows.update(state=state, since=timezone.now(), **_facts(report))
    if first:
        logger.info("%s: %s in rollout %s", row.env, state, row.rollout_id)
    advance(row.rollout_id)


def _facts(report: EnvironmentReport) -> dict[str, object]:
    published, error = report.report, next(iter(report.causes), None)
    deployed = {"deployment_id": published.deployment_id} if published else {}
    message = report.error
    if isinstance(error, PolicyRejected):
        message = english(error.message)
    # Without the parts that differ by environment, so that equal causes have equal texts.
    elif isinstance(error, WxStaticStoreError):
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
