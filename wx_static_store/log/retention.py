"""Which deployments and releases stay, however old."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from ..models import Deployment
from ..rollouts.models import Rollout, RolloutEnvironment

RELEASES = 10  # of each environment and folder
_COLUMNS = ("id", "env", "folder", "outcome", "release_id")


class Retained(NamedTuple):
    """The ids of what stays."""

    deployments: set[int]
    releases: set[int]


def retained(count: int = RELEASES) -> Retained:
    """
    Return what stays of each environment and folder, and whatever runs.

    That is the newest deployment, the newest of each of the last `count` releases, and the newest
    of each of the last `count` that ended well: the first of these is live. So neither the same
    tree ten times nor ten that failed take the release before away. What a rollout that is not over
    is to bring stays, too.
    """
    stays, seen = Retained(set(), _releases_to_come()), set[tuple[str, str]]()
    last = defaultdict[tuple[str, ...], set[int]](set)
    rows = Deployment.objects.primary().order_by("-id").values_list(*_COLUMNS)
    for pk, env, folder, outcome, release in rows.iterator():
        kept = (env, folder) not in seen or outcome == Deployment.Outcome.RUNNING
        seen.add((env, folder))
        ended_well = [(env, folder, "done")] if outcome == Deployment.Outcome.DONE else []
        for group in ((env, folder), *ended_well):
            if release and release not in last[group] and len(last[group]) < count:
                last[group].add(release)
                kept = True
        if kept:
            stays.deployments.add(pk)
            stays.releases.update(filter(None, [release]))
    return stays


def _releases_to_come() -> set[int]:
    rows = RolloutEnvironment._base_manager.using(Rollout.objects.primary().db)
    left = rows.exclude(rollout__state__in=Rollout.CLOSED).filter(release__isnull=False)
    return {*left.order_by().values_list("release", flat=True).distinct()}
