"""
Show that each environment ends once, whatever is killed, doubled, restarted or broken off.

What happened is read in the emulator's journal, which neither the workers nor the rows wrote.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection

from tests.deploys import bodies, configure_releases, run, write
from tests.rollouts.conftest import counters, counts_of_rows
from tests.rollouts.worker_processes import WorkerProcesses, connected, redis
from tests.waiting import wait_for
from wx_static_store.deploy.records import find_deployment
from wx_static_store.emulator import EmulatorServer
from wx_static_store.rollouts.lifecycle import Manner, start
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not os.environ.get("WX_REQUIRE_SERVICES"),
        reason="takes a minute, on brokers of this machine: WX_REQUIRE_SERVICES=1 runs it",
    ),
]

SEED = int(os.environ.get("SEED", "1"))
ENVS, FILES, KILLS, AT_ONCE = 200, 50, 5, 6
BROKEN = [f"tenant-{number:03}" for number in (3, 8, 9, 11, 14)]
SITE = {f"assets/{number:02}.css": b"/* %d */" % number for number in range(FILES - 1)}
SITE["index.html"] = b"<link rel=stylesheet href=assets/00.css>"
PLACES = {"postgresql": "RabbitMQ", "mysql": "Redis"}


@pytest.fixture
def workers(configure: Any, emulator: EmulatorServer, tmp_path: Path) -> Iterator[WorkerProcesses]:
    assert connection.vendor in PLACES, "WX_TEST_DATABASE=postgresql or mariadb is needed here"
    broker = PLACES[connection.vendor]
    folder = tmp_path / "workers"
    folder.mkdir()
    found = WorkerProcesses(broker, emulator, folder)
    more = configure_releases(tmp_path / "releases")
    more["WX_STATIC_STORE"] |= {"MAX_WORKERS": 4}
    backend = "django.core.cache.backends.redis.RedisCache"
    configure(**more, CACHES={"default": {"BACKEND": backend, "LOCATION": found.cache}})
    with redis(found.cache) as server:
        server.flushdb()
    with connected(found):
        yield found
    found.end()
    caches["default"].close()


def begin(workers: WorkerProcesses, number: int, files: dict[str, bytes], **manner: Any) -> Rollout:
    """Start a rollout for so many tenants of a site that is kept."""
    envs = [f"tenant-{each:03}" for each in range(number)]
    for env in envs:
        workers.cloud.add_env(env)
    dist = workers.folder / "dist"
    write(dist, files)
    run(dist, "--using", "site", "--env", "tenant-b", "--label", "v1")
    release = find_deployment("v1").release
    assert release
    return start("site", "", dict.fromkeys(envs, release), Manner(**manner))


def ended(rollout: Rollout) -> bool:
    rollout.refresh_from_db()
    under_way = RolloutEnvironment.objects.filter(state__in=RolloutEnvironment.UNDER_WAY)
    return rollout.state in Rollout.CLOSED and not under_way.exists()


def wait_until_done(rollout: Rollout, number: int) -> None:
    done = rollout.environments.filter(state="done")
    wait_for(lambda: done.count() >= number, f"{number} are done")


def begun(workers: WorkerProcesses) -> dict[str, tuple[int, int]]:
    """Return the first and the last request for each tenant, by their numbers."""
    spans: dict[str, tuple[int, int]] = {}
    for entry in list(workers.cloud.journal):
        if re.fullmatch(r"tenant-\d+", entry.env):
            first, _last = spans.get(entry.env, (entry.number, 0))
            spans[entry.env] = first, entry.number
    return spans


def most_at_once(spans: dict[str, tuple[int, int]]) -> int:
    """Return how many tenants were between their first and their last request at one time."""
    begins = [(first, 1) for first, _last in spans.values()]
    steps = sorted([*begins, *((last, -1) for _first, last in spans.values())])
    return max(accumulate(step for _number, step in steps))


def test_killed_workers_and_a_restarted_broker_lose_nothing(workers: WorkerProcesses) -> None:
    workers.twice = True
    rollout = begin(workers, ENVS, SITE, waves="1,10%,100%", tolerate="10%", max_parallel=AT_ONCE)
    workers.start_beat()
    names = [f"worker-{number}" for number in range(2)]
    for name in names:
        workers.start_worker(name)
    chance, rows = random.Random(SEED), rollout.environments
    for number in range(1, KILLS + 1):
        wait_until_done(rollout, ENVS * number // (KILLS + 2))
        name = chance.choice(names)
        workers.kill(name)
        workers.start_worker(name)
        if number == 2:
            workers.restart_broker()
        if number == 4:
            workers.break_connections()
    wait_for(lambda: ended(rollout), "the rollout is over", seconds=600)
    assert Counter(rows.values_list("state", flat=True)) == {"done": ENVS}
    assert all(bodies(workers.cloud, row.env) == SITE for row in rows.all())
    # Beat compares them every two seconds, under the lock.
    assert " counted {" not in workers.printed
    assert counters(rollout) == counts_of_rows(rollout)
    assert most_at_once(begun(workers)) <= AT_ONCE
    reported = Counter(re.findall(r"(tenant-\d+): done in rollout", workers.printed))
    assert {*reported.values()} == {1}
    assert len(reported) >= ENVS - KILLS  # a worker may be killed before it prints what it wrote


def test_nobody_begins_after_one_failure_too_many(workers: WorkerProcesses) -> None:
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "times": None}
    for env in BROKEN:
        workers.cloud.add_env(env)
        workers.cloud.script(fault | {"env": env})
    files = {"index.html": SITE["index.html"], "assets/00.css": b""}
    rollout = begin(workers, 40, files, waves="100%", tolerate="3")
    for number in range(2):
        workers.start_worker(f"worker-{number}", 4)
    workers.start_beat()
    wait_for(lambda: ended(rollout), "the rollout is over", seconds=120)
    states = Counter(rollout.environments.values_list("state", flat=True))
    assert (rollout.state, states["failed"]) == ("stopped", 4)
    spans = begun(workers)
    last_failure = max(spans[env][1] for env in BROKEN if env in spans)
    assert max(first for first, _last in spans.values()) <= last_failure
    assert most_at_once(spans) <= 4
    assert len(spans) == states["failed"] + states["done"]
