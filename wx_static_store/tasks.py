"""
The tasks of Celery, for the project's own app and workers.

Names, queues and schedules are the project's settings; no result is kept. ``advance_rollout``
belongs into the beat schedule, and ``reconcile_all``, ``prune`` and ``watch`` for whoever wants
them.
"""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.db import InterfaceError, OperationalError

from .alerts.watch import watch as watch_now
from .fleet import drift, environment
from .fleet.advance import advance, advance_all
from .log.by_workers import send_again
from .log.prune import prune as prune_log, prune_releases
from .log.retention import RELEASES

__all__ = [
    "advance_rollout",
    "deploy_environment",
    "prune",
    "reconcile_all",
    "reconcile_environment",
    "upload_again",
    "watch",
]

LEAST_DAYS = 30
TIME_LIMIT = 3600  # seconds for one environment
GRACE = 120  # seconds between our own end of a deploy and Celery's

# The database is away for a while, or two waited for each other.
_PATIENT = {
    "autoretry_for": (OperationalError, InterfaceError),
    "retry_backoff": 2,
    "retry_backoff_max": 120,
    "max_retries": None,
    "ignore_result": True,
}


@shared_task(
    bind=True, acks_late=True, reject_on_worker_lost=True, time_limit=TIME_LIMIT, **_PATIENT
)
def deploy_environment(self: Any, environment_id: int) -> None:
    """Deploy one environment of a rollout; again later after a throttle or an outage."""
    limit = self.time_limit or TIME_LIMIT
    seconds = max(limit - GRACE, limit / 2)
    pause = environment.deploy(environment_id, seconds=seconds)
    if pause is not None:
        raise self.retry(countdown=pause)


@shared_task(**_PATIENT)
def advance_rollout(rollout_id: int | None = None) -> None:
    """Begin what may begin of one rollout, or of all; call it every half minute."""
    if rollout_id is None:
        advance_all()
    else:
        advance(rollout_id)


@shared_task(**_PATIENT)
def reconcile_environment(using: str, env: str, repair: bool = False) -> None:
    """Compare an environment with what is live there, and send again what differs if asked to."""
    (drift.look_and_repair if repair else drift.look)(using, env)


@shared_task(**_PATIENT)
def reconcile_all(using: str = "", repair: bool = False) -> None:
    """Compare every environment that something was deployed to, each by a task of its own."""
    drift.hand_out(drift.places(using), with_repair=repair)


@shared_task(**_PATIENT)
def upload_again(row_id: int, user_id: int, asked_at: float = 0) -> None:
    """Send the bytes of a row of the log again, as a user asked for it in the admin."""
    send_again(row_id, user_id, asked_at)


@shared_task(**_PATIENT)
def prune(days: int = 0, releases: int = RELEASES) -> None:
    """Delete rows older than so many days (0: none), and all but the last releases."""
    releases = max(releases, RELEASES)  # anybody at the broker can send this message
    steps = [prune_log(max(days, LEAST_DAYS), releases=releases)] if days else []
    for each in (*steps, prune_releases(releases)):
        for _step in each:
            pass


@shared_task(**_PATIENT)
def watch() -> None:
    """Send what needs attention to the functions of ``ALERTS``; call it every ten minutes."""
    for _alert, _sent in watch_now():
        pass
