"""Show what the rows of rollouts refuse, and how they read."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import under_way

pytestmark = pytest.mark.django_db


def test_the_migrations_are_up_to_date_with_the_models() -> None:
    said = StringIO()
    call_command("makemigrations", "wx_static_store_rollouts", dry_run=True, stdout=said)
    assert said.getvalue() == "No changes detected in app 'wx_static_store_rollouts'\n"


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_reversed_and_applied_again() -> None:
    for target, there in (("zero", False), ("0001", True)):
        call_command("migrate", "wx_static_store_rollouts", target, verbosity=0)
        assert (Rollout._meta.db_table in connection.introspection.table_names()) is there


@pytest.mark.django_db(transaction=True)
def test_the_core_at_zero_takes_the_tables_of_rollouts_with_it() -> None:
    call_command("migrate", "wx_static_store", "zero", verbosity=0)
    assert Rollout._meta.db_table not in connection.introspection.table_names()
    call_command("migrate", verbosity=0)
    assert Rollout._meta.db_table in connection.introspection.table_names()


@pytest.fixture
def rollout() -> Rollout:
    return Rollout.objects.create(using="site", waves="100%", label="v2")


def test_a_rollout_is_named_by_its_label(rollout: Rollout) -> None:
    assert str(rollout) == "v2"


def test_open_are_those_that_did_not_stop_or_end(rollout: Rollout) -> None:
    for state in (Rollout.State.STOPPED, Rollout.State.DONE):
        Rollout.objects.create(using="site", waves="100%", state=state)
    assert [*Rollout.objects.primary().open()] == [rollout]


def test_a_rollout_has_an_environment_once(rollout: Rollout) -> None:
    RolloutEnvironment.objects.create(rollout=rollout, env="shop-a", position=0, wave=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        RolloutEnvironment.objects.create(rollout=rollout, env="shop-a", position=1, wave=1)


def test_under_way_is_what_a_worker_was_asked_for(rollout: Rollout) -> None:
    for position, state in enumerate(RolloutEnvironment.State.values):
        facts = {"env": state, "state": state, "position": position, "wave": 1}
        RolloutEnvironment.objects.create(rollout=rollout, **facts)
    assert {row.state for row in under_way()} == {"queued", "running"}


@pytest.mark.parametrize(
    ("failed", "under_way", "free"),
    [(0, 0, 3), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (3, 0, 0), (4, 0, 0)],
)
def test_no_more_run_than_may_fail_together(failed: int, under_way: int, free: int) -> None:
    rollout = Rollout(tolerate=2, failed=failed, under_way=under_way, max_parallel=10)
    assert rollout.room == free


def test_no_more_run_than_was_asked_for() -> None:
    assert Rollout(tolerate=99, under_way=3, max_parallel=4).room == 1


@pytest.mark.parametrize(("asked_for", "free"), [(0, 32), (100, 100)])
def test_workers_are_asked_for_32_environments_or_for_as_many_as_was_said(
    asked_for: int, free: int
) -> None:
    assert Rollout(tolerate=999, max_parallel=asked_for).room == free
