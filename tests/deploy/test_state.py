"""Which release a folder should have, which one is live, and whether the log may be trusted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ENV, lost_table
from wx_static_store.deploy.state import live, state, trusts_log
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.models import Deployment, Release

pytestmark = pytest.mark.django_db


def record(digit: str, outcome: str = "done", **columns: Any) -> Deployment:
    empty = {"files": b"", "count": 0, "size": 0}
    release, _is_new = Release.objects.get_or_create(digest=digit * 64, defaults=empty)
    return Deployment.objects.create(env=ENV, outcome=outcome, release=release, **columns)


def test_the_newest_is_wanted_and_the_newest_that_ended_well_is_live() -> None:
    record("a")
    good, failed = record("b"), record("c", "failed")
    record("d", folder="docs/")
    Deployment.objects.create(env=ENV, outcome="done")
    now = state(ENV, "")
    assert (now.wanted, now.live, now.is_settled) == (failed, good, False)


def test_a_verification_makes_no_other_release_live() -> None:
    record("a")
    newest = record("b", checked="mismatched")
    assert live(ENV, "") == newest
    assert state(ENV, "").is_settled


def test_a_repair_that_failed_leaves_its_release_both_wanted_and_live() -> None:
    record("a")
    record("a", "failed")
    assert state(ENV, "").is_settled


def test_a_folder_that_was_never_deployed_has_neither() -> None:
    now = state(ENV, "")
    assert (now.wanted, now.live, now.is_settled) == (None, None, False)
    assert trusts_log(now)


def test_the_log_is_not_trusted_from_a_mismatch_until_a_verification_that_finds_none() -> None:
    record("a", checked="ok")
    assert trusts_log(state(ENV, ""))
    record("b", checked="mismatched")
    record("c")
    record("c", checked="not_compared")
    assert not trusts_log(state(ENV, ""))
    assert trusts_log(state(ENV, "docs/"))
    record("c", checked="ok")
    assert trusts_log(state(ENV, ""))


def test_the_log_is_not_trusted_while_rows_are_missing_in_any_folder() -> None:
    record("a")
    record("b", "incomplete", folder="docs/")
    assert not trusts_log(state(ENV, ""))


def test_a_release_is_there_unless_its_verification_found_a_difference() -> None:
    first, second = record("a"), record("a")
    assert state(ENV, "").has(first)
    assert not state(ENV, "").has(record("b", folder="docs/"))
    Deployment.objects.filter(pk=second.pk).note(checked="mismatched")
    assert not state(ENV, "").has(first)


@pytest.mark.django_db(transaction=True)
def test_without_a_log_nothing_is_live_and_the_state_is_an_error() -> None:
    with lost_table(Deployment):
        assert live(ENV, "") is None
        with pytest.raises(ConfigurationError, match="There is no log"):
            state(ENV, "")
