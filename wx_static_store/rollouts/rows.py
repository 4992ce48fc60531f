"""The rows of a rollout: its environments, their counters, who sees them."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from ..core.refusals import User
from ..submit.access import reach, sees
from .models import Rollout, RolloutEnvironment, RolloutQuerySet

logger = logging.getLogger("wx_static_store.rollouts")

TRIES = 6  # of an environment: after so many, an outage or the end of a worker is a failure

State = RolloutEnvironment.State


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


def counts_by(column: str, rows: Any) -> Mapping[Any, Counter[str]]:
    """Return by the values of a column how many of these environments are in each state."""
    found = defaultdict[Any, Counter[str]](Counter)
    # Without an order: it would split the groups.
    for value, state, count in rows.order_by().values_list(column, "state").annotate(Count("pk")):
        found[value][state] = count
    return found


def move(rollout: Rollout, rows: Any, old: Sequence[str], new: str, **facts: Any) -> int:
    """Change the state of those of these rows that have an old one; return how many."""
    # Who holds the lock changes the counters with the rows: they need no query to be right.
    moved: int = rows.filter(state__in=old).update(state=new, since=rollout.now, **facts)
    for name, more in ((_counter(old[0]), -moved), (_counter(new), moved)):
        setattr(rollout, name, getattr(rollout, name) + more)
    return moved


def _counter(state: str) -> str:
    return "under_way" if state in RolloutEnvironment.UNDER_WAY else str(state)


def stop(rollout: Rollout) -> None:
    """Stop a rollout: what is under way ends, and nothing more begins."""
    rollout.state, rollout.ended = Rollout.State.STOPPED, rollout.now


def check_counters(rollout: Rollout) -> None:
    """Compare the counters with the rows; correct and report what something else changed."""
    found = dict.fromkeys(Rollout.COUNTERS, 0)
    for state, count in counts_by("rollout", environments_of(rollout))[rollout.pk].items():
        found[_counter(state)] += count
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


def may_steer(user: User, rollout: Rollout) -> bool:
    """Return whether all environments of a rollout are offered to this user."""
    envs = reach(user)
    return envs is None or not environments_of(rollout).exclude(env__in=[*envs]).exists()
