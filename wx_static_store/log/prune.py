"""Delete old rows and releases in small transactions, but no current state."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from ..conf import platform_options
from ..conf.release_checks import require_private
from ..i18n import gettext_lazy as _
from ..models import Deployment, FolderState, IdempotencyKey, Release
from ..models.columns import Now
from ..upload import kept, parked, waiting
from ..upload.database import deployments, log, persistently
from ..upload.workers import WorkerPool
from .retention import RELEASES, find_retained

_also: dict[str, Callable[[datetime], QuerySet[Any]]] = {}
COUNTED: dict[str, str | Promise] = {
    "uploads": _("uploads"),
    "deployments": _("deployments"),
    "keys": _("Idempotency-Keys"),
    "previews": _("ended previews"),
    "releases": _("releases"),
    "files": _("files"),
    "parked": _("files of failed uploads"),
    "unnamed": _("files of rolled-back saves"),
}


def prune_also(
    name: str, label: str | Promise, ended_before: Callable[[datetime], QuerySet[Any]]
) -> None:
    """Register more rows to delete once they ended before a time. For ``AppConfig.ready()``."""
    _also[name], COUNTED[name] = ended_before, label


def prune(
    days: int,
    *,
    env: str | None = None,
    batch: int = 1000,
    releases: int = RELEASES,
    dry_run: bool = False,
) -> Iterator[tuple[str, int]]:
    """
    Delete rows older than so many days, then deployments of that age that have no rows left.

    Always kept are the newest row of a key, the rows of a running deployment, the deployments of
    the last `releases`, and those whose rows are not all written. Expired ``Idempotency-Key`` rows
    are deleted, too, and without `env` old rows that `prune_also` registered. Each batch is its own
    transaction, outside of the caller's, and is yielded: ``("uploads", 1000)``. Iterate to the end.
    """
    if days < 1 or batch < 1:
        raise ValueError("The rows of the last day stay, and a batch is one row or more.")
    before = timezone.now() - timedelta(days=days)
    for name, doomed, stay in _steps(before, env, releases):
        for count in _delete(doomed, batch, dry_run, stay):
            yield name, count
    if not dry_run:
        _settle_folders()


def _steps(
    before: datetime, env: str | None, releases: int
) -> list[tuple[str, QuerySet[Any], Collection[int]]]:
    """Return the name of each kind, the rows to delete, and the ids of those that stay."""
    wanted: dict[str, Any] = {"created__lt": before} | ({} if env is None else {"env": env})
    # One that was killed runs no more: the next one of its environment has noted it.
    running = deployments().filter(outcome=Deployment.Outcome.RUNNING).values_list("id", flat=True)
    same_key = {"env": OuterRef("env"), "key_digest": OuterRef("key_digest")}
    newer = Exists(log().filter(**same_key, id__gt=OuterRef("id")))
    rows = log().filter(newer, **wanted).exclude(deployment__in=[*running])
    # As if the rows were gone already: a dry run does not delete them, and counts the same.
    stays = Q(created__gte=before) | ~Q(newer)
    has_rows = Exists(log().filter(stays, deployment=OuterRef("pk")))
    old = deployments().filter(**wanted).exclude(outcome__in=Deployment.UNFINISHED)
    keys = IdempotencyKey._base_manager.using(log().db).filter(expires__lt=Now())
    return [
        ("uploads", rows, ()),
        ("deployments", old.exclude(has_rows), find_retained(releases).deployments),
        # Such rows, like rollouts, belong to many environments.
        *((name, of(before), ()) for name, of in _also.items() if env is None),
        ("keys", keys, ()),
    ]


def prune_releases(count: int = RELEASES, *, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """
    Delete all but the last `count` releases of each environment and folder, and their bytes.

    Live releases stay, those that were used within a day, and bytes of other releases. Each small
    step is its own transaction, and is yielded: ``("releases", 1)``, ``("files", 100)``,
    ``("bytes", 5_000_000)``. Iterate to the end. Raises what the release storage raises.
    """
    until = timezone.now() - kept.UNTOUCHED
    newest = deployments().order_by("-id").values_list("id", flat=True).first() or 0
    stay = find_retained(count).releases
    ids = Release.objects.using(log().db).order_by("id").values_list("id", flat=True)
    doomed = [pk for pk in ids.filter(used__lt=until) if pk not in stay]
    for release in doomed:
        if dry_run or persistently(partial(_forget, release, until, newest), otherwise=False):
            yield "releases", 1
    if doomed and not dry_run:
        _settle_folders()
    if not kept.alias():
        return
    left = [*ids] if not dry_run else [*{*ids} - {*doomed}]
    with WorkerPool(platform_options().max_workers) as pool:
        for files, size in kept.free(left, pool, dry_run=dry_run):
            yield "files", files
            yield "bytes", size


def prune_waiting(*, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """Delete old bytes of uploads that failed and of saves that were rolled back, as above."""
    if alias := platform_options().waiting_storage:
        require_private(alias, "WAITING_STORAGE")
        yield from parked.prune(dry_run=dry_run)
        yield from waiting.sweep(dry_run=dry_run)


def _settle_folders() -> None:
    for some in FolderState.objects.using(log().db).parts():
        persistently(some.settle, otherwise=None)


def _forget(release: int, until: datetime, newest: int) -> bool:
    """Delete a release, unless a deploy uses it by now; its deployments keep none."""
    taken = deployments().filter(release=release, id__gt=newest)
    row = Release.objects.using(log().db).filter(pk=release, used__lt=until).only("pk")
    # The update locks the row: a deploy that wants it waits, and then records the release again.
    if not row.update(used=F("used")) or taken.exists():
        return False
    deployments().filter(release=release).update(release=None)
    row.delete()
    return True


def _delete(
    rows: QuerySet[Any], batch: int, dry_run: bool, stay: Collection[int] = ()
) -> Iterator[int]:
    """Delete rows in batches, but those with an id in `stay`."""
    # By primary key: so only few rows are locked, for a short time.
    last = 0
    while ids := list(rows.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:batch]):
        last = ids[-1]
        if going := [pk for pk in ids if pk not in stay]:
            gone = rows.model._base_manager.using(rows.db).filter(id__in=going)
            yield len(going) if dry_run else gone.delete()[1].get(rows.model._meta.label, 0)
