"""
``python -m benchmarks.drift``: one changed object among a thousand tenants of 200 files.

PostgreSQL and Redis are needed, as the environment variables of the tests name them. Eight
processes of one worker compare them with what is live; each list takes 40 ms.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import say
from .workers import configure, database

if TYPE_CHECKING:
    from wx_static_store.emulator import EmulatorServer

LIST = 0.040  # seconds
PROCESSES = 8
SITE = {f"assets/{number:03}.css": b"/* %d */" % number for number in range(200)}


def digests(body: bytes) -> tuple[str, str]:
    return hashlib.md5(body).hexdigest(), hashlib.sha256(body).hexdigest()  # noqa: S324


def publish(cloud: EmulatorServer, envs: list[str]) -> None:
    """Put the site into each environment, and record that it was deployed there."""
    from tests.rows import rebuild_folders
    from wx_static_store.core.releases import ReleaseFile, pack
    from wx_static_store.core.types import NO_HEADERS
    from wx_static_store.models import Deployment, Release, key_digest

    files = [
        ReleaseFile(name, len(body), *digests(body), NO_HEADERS) for name, body in SITE.items()
    ]
    packed = pack(files)
    release = Release.objects.create(
        digest=packed.digest, files=packed.files, count=packed.count, size=packed.size
    )
    Deployment.objects.bulk_create(
        Deployment(
            env=env, using="site", folder_digest=key_digest(""), release=release, outcome="done"
        )
        for env in envs
    )
    rebuild_folders()
    for env in envs:
        for name, body in SITE.items():
            cloud.put_object(name, body, env=env)
    cloud.put_object("assets/100.css", b"defaced", env=envs[len(envs) // 2])


def measure(folder: Path, tenants: int) -> None:
    from tests.rollouts.worker_processes import WorkerProcesses, connected
    from wx_static_store.emulator import EmulatorServer
    from wx_static_store.rollouts import drift

    envs = [f"tenant-{number:04}" for number in range(tenants)]
    with EmulatorServer(envs=["kept-here-only", *envs]) as cloud:
        publish(cloud, envs)
        configure(cloud.api_url, cloud.access_token, folder)
        cloud.quirks.update({"latency_api": LIST})
        workers = WorkerProcesses("Redis", cloud, folder)
        try:
            workers.start_worker("worker", PROCESSES)
            workers.wait_until_ready("worker")
            with connected(workers):
                began = time.monotonic()
                drift.hand_out(drift.places(), with_repair=False)
                while not (found := drift.rows().filter(differs__gt=0).first()):
                    time.sleep(0.1)
                seen = time.monotonic() - began
                while drift.rows().count() < tenants:
                    time.sleep(0.1)
                whole = time.monotonic() - began
        finally:
            workers.end()
        lists = len(cloud.calls("staticfilelist"))
    say(f"found in {found.env} after {seen:.1f} s; all {tenants} in {whole:.1f} s, {lists} lists")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--tenants", type=int, default=1000)
    args = parser.parse_args()
    with database(), tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), args.tenants)


if __name__ == "__main__":
    main()
