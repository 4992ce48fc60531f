"""The platform's own token: who fetches it, who waits, and what is left when something fails."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.utils.translation import override

from tests.waiting import wait_for
from wx_static_store.causes import CAUSES
from wx_static_store.clients import component
from wx_static_store.clients.component import (
    ALONE,
    CALL as CALL_SECONDS,
    HOPELESS,
    LEASE,
    MIN_INTERVAL,
    SLOWEST,
    YOUNG,
    ComponentToken,
    never_worked,
    slow,
    too_soon,
)
from wx_static_store.clients.shared import TokenState
from wx_static_store.clients.tokens import TokenProvider, current_token, discard_token
from wx_static_store.clients.transport import Transport
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.retry import Clock, Deadline, ending_by, run
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    Remedy,
    TokenRejected,
    TokenUnavailable,
    WeChatBusy,
    WeChatThrottled,
    WxStaticStoreError,
)

from .conftest import APPSECRET, TICKET, TOKEN, Time, TimedCache, leaks

APPID = "wx0000000000000001"
LIFE = 7200
CALL = "api_component_token"


@pytest.fixture
def emulator(time: Time) -> Any:
    given = {"appid": APPID, "appsecret": APPSECRET, "ticket": TICKET, "clock": time.now}
    with EmulatorServer(**given) as server:
        yield server


Make = Callable[..., ComponentToken]


@pytest.fixture
def make(emulator: EmulatorServer, transport: Transport, cache: BaseCache, time: Time) -> Make:
    """`make(cache=…, ticket=…)`: the provider of one process."""

    def provider(**changes: Any) -> ComponentToken:
        shared = changes.pop("cache", cache)
        client = WeChatClient(transport, emulator.api_url)
        values = {"appid": APPID, "appsecret": Secret(APPSECRET), "ticket": lambda: TICKET}
        clock = {"now": time.now, "sleep": time.sleep, "chance": lambda: 0.5}
        return ComponentToken(client, lambda: shared, **(values | clock | changes))

    return provider


SHORT = MIN_INTERVAL / 10  # a minimal interval, which shortens all other times alike
PACE = SLOWEST / CALL_SECONDS  # but those that a call needs no further than so


def fetches(emulator: EmulatorServer) -> int:
    return len(emulator.calls(CALL))


def again(provider: TokenProvider, time: Time, seconds: float = 300.0) -> str:
    """As every call of ours is made: under the retry loop."""
    clock = Clock(now=time.now, sleep=time.sleep, random=lambda: 0.5)
    deadline = Deadline.after(seconds, clock)
    return run(lambda number: current_token(provider).reveal(), max_attempts=4, deadline=deadline)


def in_threads(number: int, function: Callable[[], object]) -> None:
    ready = threading.Barrier(number)

    def work() -> None:
        ready.wait(5)
        function()

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


# --- one fetch for all ----------------------------------------------------------------------


def test_a_token_is_fetched_with_appid_secret_and_ticket(
    make: Make, emulator: EmulatorServer
) -> None:
    assert make().get() == emulator.access_token
    assert fetches(emulator) == 1


def test_component_token_is_a_token_provider(make: Make) -> None:
    assert isinstance(make(), TokenProvider)


def test_many_threads_make_one_fetch(make: Make, emulator: EmulatorServer) -> None:
    emulator.script({"on": CALL, "do": "delay", "seconds": 0.1})
    provider, got = make(), []
    in_threads(32, lambda: got.append(provider.get()))
    assert got == [emulator.access_token] * 32
    assert fetches(emulator) == 1


def test_processes_share_the_token_through_the_cache(make: Make, emulator: EmulatorServer) -> None:
    assert [make().get() for _ in range(4)] == [emulator.access_token] * 4
    assert fetches(emulator) == 1


def test_the_cache_is_read_again_under_the_lock(
    make: Make, emulator: EmulatorServer, cache: TimedCache
) -> None:
    """Another process stored a token between our first look and our lock."""
    other = make()

    class Late:
        """Its `add` comes when the other process has fetched, and its lease is over."""

        def __getattr__(self, name: str) -> Any:
            return getattr(cache, name)

        def add(self, key: str, *args: Any, **kwargs: Any) -> bool:
            other.get()
            return True

    assert make(cache=Late()).get() == emulator.access_token
    assert fetches(emulator) == 1


def test_a_process_without_the_lock_waits_for_the_other_s_token(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    winner, loser, got = make(), make(), []
    emulator.script({"on": CALL, "do": "delay", "seconds": 0.2})
    thread = threading.Thread(target=lambda: got.append(winner.get()))
    thread.start()
    wait_for(winner._lock.locked)

    def sleep(seconds: float) -> None:
        thread.join(5)

    loser._sleep = sleep
    assert [loser.get()] == got == [emulator.access_token]
    assert fetches(emulator) == 1


def test_platforms_do_not_share_a_token(make: Make, emulator: EmulatorServer) -> None:
    make().get()
    with pytest.raises(ConfigurationError, match="COMPONENT_APPID"):
        make(appid="wx2").get()
    assert fetches(emulator) == 2


# --- what is known of it ----------------------------------------------------------------------


def test_the_state_of_a_token_has_its_age_and_end_in_every_process(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    make().get()
    time.sleep(720)
    assert make().state() == TokenState(720, LIFE - 720, usable=True, failure=None, surprises=0)
    assert fetches(emulator) == 1


def test_the_state_without_a_token_fetches_none(make: Make, emulator: EmulatorServer) -> None:
    assert make().state() == TokenState(0, 0, usable=False, failure=None, surprises=0)
    assert fetches(emulator) == 0


def test_the_state_names_the_failed_fetch_for_which_all_wait(make: Make, time: Time) -> None:
    with pytest.raises(ConfigurationError):
        make(appsecret=Secret("wrong")).get()
    state = make().state()
    assert isinstance(state.failure, ConfigurationError)
    assert (state.failure.pause, state.usable) == (HOPELESS, False)
    time.sleep(HOPELESS)
    assert make().state().failure is None


def test_the_state_counts_tokens_that_were_refused_too_early(make: Make, time: Time) -> None:
    provider = make()
    for _number in range(2):
        token = provider.get()
        time.sleep(MIN_INTERVAL)
        provider.invalidate(token)
    assert (provider.state().usable, make().state().surprises) == (False, 2)
    time.sleep(3600)
    assert make().state().surprises == 0


# --- age ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "calls"), [(0, 1), (6_479, 1), (6_480, 2), (7_300, 2), (20_000, 2), (-50, 1)]
)
def test_a_token_is_used_for_nine_tenths_of_its_life(
    make: Make, emulator: EmulatorServer, time: Time, age: int, calls: int
) -> None:
    """And a host whose clock is a little behind uses it at once."""
    make().get()
    time.sleep(age)
    assert make().get() == emulator.access_token
    assert fetches(emulator) == calls


def test_a_clock_that_is_set_back_does_not_prolong_a_token(
    make: Make, emulator: EmulatorServer, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    provider = make()
    first = provider.get()
    time.seconds -= 3600
    assert provider.get() == first
    time.sleep(LIFE)
    assert provider.get() == emulator.access_token != first
    assert "differ by 3600 s" in caplog.text


@pytest.mark.parametrize("ahead", [-8 * 3600, -400, 400, 8 * 3600])
def test_hosts_whose_clocks_differ_do_not_fight_and_log_it(
    make: Make, emulator: EmulatorServer, time: Time, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make(), make(now=lambda: time.now() + ahead)
    for _ in range(3 * LIFE // 60):
        for provider in (one, other):
            if (token := provider.get()) != emulator.access_token:
                provider.invalidate(token)
        time.sleep(60)
    assert fetches(emulator) <= 5
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_in_a_token_s_last_tenth_one_process_fetches_and_the_others_use_the_old_token(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    provider, got = make(), []
    old = provider.get()
    time.sleep(6_500)
    emulator.script({"on": CALL, "do": "delay", "seconds": 0.5})
    in_threads(8, lambda: got.append(provider.get()))
    assert got == [old] * 7 + [emulator.access_token]
    assert fetches(emulator) == 2


def test_in_a_token_s_last_tenth_a_failed_fetch_leaves_the_old_token_in_use(
    make: Make, emulator: EmulatorServer, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    """T10. One warning, however many ask, and a try every few seconds."""
    provider = make()
    old = provider.get()
    time.sleep(6_500)
    emulator.script({"on": CALL, "do": "errcode", "errcode": -1, "times": None})
    with override("zh-hans"):
        for _ in range(200):
            assert provider.get() == old
            time.sleep(1)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4  # 200 s
    assert "api_component_token was refused" in caplog.messages[0]  # English, too
    assert 20 <= fetches(emulator) <= 25


def test_in_a_token_s_last_tenth_a_missing_ticket_leaves_the_old_token_in_use(
    make: Make, time: Time
) -> None:
    """And its source is not asked for each upload."""
    asked: list[float] = []

    def ticket() -> str:
        asked.append(time.now())
        if len(asked) > 1:
            raise ConnectionError
        return TICKET

    provider = make(ticket=ticket)
    old = provider.get()
    time.sleep(6_500)
    assert {provider.get() for _ in range(100)} == {old}
    assert len(asked) == 2


@pytest.mark.parametrize("fault", [{"do": "drop_reply", "apply": True}, {"do": "html"}])
def test_in_a_token_s_last_tenth_a_fetch_whose_answer_was_lost_is_not_repeated_for_a_minute(
    make: Make, emulator: EmulatorServer, time: Time, fault: dict[str, Any]
) -> None:
    """It may have ended the old token: the next one would end that, too."""
    provider = make()
    provider.get()
    time.sleep(6_500)
    emulator.script({"on": CALL, **fault})
    for _ in range(int(MIN_INTERVAL)):
        provider.get()
        time.sleep(1)
    assert fetches(emulator) == 2
    assert provider.get() == emulator.access_token
    assert fetches(emulator) == 3


@pytest.mark.parametrize(("life", "last"), [(LIFE, 60), (600, 30)])
def test_a_token_is_not_used_in_its_last_minute_or_twentieth(
    make: Make, emulator: EmulatorServer, time: Time, life: int, last: int
) -> None:
    emulator.quirks.token_seconds = life
    provider = make()
    old = provider.get()
    emulator.script({"on": CALL, "do": "errcode", "errcode": -1, "times": None})
    time.sleep(life - last - 1)
    assert provider.get() == old
    time.sleep(1)
    with pytest.raises(WeChatBusy):
        provider.get()


def test_a_token_of_twice_its_life_is_forgotten(make: Make, time: Time) -> None:
    """By the cache, too: all processes count the generations anew."""
    provider = make()
    provider.get()
    time.sleep(2 * LIFE)
    provider.get()
    assert provider._mine
    assert provider._mine.generation == 1


def test_the_token_lies_sealed_in_the_cache(make: Make, cache: TimedCache) -> None:
    provider = make(seals=(lambda text: text[::-1], lambda value: value[::-1]))
    token = provider.get()
    assert token not in str(cache._cache)
    assert token[::-1] in str(cache._cache)
    assert provider.get() == token


@pytest.mark.parametrize(
    "entry",
    [
        "junk",
        "[]",
        "5",
        "null",
        "{}",
        '{"token": "t"}',
        '{"token": "t", "issued_at": "x", "expires_in": 5, "generation": 1}',
        '{"token": "t", "issued_at": 1, "expires_in": 5, "generation": Infinity}',
        '{"token": "", "issued_at": 1e9, "expires_in": 1e9, "generation": 1}',
        '{"token": "a b", "issued_at": 1e9, "expires_in": 1e9, "generation": 1}',
        '{"token": 5, "issued_at": 1e9, "expires_in": 1e9, "generation": 1}',
        b"\xff",
        5,
    ],
)
def test_a_broken_cache_entry_is_replaced_by_a_fetched_token(
    make: Make, emulator: EmulatorServer, cache: TimedCache, time: Time, entry: Any
) -> None:
    make().get()
    (key,) = [key for key in cache._cache if key.endswith(":token")]
    cache.set(key.removeprefix(":1:"), entry, timeout=LIFE)
    time.sleep(LEASE)  # the lock of the generation that nobody can read any more
    assert make().get() == emulator.access_token
    assert fetches(emulator) == 2


# --- a token that WeChat refuses ------------------------------------------------------------


def test_a_refused_token_is_discarded_for_every_process(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    one, other = make(), make()
    first = one.get()
    time.sleep(MIN_INTERVAL)
    one.invalidate(first)
    assert other.get() == one.get() == emulator.access_token != first
    assert fetches(emulator) == 2


def test_a_newer_token_is_not_discarded_for_an_older_one_s_sake(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    """32 uploads notice the same expiry: the first refreshes, the others must not do it again."""
    provider = make()
    first = provider.get()
    time.sleep(MIN_INTERVAL)
    provider.invalidate(first)
    second = provider.get()
    time.sleep(MIN_INTERVAL)
    provider.invalidate(first)
    assert provider.get() == second
    assert fetches(emulator) == 2


def test_many_threads_that_notice_one_expiry_make_one_fetch(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    provider = make()
    refused = provider.get()
    time.sleep(MIN_INTERVAL)

    def notice() -> None:
        provider.invalidate(refused)
        provider.get()

    in_threads(16, notice)
    assert fetches(emulator) == 2


def test_a_token_that_is_refused_at_once_is_a_configuration_error(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    """T09: of another platform, perhaps; a second one would not be better."""
    provider = make()
    token = provider.get()
    time.sleep(YOUNG - 1)
    for refused in (
        lambda: discard_token(provider, Secret(token), TokenRejected(errcode=40001)),
        lambda: again(provider, time),
    ):
        with pytest.raises(ConfigurationError, match="COMPONENT_APPID and API_BASE_URL") as caught:
            refused()
        assert caught.value.errcode == 40001
        assert token not in "".join(frames(caught.value))
    assert fetches(emulator) == 1


@pytest.mark.parametrize(
    ("min_interval", "age"), [(2 * MIN_INTERVAL, YOUNG), (MIN_INTERVAL, YOUNG), (SHORT, YOUNG / 10)]
)
def test_a_token_that_worked_for_ten_seconds_may_be_refused(
    make: Make, time: Time, min_interval: float, age: float
) -> None:
    """A shorter interval shortens the ten seconds alike; a longer one does not lengthen them."""
    provider = make(min_interval=min_interval)
    token = provider.get()
    time.sleep(age)
    provider.refused(token, 42001)
    with pytest.raises(TokenUnavailable, match="fetched just now") as caught:
        provider.get()
    assert caught.value.errcode == 42001


@pytest.mark.parametrize("age", [0, YOUNG, MIN_INTERVAL - 1])
def test_a_token_that_somebody_discarded_is_replaced_a_minute_after_its_fetch(
    make: Make, emulator: EmulatorServer, time: Time, age: float
) -> None:
    """After a leak, say: no other system is to blame, and no setting."""
    provider = make()
    leaked = provider.get()
    time.sleep(age)
    provider.invalidate(leaked)
    with pytest.raises(TokenUnavailable, match="discarded by code of this project") as caught:
        provider.get()
    assert (caught.value.remedy, caught.value.pause) == (Remedy.WAIT, MIN_INTERVAL - age)
    time.sleep(MIN_INTERVAL - age)
    assert provider.get() == emulator.access_token != leaked


def frames(error: BaseException) -> Iterator[str]:
    """Yield what a debug page would show of the frames that are not this test's own."""
    trace = error.__traceback__
    while trace := trace and trace.tb_next:
        if trace.tb_frame.f_code.co_filename != __file__:
            yield str(trace.tb_frame.f_locals)


