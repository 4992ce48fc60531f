"""The cache that all processes share: each step is judged, and timed."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis import Redis

from tests.tokens.harness import CacheServer, is_installed
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.findings import Mark, Result
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "tests.health.doctor.test_cache"
REDIS = "django.core.cache.backends.redis.RedisCache"


@pytest.fixture
def fetching(examined: Examine, configure: Any, emulator: EmulatorServer) -> Examine:
    """Let the token be fetched: then the processes need the cache."""
    account = emulator.state.account
    configure(
        WX_STATIC_STORE={
            "ACCESS_TOKEN": None,
            "COMPONENT_APPID": account.appid,
            "COMPONENT_APPSECRET": account.appsecret,
            "VERIFY_TICKET": account.ticket,
        }
    )
    return examined


@pytest.fixture
def cached(settings: Any) -> Any:
    """`cached("LocMemCache")`: let that be the cache, or what else an entry of CACHES says."""

    def set_up(backend: str, **more: Any) -> None:
        settings.CACHES = {"default": {"BACKEND": backend, **more}}

    return set_up


def finding(result: Result) -> tuple[Mark, str]:
    return result.mark, str(result.findings[0].text)


# --- whether it works -----------------------------------------------------------------------------


def test_a_cache_that_works_is_well_and_has_a_latency(examined: Examine) -> None:
    result = examined()["cache.works"]
    assert said(result).startswith("✓ The cache 'default' works: ")
    assert result.findings[0].data["milliseconds"] < 100


def test_nothing_stays_in_the_cache(examined: Examine, cached: Any) -> None:
    cached(f"{HERE}.Listening")
    examined()
    assert Listening.keys
    assert {*Listening.keys} <= {*Listening.deleted}


class Listening(LocMemCache):
    keys: list[str] = []
    deleted: list[str] = []

    def set(self, key: Any, *args: Any, **kwargs: Any) -> None:
        if ":doctor:" in key:
            self.keys.append(key)
        super().set(key, *args, **kwargs)

    def delete(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        self.deleted.append(key)
        return super().delete(key, *args, **kwargs)


class AddsTwice(LocMemCache):
    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        self.set(key, value)
        return True


class DeletesNothing(LocMemCache):
    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return False


class AddsNothing(LocMemCache):
    def add(self, *args: Any, **kwargs: Any) -> bool:
        return False


class Fails(LocMemCache):
    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://user:planted@cache is gone")


STEPS = [
    ("django.core.cache.backends.dummy.DummyCache", "keeps nothing"),
    (f"{HERE}.AddsTwice", "adds what is there already"),
    (f"{HERE}.DeletesNothing", "keeps what is deleted"),
    (f"{HERE}.AddsNothing", "adds nothing"),
    (f"{HERE}.Fails", "fails at get() (ConnectionError: redis://***@cache is gone"),
]


@pytest.mark.parametrize(("backend", "what"), STEPS)
def test_a_step_that_goes_wrong_is_a_fault_where_a_token_is_fetched(
    fetching: Examine, cached: Any, backend: str, what: str
) -> None:
    cached(backend)
    mark, text = finding(fetching()["cache.works"])
    assert mark is Mark.WRONG
    assert text.startswith(f"The cache 'default' {what}")


@pytest.mark.parametrize(("backend", "what"), STEPS)
def test_a_step_that_goes_wrong_is_a_warning_where_none_is_fetched(
    examined: Examine, cached: Any, backend: str, what: str
) -> None:
    cached(backend)
    mark, text = finding(examined()["cache.works"])
    assert mark is Mark.WARNING
    assert text.startswith(f"The cache 'default' {what}")


def test_a_cache_that_is_away_is_named_with_its_setting(fetching: Examine, cached: Any) -> None:
    cached(REDIS, LOCATION="redis://:planted@127.0.0.1:1")
    found = fetching()
    text = said(found["cache.works"])
    assert text.startswith("✗ The cache 'default' fails at set() (ConnectionError: ")
    assert "CACHES['default']" in text
    assert "planted" not in text
    assert marks(found)["cache.eviction"] == "–"


@pytest.mark.parametrize(("name", "away"), [("Fails", True), ("AddsNothing", False)])
def test_a_cache_is_away_if_a_call_of_it_raises_an_error(
    configure: Any, cached: Any, name: str, away: bool
) -> None:
    configure()
    cached(f"{HERE}.{name}")
    target = CheckTarget()
    assert [*examine(target, CHECKS)]
    assert target.cache_is_away is away


class Hangs(BaseCache):
    released = threading.Event()

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _hang(self, *args: Any, **kwargs: Any) -> None:
        self.released.wait(30)

    get = set = add = delete = _hang


def test_a_cache_that_hangs_is_the_one_fault_where_a_token_lies_in_it(
    fetching: Examine, cached: Any
) -> None:
    cached(f"{HERE}.Hangs")
    Hangs.released.clear()
    found = {}
    for result in examine(CheckTarget(timeout=0.1), CHECKS, within=1.5):
        found[result.check.id] = result
        if result.check.id == "token.source":
            Hangs.released.set()
    assert [id for id, mark in marks(found).items() if mark == "✗"] == ["cache.works"]
    assert "this is not well: cache.works" in said(found["token.source"])
    assert "this is not well: cache.works" in said(found["token.accepted"])


class Slow(LocMemCache):
    def get(self, *args: Any, **kwargs: Any) -> Any:
        time.sleep(0.11)
        return super().get(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        time.sleep(0.11)
        super().set(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        time.sleep(0.11)
        return super().add(*args, **kwargs)


def test_a_slow_cache_is_a_warning_with_its_latency(examined: Examine, cached: Any) -> None:
    cached(f"{HERE}.Slow")
    result = examined()["cache.works"]
    assert result.mark is Mark.WARNING
    assert re.search(r"is slow: \d+ ms a call", said(result))
    assert result.findings[0].data["milliseconds"] >= 110


def test_a_cache_that_cannot_be_made_is_one_fault(fetching: Examine, cached: Any) -> None:
    cached("no_such_package.Cache")
    found = fetching()
    assert (marks(found)["settings.checks"], marks(found)["cache.works"]) == ("✗", "–")


def test_a_cache_that_cannot_be_made_is_a_warning_where_no_token_is_fetched(
    examined: Examine, cached: Any
) -> None:
    cached("no_such_package.Cache")
    found = said(examined()["cache.works"])
    assert found.startswith("! The cache 'default' cannot be made: No module named")


# --- what it drops --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[CacheServer]:
    if not (is_installed("Redis") or os.environ.get("WX_REQUIRE_SERVICES")):
        pytest.skip("redis-server is not installed")
    with CacheServer("Redis") as server:
        yield server


@pytest.fixture
def redis(server: CacheServer, settings: Any) -> Iterator[Redis]:
    """Let the cache be a Redis without a limit; return a client of it."""
    settings.CACHES = {"default": server.settings}
    with Redis(port=server.port) as client:
        client.flushall()
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_resetstat()
        yield client


def test_redis_works_and_drops_nothing(fetching: Examine, redis: Redis) -> None:
    found = fetching()
    assert marks(found)["cache.works"] == "✓"
    assert said(found["cache.eviction"]).startswith("✓ The cache 'default' drops nothing")


@pytest.mark.parametrize(
    ("policy", "mark"), [("noeviction", "✓"), ("allkeys-lru", "!"), ("volatile-ttl", "!")]
)
def test_a_limit_with_a_policy_that_drops_keys_is_a_warning(
    fetching: Examine, redis: Redis, policy: str, mark: str
) -> None:
    redis.config_set("maxmemory", "64mb")
    redis.config_set("maxmemory-policy", policy)
    result = fetching()["cache.eviction"]
    assert result.mark.value == mark
    assert policy in said(result)
    assert result.findings[0].data["limit"] == 64 * 2**20


def test_keys_that_were_dropped_are_a_warning_with_their_number(
    fetching: Examine, redis: Redis
) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("maxmemory", redis.info("memory")["used_memory"] + 2**20)
    for number in range(64):
        redis.set(f"filler:{number}", "x" * 2**16)
    dropped = redis.info("stats")["evicted_keys"]
    assert dropped
    redis.config_set("maxmemory", 0)
    found = said(fetching()["cache.eviction"])
    assert found.startswith(f"! The cache 'default' dropped {dropped} keys for want of memory.")
    assert "TOKEN_CACHE" in found


def test_a_redis_that_may_not_be_asked_does_not_tell(
    fetching: Examine, redis: Redis, server: CacheServer, cached: Any
) -> None:
    redis.acl_setuser(
        "app", enabled=True, passwords=["+planted"], keys=["*"], commands=["+@all", "-info"]
    )
    cached(REDIS, LOCATION=f"redis://app:planted@127.0.0.1:{server.port}")
    found = fetching()
    assert marks(found)["cache.works"] == "✓"
    assert said(found["cache.eviction"]).startswith(
        "– The cache 'default' does not show its eviction policy (NoPerm"
    )
    assert "planted" not in said(found["cache.eviction"])


class Wrapped(LocMemCache):
    """A cache whose client gives that of Redis, as django-redis does."""

    @property
    def client(self) -> Any:
        return self

    def get_client(self, *, write: bool) -> Redis:
        return Redis(port=self.port)

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(location, params)
        self.port = int(location)


def test_the_client_of_django_redis_is_asked(
    fetching: Examine, redis: Redis, server: CacheServer, cached: Any
) -> None:
    cached(f"{HERE}.Wrapped", LOCATION=str(server.port))
    assert "noeviction" in said(fetching()["cache.eviction"])


def test_another_cache_does_not_tell(fetching: Examine) -> None:
    assert (
        said(fetching()["cache.eviction"])
        == "– The cache 'default' does not show its eviction policy. "
    )


def test_a_cache_without_a_token_is_not_asked(examined: Examine) -> None:
    assert said(examined()["cache.eviction"]).startswith("– No token lies in the cache")
