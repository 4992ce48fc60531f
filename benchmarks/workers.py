"""
``python -m benchmarks.workers``: a rollout to many tenants, with one, two and four workers.

PostgreSQL and Redis are needed, as the environment variables of the tests name them. Each worker is
a process of Celery with the same concurrency; WeChat answers after 40 ms, COS after 25 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import django

from .measure import say

if TYPE_CHECKING:
    from tests.rollouts.worker_processes import WorkerProcesses

LINK, PUT = 0.040, 0.025  # seconds
CONCURRENCY, MAX_WORKERS = 2, 4
WORKERS = (1, 2, 4)
SITE = {f"assets/{number:02}.css": b"/* %d */" % number for number in range(49)}
SITE["index.html"] = b"<link rel=stylesheet href=assets/00.css>"


def measure(folder: Path, tenants: int, workers: int, run: int) -> tuple[float, float]:
    """Return the seconds that a rollout took, and the CPU seconds of workers and emulator."""
    from tests.rollouts.worker_processes import WorkerProcesses
    from wx_static_store.emulator import EmulatorServer

    folder /= f"{workers}-{run}"
    folder.mkdir(parents=True)
    envs = [f"tenant-{number:03}" for number in range(tenants)]
    with EmulatorServer(envs=["kept-here-only", *envs]) as cloud:
        cloud.quirks.update({"latency_api": LINK, "latency_put": PUT})
        configure(cloud.api_url, cloud.access_token, folder)
        processes = WorkerProcesses("Redis", cloud, folder)
        try:
            for number in range(workers):
                processes.start_worker(name := f"worker-{number}", CONCURRENCY)
                processes.wait_until_ready(name)
            return rolled_out(processes, envs)
        finally:
            processes.end()


@contextmanager
def database() -> Iterator[None]:
    """Set Django up for a database that is empty, and removed again."""
    os.environ.setdefault("WX_TEST_DATABASE", "postgresql")
    os.environ.setdefault("WX_TEST_DATABASE_NAME", "wx_bench")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.rollouts.project"
    empty = {"database": "wx_bench", "broker": "memory://", "transport": {}, "queue": "celery"}
    cache = {"cache": "redis://127.0.0.1:6379/7", "twice": False, "storages": {}, "options": {}}
    os.environ["WX_TEST_ROLLOUTS"] = json.dumps(empty | cache)
    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db("wx_bench", verbosity=0)


def configure(api: str, token: str, folder: Path) -> None:
    from django.conf import settings
    from django.core.cache import cache

    settings.WX_STATIC_STORE = {
        "ENV": "kept-here-only",
        "API_BASE_URL": api,
        "ACCESS_TOKEN": token,
        "RELEASE_STORAGE": "releases",
        "MAX_WORKERS": MAX_WORKERS,
    }
    settings.STORAGES = {
        "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
        "releases": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder.parent / "releases")},
        },
    }
    from django.test.signals import setting_changed

    for name in ("WX_STATIC_STORE", "STORAGES"):
        setting_changed.send(sender=None, setting=name, value=None, enter=True)
    cache.clear()


def rolled_out(workers: WorkerProcesses, envs: list[str]) -> tuple[float, float]:
    from django.core.management import call_command

    from tests.rollouts.worker_processes import connected
    from wx_static_store.deploy.records import find_deployment
    from wx_static_store.rollouts.lifecycle import Manner, start
    from wx_static_store.rollouts.models import RolloutEnvironment

    dist = workers.folder / "dist"
    for name, body in SITE.items():
        path = dist / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    label = workers.folder.name
    quiet = {"stdout": StringIO(), "verbosity": 0}
    call_command("wx_deploy", dist, using="site", label=label, yes=True, **quiet)
    release = find_deployment(label).release
    with connected(workers):
        before, began = cpu(workers), time.monotonic()
        manner = Manner(waves="100%", tolerate="100%")
        rollout = start("site", "", dict.fromkeys(envs, release), manner)
        rows = RolloutEnvironment.objects.filter(rollout=rollout)
        while rows.exclude(state="done").exists():
            if rows.filter(state="failed").exists():
                raise SystemExit(workers.printed)
            time.sleep(0.1)
        return time.monotonic() - began, cpu(workers) - before


def cpu(workers: WorkerProcesses) -> float:
    """Return the CPU seconds of this process, which has the emulator, and of all workers."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    pids = ",".join(str(worker.pid) for worker in workers.running.values())
    command = ["ps", "-o", "cputimes=", "--ppid", pids, "--pid", pids]
    words = subprocess.run(command, capture_output=True, text=True).stdout.split()  # noqa: S603
    return own.ru_utime + own.ru_stime + sum(map(float, words))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--tenants", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with database(), tempfile.TemporaryDirectory() as folder:
        times = {
            workers: [
                measure(Path(folder), args.tenants, workers, run) for run in range(args.rounds)
            ]
            for workers in WORKERS
        }
    show(times, args.tenants)


def show(times: dict[int, list[tuple[float, float]]], tenants: int) -> None:
    alone = median(wall for wall, _cpu in times[1])
    say("workers  seconds  times as fast  files/s  of the CPU")
    for workers, runs in times.items():
        wall = median(each for each, _cpu in runs)
        share = median(cpu / each for each, cpu in runs) / (os.cpu_count() or 1)
        files = tenants * len(SITE) / wall
        say(f"{workers:>7}  {wall:>7.1f}  {alone / wall:>13.2f}  {files:>7.0f}  {share:>10.0%}")


if __name__ == "__main__":
    main()
