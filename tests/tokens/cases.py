"""
What may happen to a shared token, each as one run of many processes.

A token lives two hours at WeChat and is fetched once a minute at most. A run is too short for
that, so both are shortened; the interval less than the life, as its lease and its deadlines shrink
with it and a busy machine still has to keep them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.tokens.harness import FETCH, LINK, Herd, Work
from tests.waiting import wait_for
from wx_static_store.clients.component import ALONE, CALL, FRESH_SHARE, LEASE, MIN_INTERVAL, SLOWEST

SLOW_FETCH = {"on": FETCH, "do": "delay", "seconds": 0.2, "times": None}  # so that a herd gathers


@dataclass(frozen=True)
class Scale:
    """How much of it; `life` of a token, `interval` between two fetches and `outage` in seconds."""

    processes: int
    threads: int  # of each
    uploads: int  # at least, where the token expires
    expiries: int
    life: int
    interval: float
    kills: int
    outage: float


SMALL = Scale(3, 8, uploads=500, expiries=1, life=4, interval=3, kills=1, outage=2)
FULL = Scale(4, 32, uploads=20_000, expiries=5, life=15, interval=4, kills=10, outage=6)


@dataclass(frozen=True)
class Outcome:
    """One run; fetches are counted after the first, recoveries are in seconds after a kill."""

    work: Work
    uploads_wanted: int
    fetches: int
    fetches_allowed: range
    recoveries: tuple[float, ...] = ()
    recovery_allowed: float = 0.0

    @property
    def longest_recovery(self) -> float:
        return max(self.recoveries, default=0.0)


def expires(cache: str, scale: Scale) -> Outcome:
    """Each token is replaced in the last tenth of its life, while all go on with it."""
    times = {"token_seconds": scale.life, "grace_seconds": scale.life / 24}
    with Herd(cache, scale, **times) as herd:
        herd.cloud.script(SLOW_FETCH)
        herd.go()
        time.sleep((scale.expiries + 0.5) * FRESH_SHARE * scale.life)
        return _outcome(herd, exactly(scale.expiries), scale.uploads)


def refreshed_elsewhere(cache: str, scale: Scale) -> Outcome:
    """All tokens so far are refused at once: one process fetches, all others wait for it."""
    with Herd(cache, scale) as herd:
        herd.cloud.script(SLOW_FETCH)
        herd.go()
        for number in range(1, scale.expiries + 1):
            _let_pass(herd, uploads=number * scale.uploads // (scale.expiries + 1))
            herd.cloud.expire_token()
        _let_pass(herd, uploads=scale.uploads)
        return _outcome(herd, exactly(scale.expiries), scale.uploads)


def holder_killed(cache: str, scale: Scale) -> Outcome:
    """Kill the process that fetches (SIGKILL) while WeChat has its request."""
    with Herd(cache, scale) as herd:
        herd.go()
        recoveries = tuple(_kill_holder(herd) for _ in range(scale.kills))
        allowed = LEASE * max(scale.interval / MIN_INTERVAL, SLOWEST / CALL) + 2
        return _outcome(herd, exactly(scale.kills), 1, recoveries, allowed)


def cache_restarted(cache: str, scale: Scale) -> Outcome:
    """Stop the cache, refresh the token in another system, start the cache empty."""
    scale = replace(scale, interval=2)  # who fetched last waits for five of them
    alone = ALONE * scale.interval / MIN_INTERVAL
    with Herd(cache, scale, grace_seconds=alone) as herd:
        herd.go()
        _let_pass(herd)
        herd.cache.kill()
        herd.cloud.expire_token()
        time.sleep(scale.outage)
        herd.cache.start()
        _let_pass(herd)
        most = int(scale.processes * (scale.outage / alone + 1))
        return _outcome(herd, range(1, most + 1), 1)


CASES: dict[str, Callable[[str, Scale], Outcome]] = {
    "the token expires": expires,
    "another system refreshes it": refreshed_elsewhere,
    "the process that fetches is killed": holder_killed,
    "the cache restarts empty": cache_restarted,
}


def exactly(number: int) -> range:
    return range(number, number + 1)


def _outcome(
    herd: Herd,
    fetches_allowed: range,
    uploads_wanted: int,
    recoveries: tuple[float, ...] = (),
    recovery_allowed: float = 0.0,
) -> Outcome:
    work = herd.end()
    return Outcome(
        work,
        uploads_wanted,
        herd.fetches - 1,
        fetches_allowed,
        recoveries,
        recovery_allowed,
    )


def _let_pass(herd: Herd, uploads: int = 0) -> None:
    """Until the next fetch is allowed again, and there are so many uploads."""
    allowed = time.monotonic() + 1.2 * herd.size.interval
    wait_for(lambda: time.monotonic() > allowed and herd.uploads >= uploads, f"{uploads} uploads")


def _kill_holder(herd: Herd) -> float:
    """Seconds from the kill until every other process has a link by the next token."""
    _let_pass(herd)
    before = {worker: len(worker.said("fetches")) for worker in herd.workers}
    asked, answered = len(herd.asked), herd.fetches
    herd.cloud.script({"on": FETCH, "do": "hang", "seconds": 300})
    herd.cloud.expire_token()
    wait_for(lambda: len(herd.asked) > asked, "a fetch")
    (holder,) = wait_for(
        lambda: [one for one in herd.workers if len(one.said("fetches")) > before[one]],
        "the word of the process that fetches",
    )
    killed = time.monotonic()
    herd.kill(holder)
    assert holder.is_within_fetch, "it had given up before it was killed"
    wait_for(lambda: herd.fetches > answered, "the next fetch")
    since = herd.asked[-1].number
    wait_for(lambda: _have_links(herd, since) >= _names(herd), "a link for each process")
    seconds = time.monotonic() - killed
    herd.replace_the_lost()
    return seconds


def _have_links(herd: Herd, since: int) -> set[str]:
    """Name the processes that WeChat gave a link, by the start of their files' names."""
    calls = herd.cloud.journal[since:]
    return {call.key.split("/")[0] for call in calls if (call.name, call.errcode) == (LINK, 0)}


def _names(herd: Herd) -> set[str]:
    return {worker.name for worker in herd.workers}
