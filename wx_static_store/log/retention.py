"""Find the deployments and releases that stay, however old."""

from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from django.utils import timezone

from ..models import Deployment, FolderState

RELEASES = 10  # of each environment and folder
_also: set[Callable[[], set[int]]] = set()  # functions that return ids of releases
_COLUMNS = ("id", "env", "folder", "outcome", "release_id")


class Retained(NamedTuple):
    """The ids of rows that stay."""

    deployments: set[int]
    releases: set[int]


def keep_also(releases: Callable[[], set[int]]) -> None:
    """Register a function that returns ids of more releases to keep. For ``AppConfig.ready()``."""
    _also.add(releases)


def find_retained(count: int = RELEASES) -> Retained:
    """
    Return the rows that stay of each environment and folder, and all running deployments.

    These are the newest deployment, the newest of each of the last `count` releases, the newest of
    each of the last `count` releases that ended well (the first one is live), and the releases of
    functions that `keep_also` registered. Of a preview that has ended, only the newest stays.
    """
    # Releases are counted, not deployments: neither ten deploys of one tree nor ten failures may
    # delete the release before.
    stays, seen = Retained(set(), {*chain(*(ids() for ids in _also))}), set[tuple[str, str]]()
    last = defaultdict[tuple[str, ...], set[int]](set)
    rows = Deployment.objects.primary().order_by("-id").values_list(*_COLUMNS)
    ended = FolderState.objects.using(rows.db).filter(ends__lte=timezone.now())
    over = {*ended.values_list("env", "folder")}
    for pk, env, folder, outcome, release in rows.iterator():
        kept = (env, folder) not in seen or outcome == Deployment.Outcome.RUNNING
        seen.add((env, folder))
        ended_well = [(env, folder, "done")] if outcome == Deployment.Outcome.DONE else []
        most = 0 if (env, folder) in over else count
        for group in ((env, folder), *ended_well):
            if release and release not in last[group] and len(last[group]) < most:
                last[group].add(release)
                kept = True
        if kept:
            stays.deployments.add(pk)
            stays.releases.update(filter(None, [release]))
    return stays
