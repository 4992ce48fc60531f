"""Where a component_access_token comes from, and how one is shared."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from wx_static_store.clients.tokens import (
    CallableToken,
    ComponentToken,
    FixedToken,
    TokenProvider,
    current_token,
    discard_token,
)
from wx_static_store.clients.transport import Transport
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    Remedy,
    TokenUnavailable,
    WeChatBusy,
    WeChatThrottled,
    WxStaticStoreError,
)
from wx_static_store.retry import Clock, Deadline, run
from wx_static_store.secrets import Secret

from .conftest import APPSECRET, TICKET, TOKEN, leaks

APPID = "wx0000000000000001"


@pytest.fixture
def cache(request: pytest.FixtureRequest) -> Iterator[BaseCache]:
    cache = LocMemCache(request.node.name, {})
    yield cache
    cache.clear()


class Dead:
    """A cache whose server is gone; its exceptions repeat what they were given."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError(f"no route to cache, get {args}")

    def set(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError(f"no route to cache, set {args}")


class Now:
    seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    with EmulatorServer(appid=APPID, appsecret=APPSECRET, ticket=TICKET) as server:
        yield server


Make = Callable[..., ComponentToken]


@pytest.fixture
def make(emulator: EmulatorServer, transport: Transport, cache: BaseCache) -> Make:
    """`make(cache=…, ticket=…, now=…)`: one process's provider."""

    def provider(**changes: Any) -> ComponentToken:
        shared = changes.pop("cache", cache)
        values = {"appid": APPID, "appsecret": Secret(APPSECRET), "ticket": lambda: TICKET}
        client = WeChatClient(transport, emulator.api_url)
        return ComponentToken(client, lambda: shared, **(values | changes))

    return provider


def fetches(emulator: EmulatorServer) -> int:
    return len(emulator.calls("api_component_token"))


# --- the small providers --------------------------------------------------------------------


def test_a_fixed_token_is_given_and_outlives_a_discard() -> None:
    provider = FixedToken(Secret(TOKEN))
    provider.invalidate(TOKEN)
    assert current_token(provider).reveal() == TOKEN


def test_a_function_is_asked_each_time() -> None:
    tokens = iter(["first", "second"])
    provider = CallableToken(lambda: next(tokens))
    assert [current_token(provider).reveal() for _ in range(2)] == ["first", "second"]


def test_every_provider_fits_the_protocol(make: Make) -> None:
    for provider in (FixedToken(Secret(TOKEN)), CallableToken(lambda: TOKEN), make()):
        assert isinstance(provider, TokenProvider)


def test_a_class_of_the_project_s_own_fits_by_its_methods_alone() -> None:
    class Vault:
        discarded: str = ""

        def get(self) -> str:
            return TOKEN

        def invalidate(self, token: str) -> None:
            self.discarded = token

    vault = Vault()
    assert isinstance(vault, TokenProvider)
    discard_token(vault, current_token(vault))
    assert vault.discarded == TOKEN


@pytest.mark.parametrize(
    "junk",
    ["", " ", "a b", "a\n", "令牌", "t" * 2049, None, 5, b"bytes", {"token": TOKEN}, [TOKEN]],
)
def test_junk_from_a_provider_is_a_configuration_error_that_does_not_show_it(junk: Any) -> None:
    junk = f"{TOKEN} {junk}" if isinstance(junk, str) and junk.strip() else junk
    with pytest.raises(ConfigurationError) as caught:
        current_token(CallableToken(lambda: junk))
    assert caught.value.stage == "token"
    assert leaks(caught.value) == []


def test_the_longest_token_passes() -> None:
    assert current_token(CallableToken(lambda: "t" * 2048)).reveal() == "t" * 2048


def test_a_provider_that_raises_is_waited_for_and_its_words_are_not_repeated() -> None:
    def broken() -> str:
        raise KeyError(f"vault said access_token={TOKEN}")

    with pytest.raises(TokenUnavailable) as caught:
        current_token(CallableToken(broken))
    assert (caught.value.remedy, caught.value.stage) == (Remedy.WAIT, "token")
    assert "KeyError" in str(caught.value)
    assert leaks(caught.value) == []


def test_a_provider_that_cannot_discard_costs_a_warning_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stubborn(FixedToken):
        def invalidate(self, token: str) -> None:
            raise RuntimeError(token)

    discard_token(Stubborn(Secret(TOKEN)), Secret(TOKEN))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert TOKEN not in caplog.text


# --- the platform's token -------------------------------------------------------------------


def test_a_token_is_fetched_with_appid_secret_and_ticket(
    make: Make, emulator: EmulatorServer
) -> None:
    assert make().get() == emulator.access_token
    assert fetches(emulator) == 1


def test_many_threads_make_one_fetch(make: Make, emulator: EmulatorServer) -> None:
    emulator.script({"on": "api_component_token", "do": "delay", "seconds": 0.1})
    provider, ready, got = make(), threading.Barrier(32), []

    def ask() -> None:
        ready.wait(5)
        got.append(provider.get())

    threads = [threading.Thread(target=ask) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert got == [emulator.access_token] * 32
    assert fetches(emulator) == 1


def test_processes_share_the_token_through_the_cache(make: Make, emulator: EmulatorServer) -> None:
    assert [make().get() for _ in range(4)] == [emulator.access_token] * 4
    assert fetches(emulator) == 1


def test_the_cache_is_read_again_under_the_lock(
    make: Make, emulator: EmulatorServer, cache: BaseCache
) -> None:
    """Another process stored a token between our first look and our lock."""
    make().get()

    class Late:
        """Empty at the first look."""

        looks = 0

        def get(self, key: str) -> Any:
            self.looks += 1
            return cache.get(key) if self.looks > 1 else None

    assert make(cache=Late()).get() == emulator.access_token
    assert fetches(emulator) == 1


@pytest.mark.parametrize(("age", "calls"), [(0, 1), (6_479, 1), (6_481, 2), (7_300, 2), (-1, 2)])
def test_a_token_is_used_for_nine_tenths_of_its_life(
    make: Make, emulator: EmulatorServer, age: int, calls: int
) -> None:
    """And one from the future (another machine's clock) not at all."""
    now = Now()
    make(now=now).get()
    now.seconds += age
    make(now=now).get()
    assert fetches(emulator) == calls


@pytest.mark.parametrize(
    "entry",
    [
        "junk",
        "[]",
        "5",
        "null",
        "{}",
        '{"token": "t"}',
        '{"token": "t", "issued_at": "x", "expires_in": 5}',
        b"\xff",
        5,
    ],
)
def test_a_broken_entry_is_fetched_anew(
    make: Make, emulator: EmulatorServer, cache: BaseCache, entry: Any
) -> None:
    provider = make()
    provider.get()
    (key,) = cache._cache  # type: ignore[attr-defined]
    cache.set(key.removeprefix(":1:"), entry)
    assert make().get() == emulator.access_token
    assert fetches(emulator) == 2


def test_platforms_do_not_share_an_entry(make: Make, cache: BaseCache) -> None:
    make().get()
    assert make(appid="wx2")._cached() is None


def test_a_refused_token_is_discarded_for_every_process(
    make: Make, emulator: EmulatorServer
) -> None:
    one, other = make(), make()
    first = one.get()
    one.invalidate(first)
    second = one.get()
    assert second == other.get() == emulator.access_token
    assert second != first
    assert fetches(emulator) == 2


def test_a_newer_token_is_not_discarded_for_an_older_one_s_sake(
    make: Make, emulator: EmulatorServer
) -> None:
    """32 uploads notice the same expiry: the first refreshes, the others must not do it again."""
    provider = make()
    first = provider.get()
    provider.invalidate(first)
    second = provider.get()
    provider.invalidate(first)
    assert provider.get() == second
    assert fetches(emulator) == 2


def test_many_threads_that_notice_one_expiry_make_one_fetch(
    make: Make, emulator: EmulatorServer
) -> None:
    provider = make()
    refused, ready = provider.get(), threading.Barrier(16)

    def notice() -> None:
        ready.wait(5)
        provider.invalidate(refused)
        provider.get()

    threads = [threading.Thread(target=notice) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert fetches(emulator) == 2


# --- a cache that is no help ----------------------------------------------------------------


def test_with_a_dead_cache_the_token_still_comes_and_is_kept(
    make: Make, emulator: EmulatorServer
) -> None:
    provider = make(cache=Dead())
    assert [provider.get() for _ in range(5)] == [emulator.access_token] * 5
    assert fetches(emulator) == 1


def test_a_dead_cache_costs_one_warning_per_call_at_most(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """And the first call, which looks twice and stores, is no exception."""
    provider = make(cache=Dead())
    counts = []
    for _ in range(3):
        caplog.clear()
        provider.get()
        counts.append(len(caplog.records))
    assert counts[0] == 1
    assert max(counts) <= 1


def test_the_warning_of_a_dead_cache_shows_no_token(
    make: Make, emulator: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = make(cache=Dead()).get()
    assert "ConnectionError" in caplog.text
    assert token not in caplog.text


def test_a_cache_that_comes_back_and_goes_again_is_told_again(
    make: Make, cache: BaseCache, caplog: pytest.LogCaptureFixture
) -> None:
    health = {"cache": Dead()}
    provider = make()
    provider._cache = lambda: health["cache"]
    provider.get()
    health["cache"] = cache  # type: ignore[assignment]
    provider.get()
    health["cache"] = Dead()
    provider.get()
    assert len(caplog.records) == 2


def test_with_a_dead_cache_a_refused_token_is_discarded_all_the_same(
    make: Make, emulator: EmulatorServer
) -> None:
    provider = make(cache=Dead())
    first = provider.get()
    provider.invalidate(first)
    assert provider.get() == emulator.access_token != first


def test_a_cache_that_forgets_everything_does_not_fetch_for_each_call(
    make: Make, emulator: EmulatorServer
) -> None:
    """The dummy cache, or one that swallows its errors: each fetch would retire the last token."""
    provider = make(cache=DummyCache("x", {}))
    assert [provider.get() for _ in range(5)] == [emulator.access_token] * 5
    assert fetches(emulator) == 1


# --- the ticket, and refusals ---------------------------------------------------------------


@pytest.mark.parametrize("ticket", ["", "  ", None, 5])
def test_no_ticket_is_told_before_any_call(
    make: Make, emulator: EmulatorServer, ticket: Any
) -> None:
    with pytest.raises(TokenUnavailable, match="no component_verify_ticket yet") as caught:
        current_token(make(ticket=lambda: ticket))
    assert "api_start_push_ticket" in str(caught.value)
    assert fetches(emulator) == 0


def again(provider: TokenProvider) -> str:
    """As every call of ours is made: under the retry loop, on a clock that does not wait."""
    clock = Clock(now=lambda: 0.0, sleep=lambda seconds: None)
    deadline = Deadline.after(25, clock)
    return run(lambda number: current_token(provider).reveal(), max_attempts=4, deadline=deadline)


def test_an_expired_ticket_is_read_again_once_and_a_newer_one_helps(
    make: Make, emulator: EmulatorServer
) -> None:
    emulator.push_ticket("pushed-meanwhile")
    tickets = iter([TICKET, "pushed-meanwhile"])
    emulator.script({"on": "api_component_token", "do": "errcode", "errcode": 61005})
    assert again(make(ticket=lambda: next(tickets))) == emulator.access_token
    assert fetches(emulator) == 2


@pytest.mark.parametrize("errcode", [61005, 61006, 40091])
def test_a_ticket_that_stays_bad_is_read_twice_and_no_more(
    make: Make, emulator: EmulatorServer, errcode: int
) -> None:
    emulator.script(
        {"on": "api_component_token", "do": "errcode", "errcode": errcode, "times": None}
    )
    reads = []
    with pytest.raises(TokenUnavailable) as caught:
        again(make(ticket=lambda: reads.append(1) or TICKET))
    assert (len(reads), fetches(emulator), caught.value.errcode) == (2, 2, errcode)


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
    errcode: int,
    expected: type[WxStaticStoreError],
    calls: int,
) -> None:
    emulator.script(
        {"on": "api_component_token", "do": "errcode", "errcode": errcode, "times": None}
    )
    with pytest.raises(expected) as caught:
        again(make())
    assert fetches(emulator) == calls
    assert (caught.value.stage, caught.value.errcode) == ("token", errcode)


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
    make: Make, emulator: EmulatorServer, fault: dict[str, Any]
) -> None:
    emulator.script({"on": "api_component_token"} | fault)
    with pytest.raises(WxStaticStoreError) as caught:
        current_token(make())
    assert leaks(caught.value) == []
