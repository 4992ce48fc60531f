"""Who sees which part of a rollout; only users who see all of it may steer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from ..submit.policy import visible_environments
from .models import Rollout, RolloutQuerySet
from .rows import environments, environments_of

if TYPE_CHECKING:
    from ..core.refusals import User


def visible_rollouts(user: User) -> RolloutQuerySet:
    """Return the rollouts with an environment that this user may see, the newest first."""
    rows = Rollout.objects.primary().select_related("release").defer("release__files")
    visible = visible_environments(user)
    if visible is None:
        return rows
    return rows.filter(Exists(environments().filter(rollout=OuterRef("pk"), env__in=[*visible])))


def visible_part(user: User, rollout: Rollout) -> list[str] | None:
    """Return the environments of a rollout that this user may see; None means all."""
    visible = visible_environments(user)
    if visible is None or not environments_of(rollout).exclude(env__in=[*visible]).exists():
        return None
    return [*visible]
