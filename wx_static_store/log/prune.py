"""Delete old rows in small transactions; what shows the state of a file or deployment stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from ..models import Deployment, IdempotencyKey
from ..upload.database import log


def prune(
    days: int, *, env: str | None = None, batch: int = 1000, dry_run: bool = False
) -> Iterator[tuple[str, int]]:
    """
    Delete rows older than so many days, then deployments of that age that are left without rows.

    The newest row of a key stays, however old, and so do the rows of a deployment that runs, the
    newest deployment of an environment, and those whose rows are not all written: they say that
    older rows may be outdated. Each batch is a transaction of its own (outside of one of
    the caller's), after which comes what went: ``("uploads", 1000)``. Iterate it to the end. Each
    ``Idempotency-Key`` whose day is over goes as well, whatever its environment.
    """
    if days < 1 or batch < 1:
        raise ValueError("The rows of the last day stay, and a batch is one row or more.")
    wanted: dict[str, Any] = {"created__lt": timezone.now() - timedelta(days=days)}
    if env is not None:
        wanted["env"] = env
    same_key = {"env": OuterRef("env"), "key_digest": OuterRef("key_digest")}
    newer = Exists(log().filter(**same_key, id__gt=OuterRef("id")))
    newest, running = _newest_deployments()
    rows = log().filter(newer, **wanted).exclude(deployment__in=running)
    for count in _delete(rows, batch, dry_run):
        yield "uploads", count

    stays = Q(created__gte=wanted["created__lt"]) | ~Q(newer)
    kept = Exists(log().filter(stays, deployment=OuterRef("pk")))
    deployments = Deployment.objects.using(log().db).filter(**wanted).exclude(id__in=newest)
    deployments = deployments.exclude(outcome__in=Deployment.UNFINISHED)
    for count in _delete(deployments.exclude(kept), batch, dry_run):
        yield "deployments", count

    keys = IdempotencyKey._base_manager.using(log().db).filter(expires__lt=timezone.now())
    for count in _delete(keys, batch, dry_run):
        yield "keys", count


def _newest_deployments() -> tuple[list[int], list[int]]:
    """
    Return the newest of each environment, and those of them that run.

    An older one that has no end was killed: it runs no more.
    """
    deployments = Deployment.objects.using(log().db).order_by()
    ids = deployments.values("env").annotate(newest=Max("id")).values_list("newest", flat=True)
    newest = list(ids)
    running = deployments.filter(id__in=newest, outcome=Deployment.Outcome.RUNNING)
    return newest, list(running.values_list("id", flat=True))


def _delete(rows: QuerySet[Any], batch: int, dry_run: bool) -> Iterator[int]:
    """Delete by primary key, so that no lock is held on more than one batch, nor for long."""
    last = 0
    while ids := list(rows.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:batch]):
        last = ids[-1]
        gone = rows.model._base_manager.using(rows.db).filter(id__in=ids)
        yield len(ids) if dry_run else gone.delete()[0]
