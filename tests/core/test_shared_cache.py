"""A cache that fails costs one question, and nothing else."""

from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache

from wx_static_store.core.shared_cache import REST_SECONDS, SharedCache


class Cache(dict[str, Any]):
    """Keep what it is given while it works; count what it is asked."""

    works, asked = True, 0

    def get(self, key: str, *args: Any) -> Any:
        self.asked += 1
        if not self.works:
            raise ConnectionError(f"no answer for {key}")
        return super().get(key, *args)


def test_the_shared_cache_returns_what_the_cache_returns() -> None:
    assert SharedCache(lambda: Cache(a=1)).get("a") == 1
    assert SharedCache(lambda: Cache()).get("a", 2) == 2


def test_a_failing_cache_is_reported_and_left_alone_for_a_while() -> None:
    cache, reported, clock = Cache(a=1), [], [1000.0]
    shared = SharedCache(lambda: cache, reported.append, lambda: clock[0])
    cache.works = False
    assert [shared.get("a") for _ in range(5)] == [None] * 5
    assert shared.get("a", []) == []
    assert (reported, cache.asked) == (["ConnectionError"], 1)
    cache.works = True
    clock[0] += REST_SECONDS
    assert shared.get("a") == 1


def test_a_clock_that_is_set_back_does_not_prolong_the_pause_of_the_cache() -> None:
    clock = [1000.0]
    shared = SharedCache(lambda: Cache(a=1), now=lambda: clock[0])
    shared.rest()
    assert shared.rests
    clock[0] -= 3600
    assert shared.get("a") == 1


def test_a_cache_that_is_not_configured_is_one_that_fails() -> None:
    reported: list[str] = []
    shared = SharedCache(lambda: {}["missing"], reported.append)
    assert shared.get("a") is None
    assert reported == ["KeyError"]


def test_an_interruption_is_no_failure_of_the_cache() -> None:
    def interrupt() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SharedCache(interrupt).get("a")


def test_any_method_of_the_shared_cache_reaches_the_cache() -> None:
    cache = LocMemCache("named", {})
    SharedCache(lambda: cache).set("a", 1, timeout=0)
    assert cache.get("a") is None


def test_many_keys_are_one_question() -> None:
    cache = LocMemCache("many", {})
    cache.set("a", 1)
    assert SharedCache(lambda: cache).get_many(["a", "b"]) == {"a": 1}


def test_a_failing_cache_has_none_of_many_keys() -> None:
    assert SharedCache(lambda: {}["missing"]).get_many(["a"]) == {}
