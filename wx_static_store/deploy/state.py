"""
Which release a folder of an environment should have, which one is live, and whether it is whole.

*Wanted* is the release of the newest deployment, however that ended. *Live* is the release of the
newest that ended well. Verification changes neither: `Deployment.checked` says what it found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Prefetch

from ..core.naming import object_key
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from ..upload.database import deployments, in_database
from ..upload.recorder import trusted_from

if TYPE_CHECKING:
    from ..models import Deployment

T = TypeVar("T")

NO_LOG = _("There is no log that lists releases")
_MIGRATE = _("Look at DATABASES, and run manage.py migrate wx_static_store.")


@dataclass(frozen=True)
class State:
    """The newest deployment of a folder that has a release, and the newest that ended well."""

    env: str
    folder: str
    wanted: Deployment | None
    live: Deployment | None

    @property
    def is_settled(self) -> bool:
        """Return whether the wanted release is live; not so after a deploy that failed."""
        wanted, live = self.wanted, self.live
        return bool(wanted and live and wanted.release_id == live.release_id)

    @property
    def trusts_log(self) -> bool:
        """Return whether the log alone may say what is in the cloud."""
        if trusted_from(self.env) is not None:
            return False
        verified = deployments_of(self.env, self.folder).filter(checked__in=("ok", "mismatched"))
        newest: Deployment | None = from_log(verified.first)
        # A file that the cloud has otherwise than the log says may be in many releases.
        return newest is None or newest.checked == "ok"

    def has(self, row: Deployment) -> bool:
        """Return whether the release of this row is there, as far as it is known."""
        if self.wanted is None or self.wanted.checked == "mismatched":
            return False
        same = self.wanted.release_id == row.release_id
        return self.wanted == row or (same and self.wanted == self.live)


def state(env: str, folder: str) -> State:
    """Return the state of a folder; raise ConfigurationError if there is no log."""
    rows = deployments_of(env, folder)
    wanted: Deployment | None = from_log(rows.first)
    ended_well = wanted and wanted.outcome == wanted.Outcome.DONE
    return State(env, folder, wanted, wanted if ended_well else from_log(rows.good().first))


def live(env: str, folder: str) -> Deployment | None:
    """Return the newest deployment that ended well; None if there is none, or no log."""
    rows = deployments_of(env, folder).good()
    newest: Deployment | None = in_database(rows.first, otherwise=None)
    return newest


def live_below(env: str, folder: str) -> list[Deployment]:
    """Return the live deployments of this folder and of those below; none without a log."""

    def found() -> list[tuple[str, str]]:
        rows = with_release().filter(env=env, folder__startswith=folder).order_by()
        # By digest, too: for MariaDB, names that differ only by case are equal.
        return sorted(rows.values_list("folder", "folder_digest").distinct())

    below = in_database(found, otherwise=None) or ()
    newest = (live(env, name) for name, _digest in below if name.startswith(folder))
    return [row for row in newest if row]


def keys_of(deployment: Deployment) -> set[str]:
    """Return the keys of the files of its release."""
    files = deployment.release.contents() if deployment.release else ()
    return {object_key(deployment.folder, file.name) for file in files}


def deployments_of(env: str, folder: str) -> Any:
    """Return the deployments of a folder that have a release, the newest first."""
    return with_release().filter(env=env).in_folder(folder)


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
