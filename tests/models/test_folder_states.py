"""Which deployments of a folder are wanted, live and failed, by a row of each folder."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection
from hypothesis import given, strategies

from tests.conftest import examples
from tests.rows import rebuild_folders
from wx_static_store.models import Deployment, FolderState, Release
from wx_static_store.upload.recorder import finish_deployment

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return Release.objects.create(digest="a" * 64, files=b"", count=0, size=0)


def deployed(release: Release | None, place: str, outcome: str = "done", **more: Any) -> Deployment:
    """Return a new deployment; a place such as ``one:www/`` is an environment and a folder."""
    env, _colon, folder = place.partition(":")
    return Deployment.objects.create(
        env=env, folder=folder, outcome=outcome, release=release, **more
    )


def state_of(place: str) -> FolderState:
    env, _colon, folder = place.partition(":")
    return FolderState.objects.in_folder(folder).get(env=env)


def every_row() -> list[tuple[Any, ...]]:
    columns = ("env", "folder", "folder_digest", "wanted", "live", "failed", "checked")
    return sorted(FolderState.objects.values_list(*columns))


def test_a_new_deployment_is_wanted_and_not_yet_live(release: Release) -> None:
    old, new = deployed(release, "one:www/"), deployed(release, "one:www/", "running")
    here = state_of("one:www/")
    assert (here.wanted, here.live, here.failed) == (new, old, None)


def test_a_deployment_that_ends_well_becomes_live(release: Release) -> None:
    new = deployed(release, "one:www/", "running")
    finish_deployment(new.pk, outcome="done")
    assert state_of("one:www/").live == new


def test_a_deployment_that_fails_leaves_the_one_before_live(release: Release) -> None:
    old, new = deployed(release, "one:www/"), deployed(release, "one:www/", "running")
    finish_deployment(new.pk, outcome="failed")
    here = state_of("one:www/")
    assert (here.wanted, here.live, here.failed) == (new, old, new)


def test_while_a_deployment_runs_again_the_one_before_is_live(release: Release) -> None:
    old, new = deployed(release, "one:www/"), deployed(release, "one:www/")
    finish_deployment(new.pk, outcome="running")
    assert state_of("one:www/").live == old
    finish_deployment(new.pk, outcome="done")
    assert state_of("one:www/").live == new


def test_an_older_deployment_that_ends_later_is_not_live(release: Release) -> None:
    old, new = deployed(release, "one:www/", "running"), deployed(release, "one:www/")
    finish_deployment(old.pk, outcome="done")
    assert (state_of("one:www/").live, state_of("one:www/").wanted) == (new, new)


def test_a_deployment_without_a_release_is_neither_wanted_nor_live(release: Release) -> None:
    known = deployed(release, "one:www/")
    deployed(None, "one:www/")
    here = state_of("one:www/")
    assert (here.wanted, here.live) == (known, known)


def test_folders_and_environments_are_kept_apart(release: Release) -> None:
    places = ("one:www/", "one:WWW/", "one:", "two:www/")
    made = {place: deployed(release, place) for place in places}
    assert {place: state_of(place).live for place in places} == made


def test_a_verification_is_remembered_until_the_next_one(release: Release) -> None:
    first = deployed(release, "one:www/")
    finish_deployment(first.pk, checked="mismatched")
    deployed(release, "one:www/", checked="not_compared")
    assert state_of("one:www/").checked == "mismatched"
    finish_deployment(deployed(release, "one:www/").pk, checked="ok")
    assert state_of("one:www/").checked == "ok"


def test_a_verification_does_not_change_what_is_live(release: Release) -> None:
    newest = deployed(release, "one:www/")
    finish_deployment(newest.pk, checked="mismatched")
    here = state_of("one:www/")
    assert (here.wanted, here.live, here.failed) == (newest, newest, None)


def test_outcome_and_state_of_the_folder_are_written_together(release: Release) -> None:
    old, new = deployed(release, "one:www/"), deployed(release, "one:www/", "running")

    def refuse(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith("UPDATE") and FolderState._meta.db_table in sql:
            raise DatabaseError("killed here")
        return execute(sql, *more)

    with connection.execute_wrapper(refuse):
        finish_deployment(new.pk, outcome="done")
    new.refresh_from_db()
    assert (new.outcome, state_of("one:www/").live) == ("running", old)


def test_a_pruned_deployment_is_not_pointed_at(release: Release) -> None:
    old, new = deployed(release, "one:www/", "failed"), deployed(release, "one:www/")
    Deployment.objects.filter(pk=old.pk).delete()
    here = state_of("one:www/")
    assert (here.wanted, here.live, here.failed) == (new, new, None)


def test_the_end_of_a_deployment_asks_as_much_after_one_as_after_fifty(
    release: Release, django_assert_num_queries: Any
) -> None:
    for _number in range(50):
        newest = deployed(release, "one:www/")
    with django_assert_num_queries(7):  # the outcome, its row; find, lock and update the state
        finish_deployment(newest.pk, outcome="done")


# --- is it live? --------------------------------------------------------------------------------


def test_only_the_live_deployment_of_each_folder_is_marked(release: Release) -> None:
    deployed(release, "one:www/")
    www, docs = deployed(release, "one:www/"), deployed(release, "one:docs/")
    failed, other = deployed(release, "one:www/", "failed"), deployed(release, "two:www/")
    deployed(None, "two:docs/")
    rows = Deployment.objects.with_is_live()
    assert [row for row in rows if row.is_live] == [other, docs, www]
    assert not rows.get(pk=failed.pk).is_live


def test_live_are_the_newest_first(release: Release) -> None:
    rows = [deployed(release, env) for env in ("a", "c", "b")]
    deployed(release, "a", "failed")
    assert [each.live for each in FolderState.objects.with_live()] == rows[::-1]


# --- made anew ----------------------------------------------------------------------------------


def test_rows_are_made_anew_of_deployments_that_were_not_saved_one_by_one(
    release: Release,
) -> None:
    rows = [deployed(release, place) for place in ("one:www/", "one:docs/", "two:www/")]
    known = every_row()
    Deployment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    FolderState.objects.all().delete()
    Deployment.objects.bulk_create(rows)
    rebuild_folders()
    assert every_row() == known


def test_a_failed_deployment_is_found_again_when_a_later_one_was_deleted(release: Release) -> None:
    old, new = deployed(release, "one:www/", "failed"), deployed(release, "one:www/", "failed")
    new.delete()
    rebuild_folders()
    here = state_of("one:www/")
    assert (here.wanted, here.failed) == (old, old)


STEPS = strategies.tuples(
    strategies.sampled_from(["start", "end", "verify"]),
    strategies.integers(0, 5),
    strategies.sampled_from(["running", "done", "failed", "incomplete"]),
    strategies.sampled_from(["", "ok", "mismatched", "not_compared"]),
)


@examples(100)
@given(strategies.lists(STEPS, max_size=12))
def test_after_any_deployments_nothing_changes_when_the_rows_are_made_anew(
    steps: list[tuple[str, int, str, str]],
) -> None:
    Deployment.objects.all().delete()
    FolderState.objects.all().delete()
    digest = "a" * 64
    kept, _new = Release.objects.get_or_create(digest=digest, files=b"", count=0, size=0)
    made = list[Deployment]()
    for step, number, outcome, checked in steps:
        if step == "start" or not made:
            release = kept if number else None
            made.append(deployed(release, ("one:www/", "one:")[number % 2], outcome))
        elif step == "end":
            finish_deployment(made[-1 - number % 2 % len(made)].pk, outcome=outcome)
        else:
            finish_deployment(made[-1].pk, checked=checked)
    known = every_row()
    rebuild_folders()
    assert every_row() == known
