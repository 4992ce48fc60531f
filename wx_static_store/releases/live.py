"""Find the live release of each environment and folder, and what a deployment held back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Max, OuterRef, Subquery

from ..conf import options_for
from ..core.naming import object_key
from ..core.types import UploadStatus
from ..exceptions import WxStaticStoreError
from ..upload import kept
from ..upload.database import deployments, log
from .rollback import command_for

if TYPE_CHECKING:
    from ..models import Deployment, DeploymentQuerySet

LATELY = 200  # newest deployments: only their environments are read
WIDELY = 5000  # newest ids: one of each environment is first searched among them
MOST_FILES = 5000  # of a release whose keys are looked up for a page


class Latest(NamedTuple):
    """The ids of the newest deployments of an environment to a folder, or None."""

    of_all: int | None
    live: int | None
    failed: int | None


def mark_live(rows: Iterable[Deployment]) -> list[Deployment]:
    """Set `is_live` on these rows by one query, and return them."""
    rows = list(rows)
    places = deployments().filter(pk__in=[row.pk for row in rows if row.outcome == "done"])
    live = {*places.order_by().values_list(_live(places), flat=True)}
    for row in rows:
        row.is_live = row.pk in live
    return rows


def live_lately(rows: DeploymentQuerySet, most: int) -> list[Deployment]:
    """Return at most `most` live deployments, those of the last used environment first."""
    ids = list(islice(_live_ids(rows), most))
    found = rows.select_related("release").defer("release__files").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _live_ids(rows: DeploymentQuerySet) -> Iterator[int]:
    """Yield the id of the live deployment of each folder."""
    # A platform may have more environments than anybody reads on a page.
    newest = rows.order_by("-id").values_list("env", flat=True)[:LATELY]
    for env in dict.fromkeys(newest):
        found = rows.filter(env=env).annotate(live_id=_live(rows)).order_by("folder_digest")
        folders: Any = found.values_list("folder_digest", "live_id")
        folder = folders.first()
        # Folder by folder: the index skips all further rows of a folder.
        while folder:
            digest, live_id = folder
            if live_id:
                yield live_id
            folder = folders.filter(folder_digest__gt=digest).first()


def _live(rows: DeploymentQuerySet) -> Subquery:
    """Return the id of the newest good deployment in the environment and folder of a row."""
    same = {name: OuterRef(name) for name in ("env", "folder_digest")}
    every = type(rows)(rows.model, using=rows.db)
    return Subquery(every.filter(**same).good().values("id")[:1])


def latest(envs: Collection[str], folder: str) -> dict[str, Latest]:
    """Return the newest deployments to the folder, for each environment that has any."""
    failed = deployments().model.Outcome.FAILED
    same = deployments().filter(env=OuterRef("env")).in_folder(folder)
    newest = (same.order_by("-id"), same.good(), same.with_outcome(failed))
    ids = (Subquery(rows.values("id")[:1]) for rows in newest)
    rows = deployments().filter(pk__in=_one_of_each(envs)).order_by()
    return {env: Latest(*found) for env, *found in rows.values_list("env", *ids)}


def _one_of_each(envs: Collection[str]) -> list[int]:
    """Return the id of one deployment of each environment, for the indexes to start from."""
    wanted, rows = {*envs}, deployments().order_by().values_list("env").annotate(Max("id"))
    newest = deployments().order_by("-id").values_list("id", flat=True).first() or 0
    late = rows.filter(id__gt=newest - WIDELY)
    found = {env: pk for env, pk in late if env in wanted}
    if rest := wanted - found.keys():
        found |= dict(rows.filter(env__in=rest))
    return [*found.values()]


# --- files that a deployment did not send ------------------------------------------------------


def held_back_keys(row: Deployment) -> list[str]:
    """Return the keys of the release that were not sent, nor stored since; none if unknown."""
    if not (row.not_attempted and row.release) or row.release.count > MOST_FILES:
        return []
    files = {object_key(row.folder, file.name): file.md5 for file in row.release.contents()}
    columns = ("key", "status", "md5", "deployment_id")
    known = set()
    for key, status, md5, deployment, _stored in log().newest_values(row.env, files, *columns):
        is_stored = status == UploadStatus.STORED and md5 == files.get(key)
        if is_stored or deployment == row.pk:
            known.add(key)
    # More than were not sent: a file that only the cloud's list shows as unchanged has no row.
    found = [key for key in files if key not in known]
    return found if len(found) <= row.not_attempted else []


def command_again(row: Deployment) -> str:
    """Return the command that repeats the deployment; DIR stands for its folder."""
    if row.source != "wx_deploy":
        return "python manage.py collectstatic --noinput"
    prefix = row.folder
    with suppress(WxStaticStoreError):  # the store is gone: its location is not known
        prefix = prefix.removeprefix(options_for(row.using).location)
    if row.release_id and kept.alias():
        return command_for(row.using, row.env, ("--rollback", str(row.pk)), prefix)
    label = ["--label", row.label] if row.label else []
    words = ["DIR", *filter(None, [prefix])]
    return command_for(row.using or "default", row.env, words, "", *label)
