"""The rows of a rollout: its lock, its environments, their number in each state, who sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from ..i18n import gettext as _
from ..models.columns import Now
from ..signals import rollout_finished
from ..submit.access import sees
from .models import Rollout, RolloutEnvironment, RolloutQuerySet
from .waves import RolloutRefused

if TYPE_CHECKING:
    from ..core.refusals import User


TRIES = 6  # of an environment: after so many, an outage or the end of a worker is a failure

State = RolloutEnvironment.State
Counts = Mapping[tuple[int, str], int]  # how many environments a wave has in a state


@contextmanager
def locked(pk: int) -> Iterator[Rollout]:
    """Lock a rollout while the block runs, in a transaction, and save the block's changes."""
    rows: Any = Rollout.objects.primary().filter(pk=pk)
    with transaction.atomic(using=rows.db):
        # An update locks the row on every database; SQLite has no other lock.
        if not rows.update(touched=Now()):
            raise RolloutRefused(_("There is no rollout %(pk)s: wx_rollout list shows all.", pk=pk))
        rollout: Rollout = rows.annotate(now=Now()).get()
        before = rollout.state
        yield rollout
        rollout.save()
        if rollout.state != before and rollout.state in Rollout.CLOSED:
            failed = number(counts(rollout), State.FAILED)
            too_many = rollout.state == Rollout.State.STOPPED and failed > rollout.tolerate
            facts = {"rollout_id": pk, "state": rollout.state, "failed": failed * too_many}
            ended = partial(rollout_finished.send_robust, None, **facts)
            # After the commit: a receiver would read the state of before.
            transaction.on_commit(ended, using=rows.db)


def environments() -> Any:
    # In the database that is written to: a replica may be behind.
    return RolloutEnvironment._base_manager.using(Rollout.objects.primary().db)


def under_way() -> Any:
    """Return the environments, of any rollout, for which a worker was asked or is at work."""
    return environments().filter(state__in=RolloutEnvironment.UNDER_WAY)


def environments_of(rollout: Rollout, envs: Collection[str] | None = None) -> Any:
    """Return the environments of a rollout, in order; `envs` limits them to those of a reader."""
    rows = environments().filter(rollout=rollout).order_by("position")
    return rows if envs is None else rows.filter(env__in=[*envs])


def counts(rollout: Rollout, envs: Collection[str] | None = None) -> Counts:
    """Return how many environments each wave has in each state."""
    # Without an order: it would split the groups.
    rows = environments_of(rollout, envs).order_by()
    counted = rows.values_list("wave", "state").annotate(Count("pk"))
    return Counter({(wave, state): count for wave, state, count in counted})


def number(rows: Counts, *states: str, wave: int | None = None) -> int:
    """Return how many environments are in these states, in one wave or in all."""
    return sum(
        count
        for (in_wave, state), count in rows.items()
        if state in states and wave in (None, in_wave)
    )


def stop(rollout: Rollout) -> None:
    """Stop a rollout: what is under way ends, and nothing more begins."""
    rollout.state, rollout.ended = Rollout.State.STOPPED, rollout.now
    unqueue(rollout)


def unqueue(rollout: Rollout) -> None:
    """Let the environments wait again that no worker has begun."""
    queued = environments_of(rollout).filter(state=State.QUEUED)
    queued.update(state=State.WAITING, since=rollout.now)


def releases_to_come() -> set[int]:
    """Return the ids of the releases of rollouts that are not over."""
    left = environments().exclude(rollout__state__in=Rollout.CLOSED).filter(release__isnull=False)
    return {*left.order_by().values_list("release", flat=True).distinct()}


def ended_before(until: datetime) -> QuerySet[Rollout]:
    """Return the rollouts that ended before a time."""
    return Rollout.objects.primary().filter(state__in=Rollout.CLOSED, ended__lt=until)


def visible_rollouts(user: User) -> RolloutQuerySet:
    """Return the rollouts with an environment that this user may see, the newest first."""
    rows = Rollout.objects.primary().select_related("release").defer("release__files")
    seen = sees(user)
    if seen is None:
        return rows
    return rows.filter(Exists(environments().filter(rollout=OuterRef("pk"), env__in=seen)))


def visible_part(user: User, rollout: Rollout) -> list[str] | None:
    """Return the environments of a rollout that this user may see; None means all."""
    seen = sees(user)
    if seen is None or not environments_of(rollout).exclude(env__in=seen).exists():
        return None
    return seen
