"""Values that all processes share, and what is left of them while the cache fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from tests.tables import each
from wx_static_store.clients.shared import SharedFailure, SharedState, SharedToken
from wx_static_store.core.secrets import Secret
from wx_static_store.exceptions import WeChatBusy

from .conftest import Time, TimedCache

Make = Callable[..., SharedState]


@pytest.fixture
def make(cache: TimedCache, time: Time) -> Make:
    """`make(seals=…)`: the state that one process sees."""
    return lambda **more: SharedState(lambda: cache, "a", time.now, **more)


# --- values ---------------------------------------------------------------------------------


def test_two_processes_read_what_one_wrote() -> None:
    SharedState(lambda: cache, "a").write("name", [1], 60)
    assert SharedState(lambda: cache, "a").read("name") == [1]
    assert SharedState(lambda: cache, "a").read("other") is None
    assert SharedState(lambda: cache, "another owner").read("name") is None


def test_a_value_ends_with_its_time(make: Make, time: Time) -> None:
    one, other = make(), make()
    one.write("name", 1, 60)
    time.sleep(59)
    assert (one.read("name"), other.read("name")) == (1, 1)
    time.sleep(1)
    assert (one.read("name"), other.read("name")) == (None, None)


@pytest.mark.parametrize(("seconds", "whole"), [(0.1, 1), (1.0, 1), (1.2, 2)])
def test_the_cache_is_given_whole_seconds(
    make: Make, time: Time, seconds: float, whole: int
) -> None:
    """Memcached and Redis take no others."""
    make().write("name", 1, seconds)
    time.sleep(whole - 0.5)
    assert make().read("name") == 1
    time.sleep(0.5)
    assert make().read("name") is None


def test_a_value_lies_sealed_in_the_cache(make: Make, cache: TimedCache) -> None:
    sealed = make(seals=(lambda text: text[::-1], lambda value: value[::-1]))
    sealed.write("name", "secret", 60)
    assert sealed.read("name") == "secret"
    assert [cache.get(key.removeprefix(":1:")) for key in cache._cache] == ['"terces"']


@pytest.mark.parametrize("junk", ["", "{", "NaN]", b"\xff", 5, [1]])
def test_junk_in_the_cache_is_not_taken_for_a_value(
    make: Make, cache: TimedCache, junk: object
) -> None:
    state = make()
    cache.set(f"{state._prefix}name", junk, 60)
    assert state.read("name") is None


def test_a_cache_that_was_started_anew_gets_the_value_for_the_rest_of_its_time(
    make: Make, cache: TimedCache, time: Time
) -> None:
    one, other = make(), make()
    one.write("name", 1, 60)
    cache.clear()
    time.sleep(20)
    assert (other.read("name"), one.read("name"), other.read("name")) == (None, 1, 1)
    assert one.works
    time.sleep(40)
    assert other.read("name") is None


# --- a cache that fails ---------------------------------------------------------------------


def test_a_process_without_a_cache_remembers_what_it_wrote(
    make: Make, cache: TimedCache, time: Time
) -> None:
    state = make()
    assert state.works
    cache.down = True
    state.write("name", 1, 60)
    assert (state.read("name"), state.works) == (1, False)
    time.sleep(60)
    assert state.read("name") is None


def test_a_remembered_value_does_not_last_longer_for_a_clock_that_is_set_back(
    make: Make, cache: TimedCache, time: Time
) -> None:
    state, cache.down = make(), True
    state.write("name", 1, 60)
    time.sleep(-1)
    assert state.read("name") is None


def test_a_value_whose_time_is_over_is_not_kept_in_memory(make: Make, time: Time) -> None:
    state = make()
    for number in range(3):
        state.write(f"{number}", 1, 60 + number)
    time.sleep(61)
    state.write("3", 1, 60)
    assert [*state._memory] == ["2", "3"]


def test_a_cache_works_again_once_it_keeps_something(
    make: Make, cache: TimedCache, time: Time
) -> None:
    state, cache.down = make(), True
    state.write("name", 1, 60)
    cache.down = False
    time.sleep(2)
    state.write("name", 2, 60)
    assert state.works
    assert make().read("name") == 2


def test_a_cache_that_fails_is_not_asked_to_write_for_two_seconds(
    make: Make, cache: TimedCache
) -> None:
    state, cache.down = make(), True
    state.write("name", 1, 60)
    cache.down = False
    state.write("name", 2, 60)
    assert (state.read("name"), make().read("name")) == (2, None)


class Forgetful(TimedCache):
    """Says that it keeps what it is given, and keeps nothing."""

    def set(self, *args: Any, **kwargs: Any) -> None: ...

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return False


@pytest.fixture
def forgetful(time: Time) -> Make:
    cache = Forgetful("forgetful", time)
    return lambda: SharedState(lambda: cache, "a", time.now)


def test_a_cache_that_keeps_nothing_does_not_work(
    forgetful: Make, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    state = forgetful()
    for _ in range(2):
        state.write("name", 1, 60)
        time.sleep(3)
        assert (state.read("name"), state.works) == (1, False)
    assert caplog.text.count("The token cache fails (it keeps nothing)") == 1


def test_a_cache_that_fails_is_logged_by_the_class_of_its_error(
    make: Make, cache: TimedCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.down = True
    make().write("name", 1, 60)
    assert caplog.text.count("The token cache fails (ConnectionError)") == 1


# --- claims ---------------------------------------------------------------------------------


def test_a_claim_is_given_to_one_process_until_its_time_is_over(make: Make, time: Time) -> None:
    assert [make().claim("lock", 60) for _ in range(3)] == [True, False, False]
    assert make().claim("another lock", 60)
    time.sleep(60)
    assert make().claim("lock", 60)


def test_a_process_claims_once_while_the_cache_fails(
    make: Make, cache: TimedCache, time: Time
) -> None:
    state, cache.down = make(), True
    assert [state.claim("lock", 60) for _ in range(2)] == [True, False]
    time.sleep(60)
    assert state.claim("lock", 60)


def test_a_process_that_claimed_does_not_claim_again_when_the_cache_lost_it(
    make: Make, cache: TimedCache
) -> None:
    state = make()
    assert state.claim("lock", 60)
    cache.clear()
    assert not state.claim("lock", 60)


def test_a_claim_of_another_process_that_ends_between_two_questions_is_free(
    time: Time, cache: TimedCache
) -> None:
    class Ending(TimedCache):
        adds = 0

        def add(self, *args: Any, **kwargs: Any) -> bool:
            self.adds += 1
            return self.adds > 1

    ending = Ending("ending", time)
    state = SharedState(lambda: ending, "a", time.now)
    assert state.claim("lock", 60)
    assert (state.works, ending.adds) == (True, 2)


def test_a_cache_that_keeps_nothing_leaves_the_claim_to_each_process(forgetful: Make) -> None:
    states = [forgetful(), forgetful()]
    assert [state.claim("lock", 60) for state in states * 2] == [True, True, False, False]
    assert not states[0].works


# --- tokens ---------------------------------------------------------------------------------

ENTRY = {"token": "t", "issued_at": 1.0, "expires_in": 7200.0, "generation": 3}


@each(
    "junk",
    [
        *(None, 7, [], {}, {"token": ""}, {"token": "a b"}, {"token": "t"}),
        *(ENTRY | {name: value} for name in ENTRY for value in (None, "x y", [])),
        ENTRY | {"generation": float("inf")},
    ],
)
def test_junk_in_the_cache_is_not_taken_for_a_token(junk: object) -> None:
    assert SharedToken.read(junk) is None


def test_a_token_survives_the_cache() -> None:
    token = SharedToken(Secret("abc"), 1000.0, 7200.0, 3)
    assert SharedToken.read(json.loads(json.dumps(token.as_dict()))) == token


@pytest.mark.parametrize(
    ("issued_at", "generation", "older"),
    [(2.0, 3, True), (2.0, 4, True), (2.0, 2, False), (1.0, 4, False), (0.0, 4, False)],
)
def test_a_token_is_older_than_one_of_a_later_time_and_no_earlier_generation(
    issued_at: float, generation: int, older: bool
) -> None:
    one, other = (
        SharedToken(Secret("t"), issued, 7200.0, number)
        for issued, number in ((1.0, 3), (issued_at, generation))
    )
    assert one.is_older_than(other) is older


# --- failures -------------------------------------------------------------------------------


@pytest.fixture
def failures(make: Make, time: Time) -> SharedFailure:
    """Return what one process sees of a failure that another noted: 30 s from now, at most 60."""
    SharedFailure(make(), time.now, longest=60).note(2, 5, WeChatBusy("no", pause=3.0), 30)
    return SharedFailure(make(), time.now, longest=60)


def test_a_failure_counts_for_every_process_with_the_pause_that_is_left(
    failures: SharedFailure, time: Time
) -> None:
    time.sleep(20)
    attempt, error = failures.of_generation(2)
    assert attempt == 5
    assert isinstance(error, WeChatBusy)
    assert (str(error.message), error.pause) == ("no", 10)


def test_an_error_s_own_pause_is_kept_if_it_is_longer(failures: SharedFailure, time: Time) -> None:
    time.sleep(29)
    _attempt, error = failures.of_generation(2)
    assert error
    assert error.pause == 3


@pytest.mark.parametrize("seconds", [30, 24 * 3600 - 1])
def test_a_failure_whose_pause_is_over_is_an_attempt_only(
    failures: SharedFailure, time: Time, seconds: float
) -> None:
    time.sleep(seconds)
    assert failures.of_generation(2) == (5, None)


def test_a_failure_is_forgotten_after_a_day(failures: SharedFailure, time: Time) -> None:
    time.sleep(24 * 3600)
    assert failures.of_generation(2) == (0, None)


@pytest.mark.parametrize(("set_back", "counts"), [(30, True), (31, False)])
def test_a_failure_does_not_count_longer_for_a_clock_that_is_set_back(
    failures: SharedFailure, time: Time, set_back: float, counts: bool
) -> None:
    time.sleep(-set_back)
    attempt, error = failures.of_generation(2)
    assert (attempt, bool(error)) == (5, counts)


@pytest.mark.parametrize("generation", [1, 3])
def test_a_failure_is_of_one_generation(failures: SharedFailure, generation: int) -> None:
    assert failures.of_generation(generation) == (0, None)


@pytest.mark.parametrize(
    "junk", [5, [], {}, {"generation": 2}, {"generation": 2, "attempt": "x", "until": 0}]
)
def test_junk_in_the_cache_is_not_taken_for_a_failure(make: Make, time: Time, junk: object) -> None:
    make().write("failure", junk, 60)
    assert SharedFailure(make(), time.now, longest=60).of_generation(2) == (0, None)
