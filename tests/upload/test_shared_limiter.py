"""One limit of calls for all processes: their rate, and the throttle that one of them met."""

import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from django.core.cache import cache
from hypothesis import given, strategies as st

from tests.conftest import ENV, slow
from tests.tokens.harness import CacheServer, Worker, is_installed
from tests.waiting import loaded, wait_for
from wx_static_store.conf.options import Options
from wx_static_store.core.notes import Notes
from wx_static_store.core.retry import Clock, Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import UploadItem, UploadResult
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import DeadlineExceeded
from wx_static_store.upload import limiters
from wx_static_store.upload.limiters import AdaptiveLimiter, Rate
from wx_static_store.upload.platform import platform_notes
from wx_static_store.upload.uploader import get_uploader

LINK = "staticuploadfile"
APPID = "wx5a3c9e7b1d2f4806"
PROCESSES = 4  # each uploads by eight threads
NOON = 1_800_000_000.0  # at which a window begins, whatever the rates of these tests


class Throttle(Exception):
    """What WeChat says when there are too many calls."""


class Broken:
    """A cache whose server is gone."""

    def __getattr__(self, name: str) -> Any:
        raise ConnectionRefusedError


OPTIONS = Options(env="env-1", access_token=Secret("token"))
GONE = platform_notes(OPTIONS, Broken)


def remembered() -> Notes:
    return platform_notes(OPTIONS, lambda: cache)


def rate(calls: float, at: float = NOON, shared: Notes | None = None) -> Rate:
    """Return the rate of another process, for whom the clock stands still."""
    return Rate(calls, shared or remembered(), remembered(), now=lambda: at)


def turns(given: Rate, count: int) -> list[float]:
    return [round(given.turn(math.inf), 6) for _ in range(count)]


def upload(name: str = "a.txt") -> UploadResult:
    return get_uploader().transfer(UploadItem(name, open=lambda: BytesIO(b"hello")))


# --- the rate -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (4, [0, 0.25, 0.5, 0.75, 1, 1.25]),
        (1, [0, 1, 2]),
        (0.5, [0, 2, 4]),
        (2.5, [0, 0.4, 0.8, 1.2, 1.6]),
    ],
)
def test_the_turns_of_a_rate_are_evenly_spaced(calls: float, expected: list[float]) -> None:
    assert turns(rate(calls), len(expected)) == expected


def test_no_two_processes_have_one_turn() -> None:
    first, second = rate(4), rate(4)
    assert turns(first, 2) + turns(second, 2) + turns(first, 1) == [0, 0.25, 0.5, 0.75, 1]


def test_an_idle_second_makes_no_burst() -> None:
    assert turns(rate(4, NOON + 0.75), 4) == [0, 0.25, 0.5, 0.75]


@given(st.floats(0.01, 500), st.lists(st.floats(0, 3), min_size=1, max_size=40))
def test_calls_at_any_times_keep_within_any_rate(calls: float, pauses: list[float]) -> None:
    cache.clear()
    now, starts = NOON, list[float]()
    for pause in pauses:
        now += pause / calls
        starts.append(now + rate(calls, now).turn(math.inf))
    for earlier in starts:
        for count, later in enumerate(sorted(s for s in starts if s >= earlier), start=1):
            assert count <= calls * (later - earlier + 1e-3) + math.ceil(calls) + 1


def test_a_call_that_cannot_wait_takes_no_turn() -> None:
    one = rate(1)
    assert turns(one, 3) == [0, 1, 2]
    assert one.turn(2.5) == math.inf
    assert turns(one, 1) == [3]


def test_a_process_keeps_the_rate_for_itself_while_the_cache_fails() -> None:
    assert turns(rate(4, shared=GONE), 5) == [0, 0.25, 0.5, 0.75, 1]


def test_a_cache_that_fails_stops_no_upload(configure: Any, settings: Any) -> None:
    configure(WX_STATIC_STORE={"API_RATE": 100})
    gone = "redis://127.0.0.1:1"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": gone}
    }
    assert [upload().status for _ in range(3)] == ["stored"] * 3


def test_waiting_for_a_turn_is_not_the_file_s_own_time() -> None:
    now = [0.0]
    clock = Clock(now=lambda: now[0], sleep=lambda s: now.append(now.pop() + s))
    turns = Rate(0.5, remembered(), remembered(), now=lambda: NOON + now[0])
    limiter, deadline = AdaptiveLimiter(Throttle, 20, remembered(), turns), Deadline.after(5, clock)
    for _call in range(3):
        with limiter.slot(deadline):
            assert deadline.left() == 5
    assert now == [4]


def test_a_call_whose_turn_is_too_late_fails_at_once_and_names_the_rate() -> None:
    limiter = AdaptiveLimiter(Throttle, 20, remembered(), rate(0.01))
    with limiter.slot(Deadline.after(25)):
        pass
    with pytest.raises(DeadlineExceeded, match="API_RATE"), limiter.slot(Deadline.after(25)):
        pytest.fail("it began")


