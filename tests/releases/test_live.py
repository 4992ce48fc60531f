"""What is live in each environment and folder, by few queries."""

from __future__ import annotations

from typing import Any

import pytest

from wx_static_store.models import Deployment, Release
from wx_static_store.releases import live
from wx_static_store.releases.live import latest, live_lately, mark_live

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return Release.objects.create(digest="a" * 64, files=b"", count=0, size=0)


def deployed(release: Release | None, place: str, outcome: str = "done") -> Deployment:
    """Return a new deployment; a place such as ``one:www/`` is an environment and a folder."""
    env, _colon, folder = place.partition(":")
    return Deployment.objects.create(env=env, folder=folder, outcome=outcome, release=release)


def test_the_newest_that_ended_well_in_each_folder_is_live(release: Release) -> None:
    deployed(release, "one:www/")
    www, docs = deployed(release, "one:www/"), deployed(release, "one:docs/")
    deployed(release, "one:www/", outcome="failed")
    assert {*live_lately(Deployment.objects.all(), 9)} == {www, docs}


def test_environments_that_were_deployed_to_last_come_first(release: Release) -> None:
    rows = [deployed(release, env) for env in ("a", "c", "b")]
    assert live_lately(Deployment.objects.all(), 9) == rows[::-1]
    assert live_lately(Deployment.objects.all(), 2) == [rows[2], rows[1]]


def test_a_deployment_without_a_release_is_not_live(release: Release) -> None:
    deployed(None, "one:www/")
    assert live_lately(Deployment.objects.all(), 9) == []


def test_only_the_given_environments_are_looked_at(release: Release) -> None:
    deployed(release, "one")
    ours = deployed(release, "two")
    assert live_lately(Deployment.objects.filter(env="two"), 9) == [ours]


def test_many_deployments_of_a_folder_cost_no_more_queries_than_one(
    release: Release, django_assert_num_queries: Any
) -> None:
    for place in ("one:a/", "one:b/") * 10:
        deployed(release, place)
    with django_assert_num_queries(5):  # the environments; a/, b/, the end; the rows
        live_lately(Deployment.objects.all(), 9)


def test_the_live_one_of_each_folder_is_marked(release: Release) -> None:
    old, new = deployed(release, "one:www/"), deployed(release, "one:www/")
    failed, other = deployed(release, "one:www/", outcome="failed"), deployed(release, "two:www/")
    rows = mark_live([old, new, failed, other])
    assert [row for row in rows if row.is_live] == [new, other]


def test_a_page_of_rows_is_marked_by_one_query(
    release: Release, django_assert_num_queries: Any
) -> None:
    rows = [deployed(release, f"one:{number}/") for number in range(20)]
    with django_assert_num_queries(1):
        assert all(row.is_live for row in mark_live(rows))


# --- what is newest in a folder -----------------------------------------------------------------


def test_the_newest_of_all_the_live_and_the_failed_are_found(release: Release) -> None:
    deployed(release, "one:www/", outcome="failed")
    failed, live = deployed(release, "one:www/", outcome="failed"), deployed(release, "one:www/")
    running = deployed(release, "one:www/", outcome="running")
    assert latest(["one"], "www/") == {"one": (running.pk, live.pk, failed.pk)}


def test_another_folder_and_environment_are_left_alone(release: Release) -> None:
    ours = deployed(release, "one:www/")
    deployed(release, "one:docs/")
    deployed(release, "two:www/")
    assert latest(["one"], "www/") == {"one": (ours.pk, ours.pk, None)}


def test_an_environment_that_was_deployed_elsewhere_has_nothing_newest(release: Release) -> None:
    deployed(release, "one:docs/")
    assert latest(["one", "two"], "www/") == {"one": (None, None, None)}


def test_an_environment_that_was_not_deployed_to_of_late_is_found_all_the_same(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WIDELY", 1)
    old, new = deployed(release, "one:www/"), deployed(release, "two:www/")
    expected = {"one": (old.pk, old.pk, None), "two": (new.pk, new.pk, None)}
    assert latest(["one", "two"], "www/") == expected


def test_many_environments_cost_no_more_queries_than_one(
    release: Release, django_assert_num_queries: Any
) -> None:
    envs = [f"tenant-{number}" for number in range(30)]
    for env in envs * 2:
        deployed(release, f"{env}:www/")
    with django_assert_num_queries(3):
        assert len(latest(envs, "www/")) == 30
