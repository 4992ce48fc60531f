"""Values that all processes share, and what is left of them while the cache fails."""

import json

import pytest
from django.core.cache import cache

from wx_static_store.clients.shared import SharedState, SharedToken
from wx_static_store.core.secrets import Secret


def broken() -> None:
    raise ConnectionError


def test_two_processes_read_what_one_wrote() -> None:
    SharedState(lambda: cache, "a").write("name", [1], 60)
    assert SharedState(lambda: cache, "a").read("name") == [1]
    assert SharedState(lambda: cache, "another owner").read("name") is None


def test_a_claim_is_given_once() -> None:
    claims = [SharedState(lambda: cache, "a").claim("lock", 60) for _ in range(3)]
    assert claims == [True, False, False]


def test_a_process_without_a_cache_remembers_what_it_wrote() -> None:
    clock = [1000.0]
    state = SharedState(broken, "a", lambda: clock[0])
    state.write("name", 1, 60)
    assert (state.read("name"), state.works) == (1, False)
    clock[0] += 61
    assert state.read("name") is None


@pytest.mark.parametrize("junk", [None, 7, [], {}, {"token": ""}, {"token": "a b"}])
def test_junk_in_the_cache_is_not_taken_for_a_token(junk: object) -> None:
    assert SharedToken.read(junk) is None


def test_a_token_survives_the_cache() -> None:
    token = SharedToken(Secret("abc"), 1000.0, 7200.0, 3)
    assert SharedToken.read(json.loads(json.dumps(token.as_dict()))) == token
