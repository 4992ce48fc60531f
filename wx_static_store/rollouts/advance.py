"""Begin the next environments of a rollout, by its counters and under its lock."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import F, Max, Q
from django.db.transaction import atomic, on_commit

from ..conf import platform_options
from ..i18n import english, gettext_lazy as _
from ..models.columns import Now
from ..signals import rollout_finished
from ..submit import queue
from .models import Rollout, RolloutEnvironment
from .rows import TRIES, State, check_counters, environments, environments_of, move, stop, under_way
from .waves import RolloutRefused

TASK = "wx_static_store.rollouts.tasks.deploy_environment"
AGAIN = 120.0  # seconds after which a worker is asked again for what has not ended
ANSWERED = Q(heard__gte=F("asked"))  # a worker took the last message

_NOT_BEGUN = _(
    "A worker took the message and began nothing: look for an unregistered task in its log."
)

logger = logging.getLogger("wx_static_store.rollouts")


@contextmanager
def locked(pk: int) -> Iterator[Rollout]:
    """Lock a rollout while the block runs; then go on with it, in the same transaction."""
    rows: Any = Rollout.objects.primary().filter(pk=pk)
    with atomic(using=rows.db):
        # An update locks the row on every database; SQLite has no other lock.
        if not rows.update(touched=Now()):
            raise RolloutRefused(_("There is no rollout %(pk)s: wx_rollout list shows all.", pk=pk))
        rollout: Rollout = rows.annotate(now=Now()).get()
        before = rollout.state
        yield rollout
        _settle(rollout)
        asked = _hand_out(rollout)
        rollout.save()
    # Not before the caller's transaction ends: workers and receivers would find the state before.
    on_commit(partial(_send, asked), using=rows.db)
    if rollout.state != before and rollout.state in Rollout.CLOSED:
        too_many = rollout.state == Rollout.State.STOPPED and rollout.failed > rollout.tolerate
        facts = {"rollout_id": pk, "state": rollout.state, "failed": rollout.failed * too_many}
        on_commit(partial(rollout_finished.send_robust, None, **facts), using=rows.db)


def advance(pk: int) -> Rollout:
    """Go on with a rollout as a schedule does, also with what is lost; return it."""
    with locked(pk) as rollout:
        check_counters(rollout)
        lost = _lost(rollout)
    on_commit(partial(_send, lost), using=environments().db)
    return rollout


def advance_all() -> None:
    """Advance every rollout that is not over."""
    # Environments of a rollout that was stopped may still have to end.
    left = Rollout.objects.primary().exclude(state__in=Rollout.CLOSED, under_way=0)
    for pk in left.order_by("pk").values_list("pk", flat=True):
        try:
            advance(pk)
        except DatabaseError:
            raise
        except Exception:
            # One rollout must not hold up the others.
            logger.exception("Rollout %s cannot go on", pk)


def _settle(rollout: Rollout) -> None:
    """Begin, stop, go to the next wave, or end, depending on the counters."""
    now, ended, ends = rollout.now, rollout.done + rollout.failed, rollout.wave_ends
    if rollout.state == Rollout.State.PLANNED and now >= (rollout.deploy_at or now):
        rollout.state, rollout.started = Rollout.State.RUNNING, rollout.started or now
    if rollout.state != Rollout.State.RUNNING:
        return
    if rollout.failed > rollout.tolerate:
        stop(rollout)
        return
    # Nothing of a later wave has begun, so all that ended is of the waves until now.
    while ended >= ends[rollout.wave]:
        if rollout.wave == len(ends) - 1:
            rollout.state, rollout.ended = Rollout.State.DONE, now
            return
        if rollout.wave:
            rollout.wave_ended = rollout.wave_ended or now
            if now < rollout.wave_ended + timedelta(seconds=rollout.bake):
                return
        rollout.wave, rollout.wave_ended = rollout.wave + 1, None


def _hand_out(rollout: Rollout) -> list[int]:
    """Queue the next environments; return their ids for the messages to workers."""
    if rollout.state != Rollout.State.RUNNING:
        # It was paused or stopped: what no worker has begun waits again.
        move(rollout, environments_of(rollout), (State.QUEUED,), State.WAITING)
        return []
    end = rollout.wave_ends[rollout.wave]
    rows = environments_of(rollout).filter(state=State.WAITING, position__lt=end)
    found = [*rows.values_list("pk", flat=True)[: rollout.room]]
    rows = environments().filter(pk__in=found)
    move(rollout, rows, (State.WAITING,), State.QUEUED, asked=rollout.now)
    return found


def _lost(rollout: Rollout) -> list[int]:
    """Return the ids of the environments for which workers must be asked again."""
    # Without news for so long, the message or the worker may be lost.
    old = rollout.now - timedelta(seconds=AGAIN)
    rows = under_way().filter(rollout=rollout, asked__lt=old)
    rows = rows.exclude(heard__gte=old).exclude(not_before__gte=old)
    if not rows.exists():
        return []
    busy = under_way().filter(rollout__under_way__gt=0, heard__gte=old)
    if busy.exists():
        # Messages come in their order: what is older than one that was taken does not come.
        last = busy.filter(ANSWERED).aggregate(last=Max("asked"))["last"]
        rows = rows.filter(ANSWERED | Q(asked__lt=last) if last else ANSWERED)
    elif _is_queue_empty():
        _count_try(rollout, rows.exclude(ANSWERED))
    else:
        # No worker runs: the message waits at the broker.
        rows = rows.filter(ANSWERED)
    found = [*rows.values_list("pk", flat=True)]
    # Else each look until the worker answers would send one more message.
    environments().filter(pk__in=found).update(asked=rollout.now)
    return found


def _is_queue_empty() -> bool:
    """Return whether the broker holds no message of the task's queue; False if it cannot say."""
    app, name = queue.celery_app(), platform_options().celery_queue
    from kombu.exceptions import ChannelError

    where = app.amqp.router.route({"queue": name} if name else {}, TASK)
    try:
        with queue.connected(app) as connection:
            declared = connection.channel().queue_declare(where["queue"].name, passive=True)
            return not declared.message_count
    except ChannelError as error:
        return str(error.reply_code) == "404"  # Redis has no empty queues
    except Exception:  # noqa: BLE001 -- of a broker that is away, or counts no messages
        return False


def _count_try(rollout: Rollout, rows: Any) -> None:
    """Count what a worker did that does not know the task: it discards the message."""
    facts = {"cause": "", "errcode": None, "message": english(_NOT_BEGUN)}
    count = rows.update(tries=F("tries") + 1, **facts)
    move(rollout, rows.filter(tries__gte=TRIES), RolloutEnvironment.UNDER_WAY, State.FAILED)
    logger.warning("%d environments of rollout %s: %s", count, rollout.pk, facts["message"])


def _send(asked: list[int]) -> None:
    queue.send(TASK, [(pk,) for pk in asked], time_limit=platform_options().rollout_time_limit)
