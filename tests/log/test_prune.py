"""What is old goes, but never what says how things stand."""

from collections import Counter
from typing import Any

import pytest
from django.db import connection

from tests.conftest import ENV
from tests.databases.conftest import IMPATIENT, TABLE, another_connection, run as execute
from tests.log.conftest import row
from wx_static_store.log.prune import prune
from wx_static_store.models import Deployment, UploadLog

pytestmark = pytest.mark.django_db


def pruned(days: int = 30, **options: Any) -> Counter[str]:
    counts = Counter[str]()
    for kind, count in prune(days, **options):
        counts[kind] += count
    return counts


def left() -> set[int]:
    return set(UploadLog.objects.values_list("id", flat=True))


def deployment(days: float, outcome: str = "done", env: str = ENV) -> Deployment:
    made = Deployment.objects.create(env=env, outcome=outcome, source="test")
    old = row("unused", days=days)
    old.refresh_from_db()
    Deployment.objects.filter(pk=made.pk).update(created=old.created)
    old.delete()
    return made


def test_prune_deletes_old_rows_of_a_key_but_for_its_newest() -> None:
    gone = [row("a", days=days) for days in (90, 60)]
    stays = [row("a", days=50), row("b", days=70)]
    assert pruned() == {"uploads": len(gone)}
    assert left() == {made.pk for made in stays}


def test_prune_keeps_rows_younger_than_the_limit() -> None:
    row("a", days=30.01)
    stays = [row("a", days=29.99), row("a")]
    pruned(30)
    assert left() == {made.pk for made in stays}


def test_prune_takes_the_row_added_last_for_the_newest() -> None:
    """An imported row may be older than the one before it; it still says how the file stands."""
    row("a", days=60)
    newest = row("a", days=90)
    pruned()
    assert left() == {newest.pk}


def test_a_newer_row_of_another_environment_does_not_count() -> None:
    stays = [row("a", days=60), row("a", env="tenant-b", days=50)]
    pruned()
    assert left() == {made.pk for made in stays}


def test_only_one_environment_may_be_pruned() -> None:
    for env in (ENV, "tenant-b"):
        for days in (60, 50):
            row("a", env=env, days=days)
        deployment(60, env=env)
        deployment(50, env=env)
    assert pruned(env="tenant-b") == {"uploads": 1, "deployments": 1}
    assert UploadLog.objects.filter(env=ENV).count() == 2


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_prune_deletes_the_same_rows_in_batches_of_any_size(batch: int) -> None:
    for number in range(4):
        for days in (90, 80, 70):
            row(f"{number}", days=days)
    counts = [count for _kind, count in prune(30, batch=batch)]
    assert (sum(counts), max(counts)) == (8, min(batch, 8))
    assert UploadLog.objects.count() == 4


# --- deployments ------------------------------------------------------------------------------


def test_prune_keeps_rows_of_a_running_deployment() -> None:
    running = deployment(60, "running")
    row("a", days=60, deployment=running)
    row("a", days=50)
    assert pruned() == {}


def test_prune_deletes_rows_of_a_killed_deployment() -> None:
    """The one after it shows that it runs no more."""
    killed = deployment(60, "running")
    deployment(50)
    row("a", days=60, deployment=killed)
    row("a", days=50)
    assert pruned() == {"uploads": 1}


@pytest.mark.parametrize("outcome", ["running", "incomplete"])
def test_prune_keeps_a_deployment_whose_rows_are_not_all_written(outcome: str) -> None:
    unfinished = deployment(60, outcome)
    deployment(50)
    assert pruned() == {}
    assert Deployment.objects.filter(pk=unfinished.pk).exists()


def test_prune_deletes_an_old_deployment_without_rows() -> None:
    deployment(60)
    newest = deployment(50)
    assert pruned() == {"deployments": 1}
    assert Deployment.objects.get() == newest


def test_prune_keeps_a_deployment_with_a_row_left() -> None:
    first = deployment(60)
    deployment(50)
    row("a", days=60, deployment=first)
    row("b", days=60, deployment=first)
    row("b", days=50)
    assert pruned() == {"uploads": 1}
    assert Deployment.objects.filter(pk=first.pk).exists()


def test_prune_keeps_a_deployment_with_rows_younger_than_the_limit() -> None:
    first = deployment(31)
    deployment(20)
    row("a", days=29, deployment=first)
    row("a", days=20)
    assert pruned() == {}


def test_prune_keeps_a_young_deployment_without_rows() -> None:
    deployment(29)
    deployment(0)
    assert pruned() == {}


# --- nothing that was not asked for -----------------------------------------------------------


def a_bit_of_all() -> None:
    first = deployment(60)
    deployment(50)
    for days in (60, 50, 40):
        row("a", days=days, deployment=first)
    row("a", days=1)


def test_a_dry_run_of_prune_counts_what_a_run_deletes() -> None:
    a_bit_of_all()
    before = left()
    counted = pruned(dry_run=True)
    assert left() == before
    assert counted == pruned() == {"uploads": 3, "deployments": 1}


def test_a_second_prune_deletes_nothing() -> None:
    a_bit_of_all()
    pruned()
    assert pruned() == {}


@pytest.mark.parametrize("options", [{"days": 0}, {"days": -1}, {"days": 1, "batch": 0}])
def test_prune_refuses_to_delete_rows_of_the_last_day(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="last day"):
        pruned(**options)


# --- while others upload (X8) -----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_between_two_batches_another_connection_adds_a_row_at_once() -> None:
    for days in (90, 80, 70, 60):
        row("a", days=days)
    row("b")
    fields = UploadLog._meta.concrete_fields
    names = [field.column for field in fields if not (field.primary_key or field.generated)]
    columns = ", ".join(map(connection.ops.quote_name, names))
    again = (
        f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {TABLE} ORDER BY id DESC LIMIT 1"
    )
    with another_connection() as other:
        execute(other, IMPATIENT)
        for number, _counts in enumerate(prune(30, batch=1), 1):
            execute(other, again)
            assert UploadLog.objects.filter(key="b").count() == 1 + number
    assert (number, UploadLog.objects.filter(key="a").count()) == (3, 1)
