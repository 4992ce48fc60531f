"""
H15: whatever happens to the processes, the cache, the clock or WeChat, one token is shared.

Several providers, each of them a process, share a cache and a clock that moves when somebody
sleeps. WeChat is the emulator. What happens while it has a request is done within that call: the
process dies, or takes its time while another one comes.
"""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import examples
from wx_static_store.clients.component import (
    ALONE,
    HOPELESS,
    LEASE,
    MIN_INTERVAL,
    YOUNG,
    ComponentToken,
)
from wx_static_store.clients.transport import Transport
from wx_static_store.clients.wechat import FreshToken, WeChatClient
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, Remedy, WxStaticStoreError

FETCH = "api_component_token"
FAILURES: tuple[dict[str, Any], ...] = (
    {"do": "errcode", "errcode": -1},
    {"do": "errcode", "errcode": 40001},
    {"do": "drop_reply"},
    {"do": "html", "status": 502},
)
# What happens to a process that fetches: it dies before or after the answer, the answer takes some
# seconds, or it comes to the lock long after it looked. Most of the time nothing does.
FATES = ("", "", "dies before", "dies after", "14", f"{LEASE + 10}", "comes late")
# How a token ends: seconds that pass, and the grace that another system's fetch leaves to it.
ENDS = ((6_500, None), (7_300, None), (0, 0), (YOUNG + 10, 0))
ENDS += ((MIN_INTERVAL + 1, 0), (MIN_INTERVAL + 1, 300))
MOMENTS = (1, 5, YOUNG + 1, LEASE + 1, MIN_INTERVAL + 1, ALONE + 1)  # seconds
REST = 3  # seconds; a process leaves a cache alone for a while after it failed
PROCESSES = 3
numbers = st.integers(0, PROCESSES - 1)


class Clock:
    """The true time, which WeChat and the cache keep, and that of our host, which may be wrong."""

    def __init__(self) -> None:
        self.true, self.error = 1_700_000_000.0, 0.0

    def now(self) -> float:
        return self.true + self.error

    def sleep(self, seconds: float) -> None:
        self.true += seconds


class WatchedCache(LocMemCache):
    """Its entries age by that clock; it may be down, and it knows who touches a lock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("machine", {})
        self.clock, self.down, self.touched = clock, False, list[str]()
        self.before_lock: Callable[[], object] | None = None
        self.clear()

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> float:
        return self.clock.true + timeout

    def _has_expired(self, key: str) -> bool:
        return self._expire_info.get(key, 0) <= self.clock.true

    def validate_key(self, key: str) -> None:
        """Asked first by each method."""
        if self.down:
            raise ConnectionError("no route to the cache")

    def add(self, key: str, *args: Any, **kwargs: Any) -> bool:
        if ":lock:" in key and self.before_lock:
            before_lock, self.before_lock = self.before_lock, None
            before_lock()
        return super().add(key, *args, **kwargs)

    def set(self, key: str, *args: Any, **kwargs: Any) -> None:
        self.touched += [key] if ":lock:" in key else []
        super().set(key, *args, **kwargs)

    def delete(self, key: str, *args: Any, **kwargs: Any) -> bool:
        self.touched += [key] if ":lock:" in key else []
        return super().delete(key, *args, **kwargs)

    def token(self) -> str:
        """Return what the processes share, whether or not they can see it now."""
        key = next((key for key in self._cache if key.endswith(":token")), None)
        if key is None or self._has_expired(key):
            return ""
        return str(json.loads(pickle.loads(self._cache[key]))["token"])


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, nothing is tidied up."""


class Process:
    """A provider, its fate when it fetches next, and what it knows."""

    def __init__(self, machine: SharedToken) -> None:
        self._machine, self.fate = machine, ""
        self.fetched_at, self.token = float("-inf"), ""
        self.base_url = machine.wechat.base_url
        account, clock = machine.cloud.state.account, machine.clock
        self.provider = ComponentToken(
            self,  # type: ignore[arg-type]  # in the place of its client
            lambda: machine.cache,
            appid=account.appid,
            appsecret=Secret(account.appsecret),
            ticket=lambda: account.ticket,
            now=clock.now,
            sleep=clock.sleep,
            chance=lambda: 0.5,
        )

    def component_token(self, *args: Any, **kwargs: Any) -> FreshToken:
        fate, self.fate = self.fate, ""
        if fate == "dies before":
            raise Killed
        try:
            fresh = self._machine.wechat.component_token(*args, **kwargs)
        except WxStaticStoreError as error:
            self._machine.note_failure(error)
            raise
        self._machine.note_fetch(self, fresh.token.reveal(), stored=fate != "dies after")
        if fate == "dies after":
            raise Killed
        if fate:
            self._machine.take(self, float(fate))
        return fresh


