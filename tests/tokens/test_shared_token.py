"""
One token for all processes, on real cache servers: the small form of what ``make proof`` runs.

Each case is run once for each server and then looked at from all sides.
"""

import os

import pytest

from tests.tokens.cases import CASES, SMALL, Outcome
from tests.tokens.harness import BACKENDS, is_installed

pytestmark = pytest.mark.skipif(
    not os.environ.get("WX_REQUIRE_SERVICES"),
    reason="takes a minute, with servers of its own: WX_REQUIRE_SERVICES=1 runs it",
)


@pytest.fixture(scope="module", params=BACKENDS)
def cache(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    assert is_installed(name), f"{name} is not installed"
    return name


@pytest.fixture(scope="module", params=CASES)
def outcome(request: pytest.FixtureRequest, cache: str) -> Outcome:
    return CASES[request.param](cache, SMALL)


def test_no_upload_of_many_processes_fails(outcome: Outcome) -> None:
    assert outcome.work.errors == {}


def test_what_the_processes_stored_is_there_byte_for_byte(outcome: Outcome) -> None:
    assert len(outcome.work.stored) >= outcome.uploads_wanted
    assert outcome.work.lost == []


def test_the_token_is_fetched_no_more_often_than_needed(outcome: Outcome) -> None:
    assert outcome.fetches in outcome.fetches_allowed


def test_an_upload_repeats_its_link_call_at_most_once(outcome: Outcome) -> None:
    assert outcome.work.most_links <= 2


@pytest.mark.parametrize("outcome", ["the process that fetches is killed"], indirect=True)
def test_the_others_go_on_soon_after_the_one_that_fetched_was_killed(outcome: Outcome) -> None:
    assert outcome.recoveries
    assert outcome.longest_recovery <= outcome.recovery_allowed
