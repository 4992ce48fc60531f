"""The tasks of Celery for rollouts and drift; the beat schedule calls ``advance_rollout``."""

from typing import Any

from celery import shared_task

from ..conf import platform_options
from ..tasks import PATIENT
from . import drift, environment
from .advance import advance, advance_all

__all__ = ["advance_rollout", "deploy_environment", "reconcile_all", "reconcile_environment"]

GRACE = 120  # seconds between our own end of a deploy and Celery's, which the message names


# A message that dies with its worker comes again: to deploy twice costs nothing twice.
@shared_task(bind=True, acks_late=True, reject_on_worker_lost=True, **PATIENT)
def deploy_environment(self: Any, environment_id: int) -> None:
    """Deploy one environment of a rollout; retry later after a throttle or an outage."""
    limit = platform_options().rollout_time_limit
    pause = environment.deploy(environment_id, seconds=max(limit - GRACE, limit / 2))
    if pause is not None:
        raise self.retry(countdown=pause)


@shared_task(**PATIENT)
def advance_rollout(rollout_id: int | None = None) -> None:
    """Begin the next environments of one rollout, or of all; call it every half minute."""
    advance_all() if rollout_id is None else advance(rollout_id)


@shared_task(**PATIENT)
def reconcile_environment(using: str, env: str, repair: bool = False) -> None:
    """Compare an environment with its live release; with `repair`, send differing files again."""
    (drift.look_and_repair if repair else drift.look)(using, env)


@shared_task(**PATIENT)
def reconcile_all(using: str = "", repair: bool = False) -> None:
    """Compare every environment with deployments, each by a task of its own."""
    drift.hand_out(drift.places(using), with_repair=repair)
