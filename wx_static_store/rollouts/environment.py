"""The deploy of one environment of a rollout, in a worker."""

import logging
import math
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connections
from django.db.models import F

from ..core.refusals import PolicyRejected
from ..core.types import UploadContext
from ..deploy.environments import Order, deploy_to_all, site_uploader
from ..deploy.locks import DeployLockLost, DeployRunning
from ..deploy.records import Records, items_of
from ..deploy.report import EnvironmentReport
from ..deploy.state import live
from ..exceptions import ConfigurationError, WxStaticStoreError
from ..i18n import english, gettext_lazy as _
from ..models import fitting
from ..models.columns import Now
from ..releases.rollback import elsewhere
from ..submit.access import Act, require
from ..upload.uploader import Uploader
from ..upload.workers import every
from .advance import locked
from .models import Rollout, RolloutEnvironment
from .rows import TRIES, State, environments, move, under_way

SOURCE = "wx_rollout"
PAUSE = 15.0  # seconds before another try; twice as long each time
BEAT = 30.0  # seconds between two signs of life of a worker, a part of AGAIN

logger = logging.getLogger("wx_static_store.rollouts")

_GIVEN_UP = _("Its workers were killed each time. Check their memory and time limits.")
_PRUNED = _("Its release was pruned: start a rollout of one that is kept")
_OVER = _("It has ended meanwhile.")
_UNEXPECTED = _("A worker failed unexpectedly: its log says where")


def deploy(pk: int, *, seconds: float = math.inf) -> float | None:
    """Deploy the release of a row within `seconds`; return when to try again, or None."""
    rows = under_way().select_related("rollout", "release").annotate(now=Now())
    row = rows.filter(pk=pk).first()
    # The message was late, or came twice.
    if row is None:
        return None
    # The message was delayed by the clock of another machine.
    if row.not_before and row.not_before > row.now:
        return float((row.not_before - row.now).total_seconds())
    if not _begin(row):
        return None
    # Another worker may be at it, or was killed: the environment's lock keeps two deploys apart,
    # and each sends only the files that the cloud lacks.
    with every(BEAT, partial(_hear, pk)):
        report = _attempt(row, seconds)
    # Another worker has it, or a deploy by hand: that was no try.
    if report.outcome == "skipped":
        environments().filter(pk=pk, tries__gt=0).update(tries=F("tries") - 1)
        return None
    # After a throttle or an outage another try may succeed, after a refusal not.
    will_pass = bool(report.causes) and all(map(_passes, report.causes))
    if will_pass and row.tries < TRIES:
        return _later(row, report)
    _end(row, report)
    return None


def _begin(row: RolloutEnvironment) -> bool:
    since = row.since if row.state == State.RUNNING else row.now
    facts = {"state": State.RUNNING, "since": since, "not_before": None, "heard": Now()}
    # Counted before the deploy: a worker that is killed cannot count its try afterwards.
    row.tries += 1
    return bool(under_way().filter(pk=row.pk).update(tries=F("tries") + 1, **facts))


def _hear(pk: int) -> None:
    with suppress(Exception):  # the next time, or another worker is asked for nothing
        environments().filter(pk=pk).update(heard=Now())
    connections[environments().db].close()  # of this thread


def _attempt(row: RolloutEnvironment, seconds: float) -> EnvironmentReport:
    try:
        # Days may have passed since it was asked for.
        require(row.rollout.user_id, Act.DEPLOY, row.env)
        # Killed each time, perhaps before it held the environment; the last worker may still live.
        if row.tries > TRIES and not (
            row.heard and (row.now - row.heard).total_seconds() < 2 * BEAT
        ):
            raise CommandError(str(_GIVEN_UP))
        (report,) = deploy_to_all([_order(row, seconds)])
        return report
    # The task waits for the database.
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        text = str(error)
        if not isinstance(error, WxStaticStoreError | CommandError):
            logger.exception("%s: rollout %s failed unexpectedly", row.env, row.rollout_id)
            text = english(_UNEXPECTED)  # its own might hold a secret
        return EnvironmentReport(row.env, outcome="failed", error=text, cause=error)


def _claim(row: RolloutEnvironment) -> None:
    """Note what is replaced, now that the environment is held; raise an error if no try is due."""
    row.refresh_from_db(fields=["state", "begun"])
    # Another delivery of the message may have ended it while this one waited for the lock.
    if row.state not in RolloutEnvironment.UNDER_WAY:
        raise DeployRunning(str(_OVER))
    # Under the lock: until now somebody may have deployed by hand, also since an earlier try. That
    # is what a roll back must give back, and not what an earlier try deployed.
    now = live(row.env, row.rollout.folder)
    facts: dict[str, Any] = {"begun": row.begun or row.now}
    before = now.release_id if now else None
    if row.begun is None or before != row.release_id:
        facts["before"] = before
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
    context = UploadContext(source=SOURCE, source_ref=english(rollout), user_id=rollout.user_id)
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
    if isinstance(cause, WxStaticStoreError):
        return cause.remedy.passes
    # What nobody expected may be old code, or a worker that is being set up.
    return isinstance(cause, DeployLockLost) or not isinstance(cause, CommandError)


def _later(row: RolloutEnvironment, report: EnvironmentReport) -> float | None:
    pause: float = PAUSE * 2 ** (row.tries - 1)
    with locked(row.rollout_id) as rollout:
        later = rollout.now + timedelta(seconds=pause)
        facts = _facts(report) | {"asked": rollout.now, "not_before": later}
        move(rollout, environments().filter(pk=row.pk), (State.RUNNING,), State.QUEUED, **facts)
    # Meanwhile somebody paused or stopped it: the environment waits.
    if rollout.state != Rollout.State.RUNNING:
        return None
    text = "%s: try %d of %d in rollout %s failed, the next is in %d s (%s)"
    logger.warning(text, row.env, row.tries, TRIES, row.rollout_id, pause, facts["message"])
    return pause


def _end(row: RolloutEnvironment, report: EnvironmentReport) -> None:
    state, facts = State.DONE if report.ok else State.FAILED, _facts(report)
    with locked(row.rollout_id) as rollout:
        rows = environments().filter(pk=row.pk)
        # Another delivery of the message may have recorded it already.
        first = move(rollout, rows, RolloutEnvironment.UNDER_WAY, state, **facts)
    if first:
        logger.info("%s: %s in rollout %s", row.env, state, row.rollout_id)


def _facts(report: EnvironmentReport) -> dict[str, object]:
    error = next(iter(report.causes), None)
    deployment = report.report.deployment_id
    message = report.error
    if isinstance(error, PolicyRejected):
        message = english(error.message)
    elif isinstance(error, WxStaticStoreError):
        message = english(error.in_general())
    if not message and report.findings:
        message = english(report.findings[0].what)
    return fitting(
        RolloutEnvironment,
        {
            **({"deployment_id": deployment} if deployment else {}),
            "cause": "" if report.ok else getattr(error, "cause", ""),
            "errcode": getattr(error, "errcode", None),
            "message": "" if report.ok else message,
        },
    )
