"""Show how environments stand: live release, last deploy, last failure, drift."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.conftest import ENV
from tests.log.conftest import row
from tests.rollouts.admin.pages import NO_TOKEN, deployment_of, env, release_of, rollout_of
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.rollouts import overview
from wx_static_store.rollouts.models import Drift, Rollout, RolloutEnvironment
from wx_static_store.rollouts.overview import (
    DAYS,
    Place,
    Standing,
    failed_uploads,
    known_environments,
    newest_uploads,
    places,
    standings,
)

pytestmark = pytest.mark.django_db

HERE = Place("site", "www/")
ROWS = UploadLog.objects


def rollout(*waves: str, **columns: Any) -> Rollout:
    return rollout_of(*waves, **{"folder": "www/"} | columns)


def standing() -> Standing:
    """Return how the first environment stands."""
    [found] = standings([env(0)], HERE)
    return found


def test_an_environment_without_deploys_stands_empty() -> None:
    assert standing() == Standing(env(0))


def test_the_live_release_is_the_newest_that_ended_well() -> None:
    rollout("d")
    rollout("f", release=release_of("b"))
    found = standing()
    assert found.live
    assert found.newest
    assert (str(found.live.release), found.newest.outcome) == ("aaaaaaaaaa", "failed")


def test_a_failure_in_a_rollout_has_its_cause() -> None:
    failed = rollout("f")
    found = standing().failure
    assert found
    assert (found.cause, found.errcode, found.rollout_id) == ("85088", 85088, failed.pk)
    assert found.deployment_id == Deployment.objects.get().pk


def test_a_failure_that_became_no_deployment_is_found() -> None:
    rollout("d")
    rollout("f", deployed=False, why=NO_TOKEN)
    found = standing()
    assert found.failure
    assert (found.failure.message, found.failure.deployment_id) == ("There is no token", None)
    assert found.is_failing


def test_a_failure_of_a_deploy_by_hand_is_its_deployment() -> None:
    row = deployment_of(env(0), rollout(), failed=True)
    found = standing().failure
    assert found
    assert (found.deployment_id, found.rollout_id) == (row.pk, None)


def test_an_environment_whose_live_release_was_found_to_differ_is_failing() -> None:
    row = deployment_of(env(0), rollout())
    assert not standing().is_failing
    row.checked = "mismatched"
    row.save()
    assert standing().is_failing


def test_of_two_failures_the_later_one_counts() -> None:
    failed = rollout("f", deployed=False, why=NO_TOKEN)
    RolloutEnvironment.objects.update(since=timezone.now() - timedelta(hours=1))
    row = deployment_of(env(0), failed, failed=True)
    found = standing().failure
    assert found
    assert found.deployment_id == row.pk


def test_what_went_well_since_is_not_failing() -> None:
    rollout("f")
    rollout("d")
    found = standing()
    assert found.failure
    assert not found.is_failing


def test_another_place_is_not_looked_at() -> None:
    rollout("f", folder="docs/", deployed=False)
    rollout("d", folder="docs/")
    Drift.objects.create(env=env(0), using="other", missing=1)
    assert standing() == Standing(env(0))


@pytest.mark.parametrize(
    ("columns", "differs"),
    [({}, False), ({"unlogged": 1}, False), ({"missing": 1}, True), ({"message": "away"}, True)],
)
def test_drift_is_what_lacks_or_differs_or_was_not_seen(
    columns: dict[str, Any], *, differs: bool
) -> None:
    Drift.objects.create(env=env(0), using="site", **columns)
    assert standing().differs is differs


def test_environments_stand_in_the_order_in_which_they_are_named() -> None:
    rollout("dd")
    assert [one.env for one in standings([env(1), "new", env(0)], HERE)] == [env(1), "new", env(0)]


def test_many_environments_cost_nine_queries(django_assert_max_num_queries: Any) -> None:
    rollout("f" * 50)
    rollout("d" * 50, release=release_of("b"))
    envs = [env(position) for position in range(50)]
    with django_assert_max_num_queries(9):
        assert all(one.live and one.live.release for one in standings(envs, HERE))


# --- where, and which -------------------------------------------------------------------------


def test_places_are_those_of_rollouts_then_of_deployments() -> None:
    deployment_of("one", rollout("d", using="old"), using="hand", folder="")
    rollout("d")
    deployment_of("one", rollout(), using="", folder="x/")  # of a version that knew no store
    assert places(Rollout.objects.all(), Deployment.objects.all()) == [
        HERE,
        Place("old", "www/"),
        Place("hand", ""),
    ]


def test_known_environments_were_rolled_out_deployed_or_compared() -> None:
    rollout("w")
    deployment_of("by-hand", rollout(), using="site")
    Drift.objects.create(env="compared", using="site")
    assert known_environments() == ["by-hand", "compared", env(0)]


# --- uploads of late ----------------------------------------------------------------------------


def test_failed_uploads_are_those_of_the_last_days() -> None:
    row("a", status="failed", errcode=40001, cause="40001")
    row("b", status="unknown", cos_code="SlowDown", env="tenant-b")
    row("stored")
    row("old", status="failed", days=DAYS.days)
    found = [(each.env, each.errcode, each.cos_code) for each in failed_uploads(ROWS.all())]
    assert found == [(ENV, 40001, ""), ("tenant-b", None, "SlowDown")]


def test_failed_uploads_are_looked_for_after_the_rows_of_a_day_before(
    django_assert_num_queries: Any,
) -> None:
    """Where few failed, the index of the status would else be read to its end."""
    old = row("old", status="failed", days=DAYS.days + 2)
    with django_assert_num_queries(3) as queries:
        failed_uploads(ROWS.all())
    bound = f"{connection.ops.quote_name('id')} > {old.pk}"
    assert [bound in query["sql"] for query in queries] == [False, True, True]


def test_of_many_failed_uploads_the_newest_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MOST", 1)
    for errcode in (40001, 45009):
        row("a", status="failed", errcode=errcode)
    assert [each.errcode for each in failed_uploads(ROWS.all())] == [45009]


@pytest.mark.parametrize("envs", [[], [ENV], [ENV, "tenant-b", "tenant-c"]])
def test_the_newest_upload_of_each_environment_is_one_query(
    envs: list[str], django_assert_max_num_queries: Any
) -> None:
    for key, place in [("a", ENV), ("b", "tenant-b"), ("c", ENV)]:
        row(key, env=place)
    with django_assert_max_num_queries(1):
        found = newest_uploads(envs)
    wanted = {ENV: "c", "tenant-b": "b"}
    assert {place: one.key for place, one in found.items()} == {
        place: key for place, key in wanted.items() if place in envs
    }
