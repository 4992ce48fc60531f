"""Begin the next environments of a rollout, by its rows and under its lock."""

import logging
from datetime import timedelta
from functools import partial

from django.db import DatabaseError
from django.db.models import F
from django.db.transaction import on_commit

from ..i18n import english, gettext_lazy as _
from ..models.columns import Now
from ..submit import queue
from .models import Rollout, RolloutEnvironment
from .rows import (
    TRIES,
    Counts,
    State,
    counts,
    environments,
    environments_of,
    locked,
    number,
    stop,
    under_way,
)
from .waves import room

TASK = "wx_static_store.rollouts.tasks.deploy_environment"
AGAIN = 120.0  # seconds after which a worker is asked again for what has not ended

_NOT_BEGUN = _(
    "A worker took the message and began nothing: look for an unregistered task in its log."
)

logger = logging.getLogger("wx_static_store.rollouts")


def advance(pk: int) -> Rollout:
    """Begin the environments that may begin, and send lost messages again; return the rollout."""
    # Called when an environment ends, and by a schedule: messages die with a killed worker.
    with locked(pk) as rollout:
        _settle(rollout, counts(rollout))
        lost, unanswered = _lost(rollout)
        asked = [*lost, *_hand_out(rollout)]
    # Not before the caller's transaction ends: a worker would find nothing.
    on_commit(partial(_send, pk, asked, unanswered), using=environments().db)
    return rollout


def advance_all() -> None:
    """Advance every rollout that is not over."""
    left = {*under_way().values_list("rollout", flat=True)}  # of those that were stopped, too
    left |= {*Rollout.objects.primary().open().values_list("pk", flat=True)}
    for pk in sorted(left):
        try:
            advance(pk)
        except DatabaseError:
            raise
        except Exception:
            # One rollout must not hold up the others.
            logger.exception("Rollout %s cannot go on", pk)


def _settle(rollout: Rollout, rows: Counts) -> None:
    """Begin, stop, go to the next wave, or end, depending on the rows."""
    now = rollout.now
    if rollout.state == Rollout.State.PLANNED and now >= (rollout.deploy_at or now):
        rollout.state, rollout.started = Rollout.State.RUNNING, rollout.started or now
    if rollout.state != Rollout.State.RUNNING:
        return
    if number(rows, State.FAILED) > rollout.tolerate:
        stop(rollout)
        return
    last = max((wave for wave, _state in rows), default=0)
    while rollout.state == Rollout.State.RUNNING and _wave_is_over(rollout, rows):
        rollout.wave_ended = None
        if rollout.wave < last:
            rollout.wave += 1
        else:
            rollout.state, rollout.ended = Rollout.State.DONE, now


def _wave_is_over(rollout: Rollout, rows: Counts) -> bool:
    """Return whether all environments up to the current wave have ended, and the pause after it."""
    open_states = (State.WAITING, *RolloutEnvironment.UNDER_WAY)
    if any(number(rows, *open_states, wave=wave) for wave in range(1, rollout.wave + 1)):
        return False
    is_last = not any(wave > rollout.wave for wave, _state in rows)
    if not rollout.wave or is_last:
        return True
    rollout.wave_ended = rollout.wave_ended or rollout.now
    return rollout.now >= rollout.wave_ended + timedelta(seconds=rollout.bake)


def _hand_out(rollout: Rollout) -> list[int]:
    """Queue the next environments; return their ids for the messages to workers."""
    if rollout.state != Rollout.State.RUNNING:
        return []
    rows = counts(rollout)
    free = room(
        tolerate=rollout.tolerate,
        failed=number(rows, State.FAILED),
        under_way=number(rows, *RolloutEnvironment.UNDER_WAY),
        max_parallel=rollout.max_parallel,
    )
    waiting = environments_of(rollout).filter(state=State.WAITING, wave__lte=rollout.wave)
    found = [*waiting.values_list("pk", flat=True)[:free]]
    asked = environments().filter(pk__in=found)
    asked.update(state=State.QUEUED, since=rollout.now, asked=rollout.now)
    return found


def _lost(rollout: Rollout) -> tuple[list[int], list[int]]:
    """Return the ids of lost environments, and of those whose last message nobody answered."""
    # Without news for so long, the message or the worker may be lost.
    old = rollout.now - timedelta(seconds=AGAIN)
    rows = under_way().filter(rollout=rollout, asked__lt=old)
    rows = rows.exclude(heard__gte=old).exclude(not_before__gte=old)
    found = [*rows.values_list("pk", "asked", "heard")]
    lost = [pk for pk, _asked, _heard in found]
    # Else each look until the worker answers would send one more message.
    environments().filter(pk__in=lost).update(asked=rollout.now)
    # A worker that is busy may have reserved the messages.
    if not found or under_way().filter(heard__gte=old).exists():
        return lost, []
    return lost, [pk for pk, asked, heard in found if heard is None or heard < asked]


def _send(pk: int, asked: list[int], unanswered: list[int]) -> None:
    """Ask workers for these environments; an unanswered message that is gone was a try."""
    # Where no worker runs, the message waits at the broker. A worker that does not know the task
    # discards it, and cannot count the try.
    if unanswered and queue.is_empty(TASK) and _count_try(pk, unanswered):
        advance(pk)
    # A message for one that has failed by it does nothing.
    queue.send(TASK, [(environment,) for environment in asked])


def _count_try(rollout: int, unanswered: list[int]) -> int:
    """Count a try of these environments; return how many failed by it."""
    # A worker may have begun one just now.
    rows = under_way().filter(pk__in=unanswered).exclude(heard__gte=F("asked"))
    facts = {"cause": "", "errcode": None, "message": english(_NOT_BEGUN)}
    rows.update(tries=F("tries") + 1, **facts)
    logger.warning("%d environments of rollout %s: %s", len(unanswered), rollout, facts["message"])
    failed: int = rows.filter(tries__gte=TRIES).update(state=State.FAILED, since=Now())
    return failed