class SharedToken(RuleBasedStateMachine):
    """
    Processes die or dawdle, tokens end, WeChat fails.

    What must hold is asserted where a token is fetched, where one is given, and at the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.cache = WatchedCache(self.clock)
        self.cloud = EmulatorServer(clock=lambda: self.clock.true, ticket_seconds=1e9)
        self.cloud.start()
        transport = Transport(connect_timeout=5, read_timeout=5, pool_size=1, loopback=True)
        self.wechat = WeChatClient(transport, self.cloud.api_url)
        self.processes = [Process(self) for _ in range(PROCESSES)]
        self.issued = {"": float("-inf")}  # in the order of WeChat
        self.clock_was_set = False
        self.forgive()

    def forgive(self) -> None:
        """Forget what the processes knew of each other or of the time."""
        self.gap = self.pause = 0.0
        self.fetched_at = self.failed_at = float("-inf")
        self.refused, self.shared = set[str](), ""

    # --- what happens -------------------------------------------------------------------------

    @rule(number=numbers, fate=st.sampled_from(FATES))
    def one_uploads(self, number: int, fate: str) -> None:
        if fate == "comes late":
            self.cache.before_lock = lambda: self.be_late(number)
        else:
            self.processes[number].fate = fate
        self.use(number)
        self.processes[number].fate, self.cache.before_lock = "", None

    @rule(end=st.sampled_from(ENDS), number=numbers)
    def the_token_ends(self, end: tuple[float, float | None], number: int) -> None:
        """And one notices."""
        seconds, grace = end
        self.clock.sleep(seconds)
        if grace is not None:
            self.cloud.state.tokens.fetch(self.clock.true, 7_200, grace)
        self.use(number)

    @precondition(lambda self: not self.clock_was_set)
    @rule(number=numbers)
    def nobody_comes_until_the_cache_forgets(self, number: int) -> None:
        self.clock.sleep(15_000)
        self.use(number)

    @rule(seconds=st.sampled_from(MOMENTS))
    def time_passes(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @rule(failure=st.sampled_from(FAILURES), times=st.integers(1, 3))
    def wechat_fails(self, failure: dict[str, Any], times: int) -> None:
        self.cloud.script({"on": FETCH, "times": times, **failure})

    @rule(number=numbers, which=st.integers(1, 5))
    def one_hears_late_of_a_refusal(self, number: int, which: int) -> None:
        """Its upload was slow: there is a newer token, which must not suffer."""
        old, token = [*self.issued][-min(which, len(self.issued))], self.get(number)
        if token and old != token and not self.is_good(old):
            self.processes[number].provider.invalidate(old)
            assert self.get(number) == token or self.age(token) > 2_800

    # --- one process --------------------------------------------------------------------------

    def get(self, number: int) -> str:
        """Return the token, or an empty string."""
        process = self.processes[number]
        try:
            process.token = process.provider.get()
        except WxStaticStoreError:
            return ""
        except Killed:
            self.processes[number] = Process(self)
            return ""
        self.check(process.token)
        return process.token

    def use(self, number: int) -> bool:
        """Use the token as an upload does; return whether WeChat took it."""
        token = self.get(number)
        if token and not self.is_good(token):
            with suppress(ConfigurationError):  # of a token that is very young
                self.processes[number].provider.invalidate(token)
            self.refused |= set() if self.cache.down else {token}
        return self.is_good(token)

    def all_share(self) -> None:
        """Let each process write what it knows to the cache: then all know the same."""
        for number in range(PROCESSES):
            self.forgive()
            self.get(number)
        self.forgive()

    def take(self, process: Process, seconds: float) -> None:
        """While it waits for the answer another process comes, who respects its lease."""
        began, gap = self.fetched_at, self.gap
        self.gap = min(gap, LEASE)
        self.clock.sleep(seconds)
        self.use((self.processes.index(process) + 1) % PROCESSES)
        if self.fetched_at == began:
            self.gap = min(self.gap, gap) and gap

    def be_late(self, number: int) -> None:
        """Let another process fetch, and its lease end, before this one tries the lock."""
        self.use((number + 1) % PROCESSES)
        self.clock.sleep(LEASE + 10)
        self.pause = min(self.pause, LEASE)  # it looks for a new token, not for news of the old
        self.refused.clear()

    # --- what must hold -----------------------------------------------------------------------

    def note_fetch(self, process: Process, token: str, *, stored: bool) -> None:
        """WeChat gave a token: was it the time for it?"""
        at = self.clock.true
        self.issued[token] = at
        if self.cache.down:
            assert at - process.fetched_at >= ALONE
        else:
            assert at - self.fetched_at >= self.gap
            assert at - self.failed_at >= self.pause
            self.gap = MIN_INTERVAL if stored else LEASE
        self.fetched_at = process.fetched_at = at

    def note_failure(self, error: WxStaticStoreError) -> None:
        """One asked in vain: nobody else asks at once."""
        at = self.clock.true
        if not self.cache.down:
            assert at - self.failed_at >= self.pause
            self.pause = HOPELESS if error.remedy is Remedy.CHANGE else 1.0
            self.failed_at = at

    def check(self, token: str) -> None:
        """Check for the newest shared token, or one in its grace; never a refused one."""
        if not self.cache.down:
            assert token not in self.refused
            assert token == self.cache.token() or self.is_good(token)
            self.check_shared()

    def is_good(self, token: str) -> bool:
        return self.cloud.state.tokens.verdict(token, self.clock.true)[0] == 0

    def age(self, token: str) -> float:
        return self.clock.true - self.issued[token]

    def check_shared(self) -> None:
        """Check that the shared token never goes back to an older one, by one clock's time."""
        if self.clock_was_set:
            return
        before, self.shared = self.shared, self.cache.token() or self.shared
        assert self.issued[self.shared] >= self.issued[before]

    @invariant()
    def the_cache_was_treated_well(self) -> None:
        assert self.cache.touched == []
        self.check_shared()

    def teardown(self) -> None:
        """Once the trouble is over, every process gets a token that WeChat takes."""
        self.cache.down = False
        self.cloud.state.script.clear()
        self.clock.sleep(REST)
        self.all_share()
        try:
            for number in range(PROCESSES):
                assert any(self.use_later(number) for _ in range(6)), "it never came back"
        finally:
            self.cloud.stop()

    def use_later(self, number: int) -> bool:
        self.clock.sleep(MIN_INTERVAL + 1)
        return self.use(number)


