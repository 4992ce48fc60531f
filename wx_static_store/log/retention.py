"""Which deployments and releases stay, however old."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from ..models import Deployment

RELEASES = 10  # of each environment and folder
_also: list[Callable[[], set[int]]] = []  # functions that return ids of releases
_COLUMNS = ("id", "env", "folder", "outcome", "release_id")


class Retained(NamedTuple):
    """The ids of what stays."""

    deployments: set[int]
    releases: set[int]


def keep(releases: Callable[[], set[int]]) -> None:
    """Register what returns the ids of more releases to keep. For ``AppConfig.ready()``."""
    _also.append(releases)


def find_retained(count: int = RELEASES) -> Retained:
    """
    Return what stays of each environment and folder, and whatever runs.

    That is the newest deployment, the newest of each of the last `count` releases, and the newest
    of each of the last `count` that ended well: the first of these is live. So neither the same
    tree ten times nor ten that failed take the release before away. What `keep` registered stays.
    """
    stays, seen = Retained(set(), {*chain(*(ids() for ids in _also))}), set[tuple[str, str]]()
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
