"""Which deployments and releases stay."""

import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import ENV
from wx_static_store.log.retention import find_retained
from wx_static_store.models import Deployment, Release
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

pytestmark = pytest.mark.django_db

NUMBERS = itertools.count()


def release() -> Release:
    return Release.objects.create(digest=f"{next(NUMBERS):064}", files=b"", count=0, size=0)


def deployed(
    what: Release | None = None, outcome: str = "done", env: str = ENV, folder: str = ""
) -> Deployment:
    return Deployment.objects.create(release=what, outcome=outcome, env=env, folder=folder)


def check(count: int, *stay: Deployment) -> None:
    """Assert that these stay, and their releases."""
    found = find_retained(count)
    assert found.deployments == {each.pk for each in stay}
    assert found.releases == {each.release_id for each in stay if each.release_id}


def test_the_last_of_an_environment_stay() -> None:
    made = [deployed(release()) for _ in range(4)]
    check(2, *made[2:])


def test_each_environment_and_each_folder_has_its_own_last() -> None:
    made = [
        deployed(release(), env=env, folder=folder)
        for env in (ENV, "tenant-b")
        for folder in ("", "docs/")
        for _ in range(2)
    ]
    check(1, *made[1::2])


def test_the_same_release_many_times_is_one() -> None:
    before, now = release(), release()
    made = [deployed(before), *(deployed(now) for _ in range(5))]
    check(2, made[0], made[-1])


def test_deploys_that_failed_take_no_place_of_those_that_ended_well() -> None:
    before, live = deployed(release()), deployed(release())
    failed = [deployed(release(), "failed") for _ in range(3)]
    check(2, before, live, *failed[1:])


def test_what_is_live_stays_though_only_one_is_kept_and_the_newest_failed() -> None:
    made = [deployed(release()), deployed(release()), deployed(release(), "failed")]
    check(1, *made[1:])


def test_what_runs_stays() -> None:
    """In an environment without a lock that all share, it need not be the newest."""
    runs = deployed(release(), "running")
    newer = [deployed(release()) for _ in range(2)]
    check(1, runs, newer[-1])


def test_a_killed_deploy_is_like_one_that_failed() -> None:
    deployed(release(), "incomplete")
    check(1, deployed(release()))


def test_the_newest_deployment_stays_without_a_release() -> None:
    """As that of a release that could not be recorded; the one before it is live."""
    live = deployed(release())
    check(1, live, deployed())


def test_it_asks_three_queries() -> None:
    for _ in range(30):
        deployed(release())
    with CaptureQueriesContext(connection) as queries:
        find_retained()
    assert len(queries) == 3


@pytest.mark.parametrize(("state", "stays"), [("planned", True), ("paused", True), ("done", False)])
def test_what_a_rollout_is_to_bring_stays_until_it_is_over(state: str, stays: bool) -> None:
    rollout = Rollout.objects.create(using="site", waves="100%", state=state)
    new = release()
    RolloutEnvironment.objects.create(rollout=rollout, env=ENV, position=0, wave=1, release=new)
    assert find_retained(1).releases == ({new.pk} if stays else set())