class TroubledToken(SharedToken):
    """The cache comes and goes as well, and the clock is set."""

    @rule()
    def the_cache_goes(self) -> None:
        self.cache.down = True
        self.forgive()

    @precondition(lambda self: self.cache.down)
    @rule(number=numbers)
    def one_is_refused_while_alone(self, number: int) -> None:
        self.the_token_ends((MIN_INTERVAL + 1, 0), number)
        self.use(number)

    @precondition(lambda self: self.cache.down)
    @rule(empty=st.booleans())
    def the_cache_comes(self, empty: bool) -> None:
        self.cache.down = False
        if empty:
            self.cache.clear()
        self.clock.sleep(REST)
        self.all_share()

    @precondition(lambda self: not self.cache.down)
    @rule()
    def the_cache_is_emptied(self) -> None:
        """One who knows the token writes it again, and no other process finds a reason to fetch."""
        token, strict = self.cache.token(), self.gap == MIN_INTERVAL and not self.clock_was_set
        knows = [n for n in range(PROCESSES) if token and self.processes[n].token == token]
        self.cache.clear()
        self.refused, self.pause = set(), 0.0
        if knows and strict:
            self.get(knows[0])
        else:
            self.all_share()

    @precondition(lambda self: not self.cache.down)
    @rule(number=numbers)
    def the_cache_stumbles(self, number: int) -> None:
        """One process meets it, just when the clock is set back; the cache is asked again soon."""
        self.cache.down = True
        self.get(number)
        self.cache.down = False
        self.clock.sleep(REST)
        self.the_clock_is_set(self.clock.error - 3_600)

    @rule(error=st.sampled_from([0, -30, 30, -3_600, 3_600]))
    def the_clock_is_set(self, error: float) -> None:
        self.clock.error, self.clock_was_set = error, True
        for process in self.processes:
            process.fetched_at = float("-inf")
        self.all_share()


@pytest.mark.parametrize("machine", [SharedToken, TroubledToken])
def test_h15_one_token_is_shared_whatever_happens(
    machine: type[SharedToken], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "wx_static_store")
    run_state_machine_as_test(machine, settings=examples(200, stateful_step_count=30))
