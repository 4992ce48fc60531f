"""The state of environments: live release, last deploy and failure, drift, uploads of late."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Subquery
from django.utils import timezone

from ..deploy.state import folders
from ..models import Deployment, DeploymentQuerySet, UploadLog, UploadLogQuerySet
from ..models.columns import created_between
from ..upload.database import deployments
from .drift import rows as drift_rows
from .models import Drift, Rollout, RolloutEnvironment, RolloutQuerySet
from .rows import State, environments

ROLLOUTS = 20  # of the newest ones, in which failures without a deployment are looked for
LATELY = 200  # of the newest deployments, which show the places
DAYS = timedelta(days=14)  # for which failed uploads are counted
MOST = 2_000  # of the newest failed uploads of a status, of all environments


class Place(NamedTuple):
    """An alias of STORAGES, and the beginning of the keys."""

    using: str
    folder: str


@dataclass(frozen=True)
class Failure:
    """The last failure of an environment; one in a rollout says why."""

    when: datetime
    deployment_id: int | None = None
    rollout_id: int | None = None
    errcode: int | None = None
    message: str = ""
    cause: str = ""  # the code of its entry


@dataclass(frozen=True)
class Standing:
    """The state of an environment in a place, by deployments that know their releases."""

    env: str
    live: Deployment | None = None
    newest: Deployment | None = None
    failure: Failure | None = None
    drift: Drift | None = None

    @property
    def is_failing(self) -> bool:
        """Return whether no deploy succeeded since the last failure, or the live one differs."""
        if self.failure is None:
            return self.live is not None and self.live.checked == Deployment.Checked.MISMATCHED
        return self.live is None or self.live.created <= self.failure.when

    @property
    def differs(self) -> bool:
        """Return whether the cloud differed from the live release, or could not be compared."""
        return self.drift is not None and not self.drift.is_clean


def places(rollouts: RolloutQuerySet, rows: DeploymentQuerySet) -> list[Place]:
    """Return the places of these rollouts and the newest of these deployments, the last first."""
    released = rows.filter(release__isnull=False).exclude(using="").order_by("-id")
    found = (
        *rollouts.values_list("using", "folder")[:ROLLOUTS],
        *released.values_list("using", "folder")[:LATELY],
    )
    return [Place(*each) for each in dict.fromkeys(found)]


def known_environments() -> list[str]:
    """Return recently deployed or compared environments, for a project without ENVIRONMENTS."""
    newest = [*Rollout.objects.primary().values_list("pk", flat=True)[:ROLLOUTS]]
    rolled_out = environments().filter(rollout__in=newest).order_by()
    late = deployments().order_by("-id").values_list("env", flat=True)[:LATELY]
    seen = drift_rows().order_by().values_list("env", flat=True)
    return sorted({*late, *seen, *rolled_out.values_list("env", flat=True).distinct()})


def standings(envs: Collection[str], place: Place) -> list[Standing]:
    """Return the state of each of these environments, in their order, by at most nine queries."""
    found = folders().in_folder(place.folder).filter(env__in=[*envs])
    here = {env: ids for env, *ids in found.values_list("env", "wanted", "live", "failed")}
    ids = {pk for each in here.values() for pk in each if pk}
    known = deployments().filter(pk__in=ids).order_by().select_related("release")
    known = known.only("env", "label", "outcome", "checked", "created", "stored", "release__digest")
    rows: dict[int | None, Deployment] = {row.pk: row for row in known}
    # Deployments do not know all failures: some came before a deployment began.
    newest = Rollout.objects.primary().filter(using=place.using, folder=place.folder)
    found = environments().filter(rollout__in=[*newest.values_list("pk", flat=True)[:ROLLOUTS]])
    found = found.filter(state=State.FAILED, env__in=[*envs]).order_by("pk")
    failed = {row.env: row for row in found}
    drifts = {row.env: row for row in drift_rows().filter(using=place.using, env__in=[*envs])}
    return [
        Standing(
            env,
            live=rows.get(live),
            newest=rows.get(newest),
            failure=_failure(rows.get(last_failed), failed.get(env)),
            drift=drifts.get(env),
        )
        for env in envs
        for newest, live, last_failed in [here.get(env, (None, None, None))]
    ]


def _failure(deployment: Deployment | None, row: RolloutEnvironment | None) -> Failure | None:
    # Both may be the same failure: then that of the rollout says more.
    if row and (
        deployment is None or row.deployment_id == deployment.pk or row.since > deployment.created
    ):
        why = row.errcode, row.message, row.cause
        return Failure(row.since, row.deployment_id, row.rollout_id, *why)
    return Failure(deployment.created, deployment.pk) if deployment else None


def failed_uploads(rows: UploadLogQuerySet) -> list[Any]:
    """Return those of these rows that failed in the last days, the newest of each status."""
    names = ("env", "deployment_id", "cause", "errcode", "cos_code")
    late = created_between(rows, timezone.now() - DAYS, None).order_by("-id")
    # Each status apart: its index gives the newest rows.
    newest = (late.filter(status=each) for each in ("failed", "unknown"))
    return [row for each in newest for row in each.values_list(*names, named=True)[:MOST]]


def newest_uploads(envs: Collection[str]) -> dict[str, UploadLog]:
    """Return the newest row of each environment, by one query: for the few that a page shows."""
    rows = UploadLog.objects.order_by("-id")
    newest = [Subquery(rows.filter(env=env).values("id")[:1]) for env in envs]
    # With the 0 it is a list: MariaDB takes one query alone for all that it finds, without a limit.
    return {row.env: row for row in rows.filter(pk__in=[0, *newest])}