# --- a throttle ---------------------------------------------------------------------------------


@pytest.fixture
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiters, "LOOK", 0.0)


def limiter_of_a_process() -> AdaptiveLimiter:
    limiter = AdaptiveLimiter(Throttle, 20, remembered())
    through(limiter, 8)
    return limiter


def through(limiter: AdaptiveLimiter, count: int, *, throttled: int = 0) -> None:
    """So many inside at once; some of them meet a throttle."""
    calls = [limiter.slot(Deadline(math.inf)) for _ in range(count)]
    for call in calls:
        call.__enter__()
    for number, call in enumerate(calls):
        error = Throttle() if number < throttled else None
        call.__exit__(error and Throttle, error, None)


@pytest.mark.usefixtures("always_look")
def test_a_throttle_of_one_process_halves_the_calls_of_another_once() -> None:
    one, other = limiter_of_a_process(), limiter_of_a_process()
    through(one, 8, throttled=8)
    through(other, 1)
    assert (one.width, other.width) == (4, 4)
    through(one, 1, throttled=1)
    through(other, 1)
    assert (one.width, other.width) == (1, 4), "the look after a throttle only learns"


@pytest.mark.usefixtures("always_look")
def test_a_process_does_not_slow_twice_for_the_throttle_that_it_met() -> None:
    one = limiter_of_a_process()
    through(one, 8, throttled=8)
    through(one, 1)
    assert one.width == 4


@pytest.mark.usefixtures("always_look")
def test_a_throttle_from_before_a_process_began_does_not_slow_it() -> None:
    through(limiter_of_a_process(), 8, throttled=1)
    assert limiter_of_a_process().width == 20


def test_the_cache_is_asked_for_throttles_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, limiter = list[str](), AdaptiveLimiter(Throttle, 20, remembered())
    monkeypatch.setattr(Notes, "read", lambda self, name: asked.append(name))
    started = time.monotonic()
    for _call in range(50):
        through(limiter, 1)
    assert 1 <= len(asked) <= 1 + time.monotonic() - started


# --- real processes -----------------------------------------------------------------------------


@pytest.fixture
def redis() -> Iterator[CacheServer]:
    if not (is_installed("Redis") or os.environ.get("WX_REQUIRE_SERVICES")):
        pytest.skip("redis-server is not installed")
    with CacheServer("Redis") as server:
        yield server


@pytest.fixture
def processes(emulator: EmulatorServer, redis: CacheServer) -> Iterator[Any]:
    """Return `processes(count, **WX_STATIC_STORE)`: each uploads one file after another."""
    started = list[Worker]()

    def start(count: int, **options: Any) -> list[Worker]:
        options |= {"ENV": ENV, "API_BASE_URL": emulator.api_url, "COMPONENT_APPID": APPID}
        options["ACCESS_TOKEN"] = emulator.access_token
        given = {"threads": 8, "cache": redis.settings, "options": options}
        started.extend(Worker(str(number), **given) for number in range(count))
        wait_for(lambda: all(one.said("ready") for one in started), "the processes")
        return started

    yield start
    for one in started:
        one.kill()


def test_a_throttle_that_one_process_meets_slows_another(
    configure: Any, settings: Any, redis: CacheServer, processes: Any
) -> None:
    cloud = configure(WX_STATIC_STORE={"COMPONENT_APPID": APPID})
    settings.CACHES = {"default": redis.settings}
    limiter = get_uploader().store.platform.api_limiter
    with ThreadPoolExecutor(4) as pool:
        assert {done.status for done in pool.map(upload, "abcdefgh")} == {"stored"}
    [worker] = processes(1, MAX_ATTEMPTS=1)
    cloud.script({"on": LINK, "do": "errcode", "errcode": -501003, "times": 1})
    worker.go()
    wait_for(lambda: len(cloud.calls(LINK)) > 100, "uploads of the other process")
    assert worker.end()["errors"], "it met the throttle"
    wait_for(lambda: upload().status == "stored" and limiter.width <= 3, "a narrower limit")


@slow
def test_four_processes_together_keep_a_hundred_calls_a_second(
    emulator: EmulatorServer, processes: Any
) -> None:
    """Within five in a hundred; fewer only where other work keeps the processes from the CPU."""
    workers, rate, started = processes(PROCESSES, API_RATE=100), 100, time.monotonic()
    for worker in workers:
        worker.go()
    seen = [(0, started)]
    while seen[-1][1] < started + 11:
        time.sleep(0.02)
        seen.append((len(emulator.calls(LINK)), time.monotonic()))
    assert max(count - rate * (at - started) for count, at in seen) <= 5, "never too many"
    begun = next(at for count, at in seen if count)
    count, at = seen[-1]
    assert count >= 0.95 * rate * (at - begun) / loaded(1.0)
    assert [worker.end()["errors"] for worker in workers] == [{}] * PROCESSES
