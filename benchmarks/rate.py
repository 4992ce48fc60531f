"""
``python -m benchmarks.rate``: a hundred calls a second, of four processes together.

Redis is needed (``--redis``). ``limits`` is measured, too, where it is installed. Each process has
eight threads; a call takes 40 ms. A take alone is measured at a rate that never makes it wait.
"""

from __future__ import annotations

import argparse
import itertools
import time
from bisect import bisect
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from statistics import median
from threading import Lock
from uuid import uuid4

from django.conf import settings

from .measure import say

PROCESSES, THREADS = 4, 8
CALL = 0.040  # seconds
RATE, SECONDS = 100.0, 10.0

Wait = Callable[[], None]


def turns(redis: str, rate: float, run: str) -> Wait:
    """Wait as API_RATE does: a numbered turn in the window of a second."""
    from wx_static_store.conf.options import Options
    from wx_static_store.upload.limiters import Rate
    from wx_static_store.upload.platform import platform_notes

    shared = platform_notes(Options(component_appid=run))
    given = Rate(rate, shared, shared)
    return lambda: time.sleep(given.turn(60.0))


def library(strategy: str, redis: str, rate: float, run: str) -> Wait:
    """Ask a strategy of ``limits`` until it allows a call; it says when to ask again."""
    from limits import RateLimitItemPerSecond, storage, strategies

    limiter = getattr(strategies, strategy)(storage.storage_from_string(redis))
    item = RateLimitItemPerSecond(int(rate))

    def wait() -> None:
        while not limiter.hit(item, run):
            time.sleep(max(0.001, limiter.get_window_stats(item, run).reset_time - time.time()))

    return wait


MEANS: dict[str, Callable[[str, float, str], Wait]] = {"API_RATE": turns}
if find_spec("limits"):
    for name in ("FixedWindow", "SlidingWindowCounter", "MovingWindow"):
        MEANS[f"limits {name}"] = partial(library, f"{name}RateLimiter")


def calls(redis: str, name: str, run: str, begins: float) -> tuple[list[float], float]:
    """Return when this process called, and its CPU seconds."""
    configure(redis)
    MEANS[name](redis, RATE, uuid4().hex)()  # which loads and connects
    wait, made, lock = MEANS[name](redis, RATE, run), list[float](), Lock()
    time.sleep(max(0.0, begins - time.time()))
    cpu = time.process_time()

    def thread(_number: int) -> None:
        while time.time() < begins + SECONDS:
            wait()
            with lock:
                made.append(time.time())
            time.sleep(CALL)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(thread, range(THREADS)))
    return made, time.process_time() - cpu


def microseconds(redis: str, name: str, takes: int = 2000) -> float:
    """Return the median time of a take that need not wait."""
    configure(redis)
    wait, times = MEANS[name](redis, 10_000_000.0, uuid4().hex), []
    for _ in range(takes):
        started = time.perf_counter()
        wait()
        times.append(time.perf_counter() - started)
    return median(times) * 1e6


def configure(redis: str) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    if not settings.configured:
        settings.configure(CACHES={"default": {"BACKEND": backend, "LOCATION": redis}})


def most_within(seconds: float, times: list[float]) -> int:
    """Return the largest number of calls that any span of so many seconds holds."""
    return max(bisect(times, begin + seconds) - place for place, begin in enumerate(times))


def measure(redis: str, name: str) -> str:
    run = uuid4().hex
    begins = int(time.time()) + 6.5  # when all have started, in the middle of a second
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        work = [pool.submit(calls, redis, name, run, begins) for _ in range(PROCESSES)]
        done = [each.result() for each in work]
        take = pool.submit(microseconds, redis, name).result()
    made = sorted(t for times, _cpu in done for t in times if t < begins + SECONDS)
    cpu = sum(cpu for _times, cpu in done) * 1000 / len(made)
    return (
        f"{name:<27} {len(made) / SECONDS:>9.1f} {most_within(1.0, made):>12} "
        f"{most_within(0.1, made):>12} {take:>9.0f} {cpu:>12.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rate", description=__doc__)
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    say("                              calls/s  most in 1 s     in 0.1 s        µs  CPU ms/call")
    for _round, name in itertools.product(range(args.rounds), MEANS):
        say(measure(args.redis, name))


if __name__ == "__main__":
    main()
