"""The rows of a rollout: its environments, their number in each state, who sees them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from ..submit.access import reach
from .models import Rollout, RolloutEnvironment, RolloutQuerySet

if TYPE_CHECKING:
    from ..core.refusals import User

logger = logging.getLogger("wx_static_store.rollouts")

TRIES = 6  # of an environment: after so many, an outage or the end of a worker is a failure

State = RolloutEnvironment.State
Counts = Mapping[tuple[int, str], int]  # how many environments a wave has in a state


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


def move(rollout: Rollout, rows: Any, old: Sequence[str], new: str, **facts: Any) -> int:
    """Change the state of those of these rows that have an old one; return how many."""
    # Who holds the lock changes the counters with the rows: they need no query to be right.
    moved: int = rows.filter(state__in=old).update(state=new, since=rollout.now, **facts)
    for state, more in ((old[0], -moved), (new, moved)):
        name = RolloutEnvironment.COUNTED[state]
        setattr(rollout, name, getattr(rollout, name) + more)
    return moved


def stop(rollout: Rollout) -> None:
    """Stop a rollout: what is under way ends, and nothing more begins."""
    rollout.state, rollout.ended = Rollout.State.STOPPED, rollout.now
    unqueue(rollout)


def unqueue(rollout: Rollout) -> None:
    """Let the environments wait again that no worker has begun."""
    move(rollout, environments_of(rollout), (State.QUEUED,), State.WAITING)


def check_counters(rollout: Rollout) -> None:
    """Compare the counters with the rows; correct and report what something else changed."""
    rows = environments_of(rollout).order_by().values_list("state").annotate(Count("pk"))
    found = dict.fromkeys(RolloutEnvironment.COUNTED.values(), 0)
    for state, count in rows:
        found[RolloutEnvironment.COUNTED[state]] += count
    counted = {name: getattr(rollout, name) for name in found}
    if counted != found:
        logger.error("Rollout %s counted %s, and has %s", rollout.pk, counted, found)
        vars(rollout).update(found)


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
    visible = reach(user)
    if visible is None:
        return rows
    return rows.filter(Exists(environments().filter(rollout=OuterRef("pk"), env__in=[*visible])))


def visible_part(user: User, rollout: Rollout) -> list[str] | None:
    """Return the environments of a rollout that this user may see; None means all."""
    visible = reach(user)
    if visible is None or not environments_of(rollout).exclude(env__in=[*visible]).exists():
        return None
    return [*visible]