def test_a_token_that_is_refused_within_a_minute_is_not_replaced_before_that_minute_is_over(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    """T05: two systems that refresh alternately would end each other's token for ever."""
    provider = make()
    first, started = provider.get(), time.now()
    time.sleep(20)
    provider.refused(first, 42001)
    with pytest.raises(TokenUnavailable, match="Another system refreshes") as caught:
        provider.get()
    assert (caught.value.remedy, caught.value.pause) == (Remedy.WAIT, 40)
    assert again(provider, time) == emulator.access_token != first
    assert time.now() >= started + MIN_INTERVAL


def test_an_interactive_call_does_not_wait_a_minute_for_another_token(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    provider = make()
    first = provider.get()
    time.sleep(20)
    provider.refused(first, 42001)
    before = time.now()
    with pytest.raises(TokenUnavailable, match="Another system refreshes"):
        again(provider, time, seconds=25)
    assert time.now() == before


def test_the_third_surprise_in_an_hour_is_an_error_line_that_names_the_cause(
    make: Make, emulator: EmulatorServer, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    """Another system fetches whenever it is refused: the two take turns every five minutes."""
    ours, theirs = make(), make(cache=TimedCache("theirs", time))
    with override("zh-hans"):
        for _ in range(2 * 60):
            for provider in (ours, theirs):
                token = provider.get()
                if emulator.state.tokens.verdict(token, time.now())[0]:
                    provider.invalidate(token)
            time.sleep(30)
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert "Another system refreshes" in caplog.text  # English, whoever asked


@pytest.mark.parametrize(
    ("min_interval", "age", "errors"),
    [(MIN_INTERVAL, 1799, 1), (MIN_INTERVAL, 1800, 0), (SHORT, 179, 1), (SHORT, 180, 0)],
)
def test_three_surprises_are_an_error_within_an_hour_or_the_tenth_of_a_short_interval(
    make: Make,
    time: Time,
    caplog: pytest.LogCaptureFixture,
    min_interval: float,
    age: float,
    errors: int,
) -> None:
    provider = make(min_interval=min_interval)
    counts = []
    for _ in range(3):
        token = provider.get()
        time.sleep(age)
        provider.invalidate(token)
        counts.append(len(caplog.records))
    assert counts == [0, 0, errors]


def test_two_processes_that_hear_of_one_surprise_count_it_once(
    make: Make, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    processes = make(), make(), make()
    token = processes[0].get()
    time.sleep(MIN_INTERVAL)
    for process in processes:
        process.invalidate(token)
    assert caplog.records == []


def test_tokens_that_died_of_age_are_no_surprise(
    make: Make, emulator: EmulatorServer, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.quirks.token_seconds = 600
    provider = make(min_interval=600)
    for _ in range(4):
        token = provider.get()
        time.sleep(600)
        provider.invalidate(token)
    assert caplog.records == []


# --- a holder that dies or is slow ----------------------------------------------------------


class Killed(BaseException):
    """As SIGKILL: nothing is cleaned up behind it."""


def kill(provider: ComponentToken) -> None:
    """In the middle of its fetch, with the lock in the cache."""

    def die(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    client, provider._client = provider._client, WeChatClient.__new__(WeChatClient)
    provider._client.component_token = die  # type: ignore[method-assign]
    with pytest.raises(Killed):
        provider.get()
    provider._client = client


@pytest.mark.parametrize(("min_interval", "lease"), [(MIN_INTERVAL, LEASE), (SHORT, LEASE * PACE)])
def test_after_a_killed_holder_the_lease_runs_out_and_another_fetches(
    make: Make, emulator: EmulatorServer, time: Time, min_interval: float, lease: float
) -> None:
    kill(make(min_interval=min_interval))
    killed = time.now()
    assert again(make(min_interval=min_interval), time) == emulator.access_token
    assert lease <= time.now() - killed <= lease + 2


def test_a_call_waits_ten_seconds_at_most_for_another_process(make: Make, time: Time) -> None:
    kill(make())
    before = time.now()
    with pytest.raises(TokenUnavailable, match="Another process is fetching") as caught:
        make().get()
    assert caught.value.remedy is Remedy.WAIT
    assert 10 <= time.now() - before <= 11


def test_a_slow_holder_does_not_overwrite_a_newer_token(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    """T04: its lease ran out while it stood still, and another fetched meanwhile."""
    slow, quick = make(), make()
    call = slow._client.component_token

    def stand_still(*args: Any, **kwargs: Any) -> Any:
        fresh = call(*args, **kwargs)
        time.sleep(LEASE + 1)
        quick.get()
        return fresh

    client = slow._client = WeChatClient.__new__(WeChatClient)
    client.component_token = stand_still  # type: ignore[method-assign]
    assert slow.get() == quick.get() == make().get() == emulator.access_token
    assert fetches(emulator) == 2


@pytest.mark.parametrize(
    ("min_interval", "chance", "nap"),
    [(MIN_INTERVAL, 0.0, 0.1), (MIN_INTERVAL, 1.0, 0.3), (SHORT, 0.5, 0.2 * PACE)],
)
def test_a_call_that_waits_for_another_process_looks_five_times_a_second(
    make: Make, time: Time, min_interval: float, chance: float, nap: float
) -> None:
    """Now and then, so that not all processes look at once."""
    kill(make())
    naps: list[float] = []
    with pytest.raises(TokenUnavailable):
        make(min_interval=min_interval, chance=lambda: chance, sleep=naps.append).get()
    assert {round(each, 6) for each in naps} == {round(nap, 6)}


@pytest.mark.parametrize(("min_interval", "slow"), [(MIN_INTERVAL, 10.0), (SHORT, 2.0)])
def test_a_call_that_waits_for_another_process_ends_in_time_although_it_wakes_up_late(
    make: Make, time: Time, monkeypatch: pytest.MonkeyPatch, min_interval: float, slow: float
) -> None:
    monkeypatch.setattr(component, "time", SimpleNamespace(monotonic=time.now))
    kill(make())
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        time.sleep(slow)

    with pytest.raises(TokenUnavailable, match="Another process is fetching"):
        make(min_interval=min_interval, sleep=sleep).get()
    assert len(naps) == 1


def test_a_call_that_waits_for_another_thread_ends_in_time(make: Make) -> None:
    provider = make(min_interval=SHORT)
    started = monotonic()
    with provider._lock, pytest.raises(TokenUnavailable, match="Another process is fetching"):
        provider.get()
    assert monotonic() - started < 10, "a tenth of the usual ten seconds, and a third more"


@pytest.mark.parametrize(("min_interval", "most"), [(MIN_INTERVAL, 15.0), (SHORT, 2.0)])
def test_a_fetch_may_take_fifteen_seconds_or_two_of_a_short_interval(
    make: Make, min_interval: float, most: float
) -> None:
    provider, left = make(min_interval=min_interval), list[float]()
    call = provider._client.component_token

    def noted(*args: Any, deadline: Deadline) -> Any:
        left.append(deadline.left())
        return call(*args, deadline=deadline)

    client = provider._client = WeChatClient.__new__(WeChatClient)
    client.component_token = noted  # type: ignore[method-assign]
    provider.get()
    assert left == [pytest.approx(most, abs=1)]


def test_no_fetch_is_begun_that_the_end_of_a_request_would_cut_off(
    make: Make, emulator: EmulatorServer
) -> None:
    with ending_by(monotonic() + SLOWEST / 2), pytest.raises(DeadlineExceeded):
        make().get()
    assert fetches(emulator) == 0


def test_in_a_token_s_last_tenth_a_request_that_ends_soon_uses_the_old_token(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    provider = make()
    old = provider.get()
    time.sleep(6_500)
    with ending_by(monotonic() + CALL_SECONDS / 2):
        assert provider.get() == old
    assert fetches(emulator) == 1


def test_a_fetch_whose_time_is_over_may_be_tried_again(make: Make) -> None:
    def late(*args: Any, **kwargs: Any) -> Any:
        raise DeadlineExceeded("over")

    provider = make()
    client = provider._client = WeChatClient.__new__(WeChatClient)
    client.component_token = late  # type: ignore[method-assign]
    with pytest.raises(DeadlineExceeded) as caught:
        provider.get()
    assert caught.value.remedy is Remedy.WAIT


# --- a cache that is no help ----------------------------------------------------------------


def test_while_the_cache_is_down_a_known_token_goes_on_serving(
    make: Make, emulator: EmulatorServer, cache: TimedCache
) -> None:
    one, other = make(), make()
    tokens = {one.get(), other.get()}
    cache.down = True
    assert tokens == {one.get(), other.get()}
    assert fetches(emulator) == 1


@pytest.mark.parametrize(("min_interval", "alone"), [(MIN_INTERVAL, ALONE), (SHORT, ALONE / 10)])
def test_while_the_cache_is_down_a_process_fetches_once_in_five_minutes(
    make: Make,
    emulator: EmulatorServer,
    cache: TimedCache,
    time: Time,
    min_interval: float,
    alone: float,
) -> None:
    """T07. Or in the tenth of that, for a tenth of the usual interval."""
    cache.down = True
    provider = make(min_interval=min_interval)
    first = provider.get()
    time.sleep(alone - 1)
    provider.invalidate(first)
    with pytest.raises(TokenUnavailable, match="token cache fails"):
        provider.get()
    time.sleep(1)
    assert provider.get() == emulator.access_token != first
    assert fetches(emulator) == 2


def test_a_cache_that_lost_everything_gets_the_token_again(
    make: Make, emulator: EmulatorServer, cache: TimedCache
) -> None:
    """Redis was started anew: whoever comes next must not fetch."""
    one = make()
    one.get()
    cache.clear()
    one.get()
    assert make().get() == emulator.access_token
    assert fetches(emulator) == 1


def test_a_token_that_was_fetched_alone_is_shared_when_the_cache_is_back(
    make: Make, emulator: EmulatorServer, cache: TimedCache, time: Time
) -> None:
    one, other = make(), make()
    one.get()
    other.get()
    cache.down = True
    time.sleep(LIFE)
    fetched = one.get()
    cache.down = False
    time.sleep(3)
    assert one.get() == other.get() == fetched == emulator.access_token
    assert fetches(emulator) == 2


def test_a_cache_that_fails_is_left_alone_for_two_seconds(
    make: Make, cache: TimedCache, time: Time
) -> None:
    """Each question may cost a timeout."""
    cache.down = True
    provider, asked = make(), []
    provider.get()
    provider._shared._cache._handle = lambda: asked.append(1) or cache
    provider.get()
    assert asked == []
    time.sleep(2)
    provider.get()
    assert len(asked) == 1


def test_a_cache_that_is_down_is_logged_once_until_it_works_again(
    make: Make, cache: TimedCache, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    provider, counts = make(), []
    for down in (True, True, False, True):
        cache.down = down
        time.sleep(3)
        provider.get()
        counts.append(len(caplog.records))
    assert counts == [1, 1, 1, 2]


def test_the_warning_of_a_cache_that_is_down_shows_no_token(
    make: Make, cache: TimedCache, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = make()
    token = provider.get()
    cache.down = True
    provider.get()
    assert "ConnectionError" in caplog.text
    assert token not in caplog.text


class Swallowing(DummyCache):
    """As Memcached with `ignore_exc`, while its server is down."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return False


class ReadOnly(TimedCache):
    """As a Redis that is full, or that became a replica."""

    def set(self, *args: Any, **kwargs: Any) -> None:
        raise ConnectionError("READONLY")

    add = set  # type: ignore[assignment]


@pytest.mark.parametrize("kind", [DummyCache, Swallowing, ReadOnly])
def test_with_a_cache_that_keeps_nothing_a_process_goes_on_alone_and_logs_it_once(
    make: Make, emulator: EmulatorServer, time: Time, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Each fetch would retire the last token."""
    cache = kind("x", time) if kind is ReadOnly else kind("x", {})
    provider = make(cache=cache)
    for expiries in range(3):
        refused = provider.get()
        assert [provider.get() for _ in range(5)] == [emulator.access_token] * 5
        assert fetches(emulator) == expiries + 1
        time.sleep(ALONE)
        in_threads(8, lambda: provider.invalidate(refused))  # noqa: B023
    assert caplog.text.count("The token cache fails") == 1


def test_two_processes_without_a_shared_cache_do_not_loop(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    """Each ends the other's token; each fetches once a minute at most all the same."""
    one, other = (make(cache=TimedCache(name, time)) for name in ("one", "other"))
    started = time.now()
    while time.now() < started + 600:
        for provider in (one, other):
            with suppress(WxStaticStoreError):
                token = provider.get()
                if token != emulator.access_token:
                    provider.invalidate(token)
        time.sleep(1)
    assert fetches(emulator) <= 2 * 600 / MIN_INTERVAL + 2


# --- the ticket -----------------------------------------------------------------------------


@pytest.mark.parametrize("ticket", ["", "  ", None])
def test_no_ticket_is_an_error_before_any_call(
    make: Make, emulator: EmulatorServer, ticket: Any
) -> None:
    with pytest.raises(TokenUnavailable, match="no component_verify_ticket yet") as caught:
        current_token(make(ticket=lambda: ticket))
    assert "api_start_push_ticket" in str(caught.value)
    assert fetches(emulator) == 0


@pytest.mark.parametrize("ticket", [TICKET.encode(), 5, [TICKET]])
def test_a_ticket_that_is_no_text_is_reported_and_not_shown(make: Make, ticket: Any) -> None:
    """As `redis.get()` gives it."""
    with pytest.raises(ConfigurationError, match="where it must give a text") as caught:
        current_token(make(ticket=lambda: ticket))
    assert leaks(caught.value) == []


def test_a_ticket_that_cannot_be_had_is_waited_for(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    answers = iter([ConnectionError(f"redis://:{TICKET}@cache"), TICKET])

    def ticket() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    provider = make(ticket=ticket)
    with pytest.raises(TokenUnavailable, match=r"cannot be read \(.* ConnectionError: ") as caught:
        provider.get()
    assert (caught.value.remedy, leaks(caught.value)) == (Remedy.WAIT, [])
    assert again(provider, time) == emulator.access_token


def test_a_ticket_that_comes_late_serves_a_second_later(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    tickets = iter(["", TICKET])
    provider = make(ticket=lambda: next(tickets))
    with pytest.raises(TokenUnavailable):
        provider.get()
    time.sleep(1)
    assert provider.get() == emulator.access_token


def test_an_expired_ticket_is_read_again_once_and_a_newer_one_helps(
    make: Make, emulator: EmulatorServer
) -> None:
    emulator.push_ticket("pushed-meanwhile")
    tickets = iter([TICKET, "pushed-meanwhile"])
    emulator.script({"on": CALL, "do": "errcode", "errcode": 61005})
    assert make(ticket=lambda: next(tickets)).get() == emulator.access_token
    assert fetches(emulator) == 2


@pytest.mark.parametrize("errcode", [61005, 61006, 40091])
def test_a_ticket_that_stays_bad_is_tried_twice_and_no_more(
    make: Make, emulator: EmulatorServer, time: Time, errcode: int
) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": errcode, "times": None})
    with pytest.raises(TokenUnavailable) as caught:
        again(make(), time)
    assert (fetches(emulator), caught.value.errcode) == (2, errcode)


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("errcode", "expected", "calls"),
    [
        (40001, ConfigurationError, 1),
        (40125, ConfigurationError, 1),
        (61004, ConfigurationError, 1),
        (45009, WeChatThrottled, 1),
        (-1, WeChatBusy, 4),
    ],
)
def test_a_refused_fetch_is_repeated_only_where_that_can_help(
    make: Make,
    emulator: EmulatorServer,
    time: Time,
    errcode: int,
    expected: type[WxStaticStoreError],
    calls: int,
) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": errcode, "times": None})
    with pytest.raises(expected) as caught:
        again(make(), time)
    assert fetches(emulator) == calls
    assert (caught.value.stage, caught.value.errcode) == ("token", errcode)


@pytest.mark.parametrize(
    ("errcode", "pause"), [(40001, HOPELESS), (45009, HOPELESS), (45011, 60), (-1, 1)]
)
def test_a_failure_is_remembered_for_every_process(
    make: Make, emulator: EmulatorServer, time: Time, errcode: int, pause: float
) -> None:
    """Twenty workers of four machines do not ask twenty times; all get the same error."""
    emulator.script({"on": CALL, "do": "errcode", "errcode": errcode})
    errors = []
    for _ in range(3):
        with pytest.raises(WxStaticStoreError) as caught:
            make().get()
        error = caught.value
        errors.append((type(error), error.errcode, str(error.hint), error.rid, error.remedy))
    assert len({*errors}) == 1
    assert fetches(emulator) == 1
    time.sleep(pause - 0.1)
    pytest.raises(WxStaticStoreError, make().get)  # noqa: RUF061
    time.sleep(0.1)
    assert make().get() == emulator.access_token
    assert fetches(emulator) == 2


@pytest.mark.parametrize("entry", ['{"generation": 1, "attempt": 1, "until": 1e99}', "[]", "5"])
def test_a_broken_cache_entry_is_not_taken_for_a_failure(
    make: Make, emulator: EmulatorServer, cache: TimedCache, entry: str
) -> None:
    provider = make()
    cache.set(f"{provider._shared._prefix}failure", entry, timeout=LIFE)
    assert provider.get() == emulator.access_token


def test_a_short_interval_shortens_the_pause_after_a_failure(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": -1})
    provider = make(min_interval=SHORT)
    with pytest.raises(WeChatBusy):
        provider.get()
    time.sleep(0.1)
    assert provider.get() == emulator.access_token


def test_a_short_interval_shortens_the_time_between_two_warnings(
    make: Make, emulator: EmulatorServer, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    provider = make(min_interval=SHORT)
    provider.get()
    time.sleep(6_500)
    emulator.script({"on": CALL, "do": "errcode", "errcode": -1, "times": None})
    for _ in range(20):
        provider.get()
        time.sleep(1)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4


def test_failed_fetches_in_a_row_are_spaced_out(
    make: Make, emulator: EmulatorServer, time: Time
) -> None:
    emulator.script({"on": CALL, "do": "errcode", "errcode": -1, "times": None})
    pauses = []
    for _ in range(6):
        with pytest.raises(WeChatBusy):
            make().get()
        before, calls = time.now(), fetches(emulator)
        while fetches(emulator) == calls and len(pauses) < 5:
            time.sleep(0.5)
            with pytest.raises(WeChatBusy):
                make().get()
        pauses.append(time.now() - before)
    assert pauses[:5] == [1, 2, 4, 8, 10]


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "errcode", "errcode": 40001, "errmsg": f"bad component_appsecret: {APPSECRET}"},
        {"do": "merge", "json": {"component_access_token": f"{TOKEN} with a space"}},
        {"do": "reset"},
        {"do": "html"},
    ],
)
def test_no_failed_fetch_shows_a_secret(
    make: Make, emulator: EmulatorServer, cache: TimedCache, fault: dict[str, Any]
) -> None:
    emulator.script({"on": CALL} | fault)
    with pytest.raises(WxStaticStoreError) as caught:
        current_token(make())
    assert leaks(caught.value) == []
    for canary in (APPSECRET, TOKEN):
        assert canary not in json.dumps([str(value) for value in cache._cache.values()])


# --- why no token can be fetched now -------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: too_soon(59.6, "token.cache"), slow])
def test_a_fetch_that_has_to_wait_is_tried_again_later(
    make: Callable[[], WxStaticStoreError],
) -> None:
    error = make()
    assert (error.remedy, error.stage, error.stops_batch) == (Remedy.WAIT, "token", True)


def test_a_fetch_that_comes_too_soon_says_when_it_may_be() -> None:
    error = too_soon(59.6, "token.cache")
    assert error.pause == 59.6
    assert "in 60 s" in str(error)
    assert str(CAUSES["token.cache"].operator) in str(error)


def test_a_token_that_never_worked_is_not_fetched_again() -> None:
    error = never_worked(40001)
    assert (error.remedy, error.cause) == (Remedy.CHANGE, "token.new")
    assert "COMPONENT_APPID and API_BASE_URL" in str(error)
