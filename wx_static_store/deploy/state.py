"""Which release a folder should have, which one is live, and whether it is whole, by the log."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import OuterRef, Prefetch, Subquery

from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from ..upload.database import deployments, in_database
from ..upload.recorder import trusted_from

if TYPE_CHECKING:
    from ..models import Deployment, FolderState, FolderStateQuerySet

T = TypeVar("T")

NO_LOG = _("There is no log of uploads and releases")
_MIGRATE = _("Look at DATABASES, and run manage.py migrate wx_static_store.")


def states(envs: Collection[str], folder: str) -> list[FolderState]:
    """Return the state of the folder in each environment; raise ConfigurationError without log."""
    return from_log(partial(_states, envs, folder))


def state(env: str, folder: str) -> FolderState:
    """Return the state of a folder; raise ConfigurationError if there is no log."""
    return states([env], folder)[0]


def live(env: str, folder: str) -> Deployment | None:
    """Return the newest deployment that ended well; None if there is none, or no log."""
    found = in_database(partial(_states, [env], folder), otherwise=None)
    return found[0].live if found else None


def _states(envs: Collection[str], folder: str) -> list[FolderState]:
    rows = folders().in_folder(folder).filter(env__in=[*envs])
    found = {row.env: row for row in rows}
    return [found.get(env) or rows.model(env=env, folder=folder) for env in envs]


def folders() -> FolderStateQuerySet:
    """Return the states of all folders, without the lists of files of their releases."""
    from ..models import FolderState

    # In the database that is written to: a replica may be behind.
    rows = FolderState.objects.using(deployments().db)
    rows = rows.select_related("wanted__release", "live__release")
    return rows.defer("wanted__release__files", "live__release__files")


def before(envs: Collection[str], folder: str) -> dict[str, Deployment]:
    """Return by environment the newest that ended well with another release than the wanted."""

    def found() -> dict[str, Deployment]:
        place = {name: OuterRef(name) for name in ("env", "folder_digest")}
        others = deployments().filter(**place).good().exclude(release=OuterRef("wanted__release"))
        rows = folders().in_folder(folder).filter(env__in=[*envs])
        ids = {*rows.values_list(Subquery(others.values("id")[:1]), flat=True)}
        return {row.env: row for row in with_release().filter(pk__in=ids - {None})}

    return from_log(found)


def live_below(env: str, folder: str) -> list[Deployment]:
    """Return the live deployments of this folder and of those below; none without a log."""

    def found() -> list[Deployment]:
        rows = folders().with_live().filter(env=env, folder__startswith=folder)
        # Compared again: for MariaDB, names that differ only by case are equal.
        live = [row.live for row in rows if row.live and row.folder.startswith(folder)]
        return sorted(live, key=lambda row: row.folder)

    return in_database(found, otherwise=list["Deployment"]())


def trusts_log(now: FolderState) -> bool:
    """Return whether the log alone may say what is in the cloud."""
    # A file that the cloud has otherwise than the log says may be in many releases.
    return now.checked != "mismatched" and trusted_from(now.env) is None


def with_release() -> Any:
    """Return the deployments that have a release, the newest first, without the lists of files."""
    from ..models import Release

    rows = deployments().filter(release__isnull=False).order_by("-id")
    # By a second query: with a join, MariaDB reads all deployments of each release.
    releases = Release.objects.using(rows.db).defer("files")
    return rows.prefetch_related(Prefetch("release", releases))


def from_log(work: Callable[[], T]) -> T:
    """Return the result of `work`; raise ConfigurationError if there is no log."""
    found = in_database(lambda: [work()], otherwise=None)
    if found is None:
        raise ConfigurationError(NO_LOG, hint=_MIGRATE)
    return found[0]
