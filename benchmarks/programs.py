"""
``python -m benchmarks.programs NAME``: what no command does by itself. Prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import django

SOCKETS: list[str] = []  # the audit events of them


def migrate() -> dict[str, Any]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return {}


def save(path: str, times: str) -> dict[str, Any]:
    """Save a file, then more under other names; print the milliseconds of one of those."""
    from django.core.files import File
    from django.core.files.storage import default_storage

    def once(prefix: str = "") -> float:
        with open(path, "rb") as file:
            started = time.perf_counter()
            default_storage.save(prefix + os.path.basename(path), File(file))
        return (time.perf_counter() - started) * 1000

    first = once()  # which opens the connections
    return {"ms": median([once(f"{number}-") for number in range(int(times))] or [first])}


def fill(root: str, objects: str) -> dict[str, Any]:
    """Write a log in which every file of the tree is stored as it is now."""
    from django.utils import timezone

    from wx_static_store.deploy.plan import hash_items
    from wx_static_store.models import UploadLog, key_digest

    uploader, items = _tree(root)
    rows, hashed, now = [], hash_items(items), timezone.now()
    Path(objects).write_text(json.dumps({item.name: [item.md5, item.size] for item in hashed}))
    for item in hashed:
        headers = uploader.headers(item)
        columns = {"env": uploader.env, "key": item.name, "name": item.name, "status": "stored"}
        rows.append(
            UploadLog(
                **columns,
                key_digest=key_digest(item.name),
                md5=item.md5 or "",
                size=item.size,
                content_type=headers.content_type,
                cache_control=headers.cache_control,
                source="benchmark",
                stored_at=now,
            )
        )
    UploadLog.objects.bulk_create(rows, batch_size=500)
    return {"rows": len(rows)}


def listing(root: str) -> dict[str, Any]:
    """Return the tree's items; import everything that a plan imports."""
    import wx_static_store.deploy.plan  # noqa: F401

    _uploader, items = _tree(root)
    return {"files": len(items)}


def hashing(root: str) -> dict[str, Any]:
    """Read and hash the files, in the plainest way."""
    paths = [os.path.join(at, name) for at, _dirs, names in os.walk(root) for name in names]
    started = time.perf_counter()
    for path in paths:
        hashlib.md5(Path(path).read_bytes(), usedforsecurity=False).hexdigest()
    return {"seconds": time.perf_counter() - started}


def plan(root: str, *how: str) -> dict[str, Any]:
    """Make the whole plan, with hashing and lists, and count its queries."""
    from django.db import connection

    from wx_static_store.deploy.plan import make_plan
    from wx_static_store.upload.workers import WorkerPool

    queries = 0

    def count(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        nonlocal queries
        queries += sql.lstrip().upper().startswith("SELECT")
        return execute(sql, *args)

    uploader, items = _tree(root, *how)
    pool = WorkerPool(uploader.options.max_workers)
    with connection.execute_wrapper(count):
        started = time.perf_counter()
        made = make_plan(uploader, items, pool=pool)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "queries": queries, "unchanged": len(made.unchanged)}


def _tree(root: str, *how: str) -> tuple[Any, Any]:
    from wx_static_store.deploy.environments import site_uploader
    from wx_static_store.deploy.tree import read_tree

    uploader = site_uploader("staticfiles", trust_log="trust_log" in how)
    return uploader, read_tree(Path(root)).items


def hashes(*argv: str) -> dict[str, Any]:
    """Count the files that a command hashes before it sends them, and how often."""
    from django.core.management import call_command

    from wx_static_store.upload import sources

    module: Any = sources
    real, hashed = module.digest, []

    def counted(file: Any, *how: Any) -> Any:
        hashed.append(file.name)
        return real(file, *how)

    module.digest = counted
    call_command(*argv)
    return {"hashes": len(hashed), "files": len({*hashed})}


def start() -> dict[str, Any]:
    """Measure what the import of the storage adds to Django's start."""
    loaded = "requests" in sys.modules
    started = time.perf_counter()
    import wx_static_store.storage  # noqa: F401

    ms = (time.perf_counter() - started) * 1000
    return {"ms": ms, "before": loaded, "requests": "requests" in sys.modules}


def check() -> dict[str, Any]:
    """Count the sockets that ``manage.py check`` makes."""
    from django.core.management import call_command

    call_command("check", verbosity=0)
    return {"sockets": SOCKETS.count("socket.__new__") + SOCKETS.count("socket.connect")}


PROGRAMS: dict[str, Callable[..., dict[str, Any]]] = {
    program.__name__: program
    for program in (migrate, save, fill, listing, hashing, plan, hashes, start, check)
}


def main() -> None:
    name, *args = sys.argv[1:]
    if name == "check":  # from the start: the hook would slow the others down
        sys.addaudithook(lambda event, args: SOCKETS.append(event) if "socket." in event else None)
    django.setup()
    sys.stdout.write(json.dumps(PROGRAMS[name](*args)) + "\n")


if __name__ == "__main__":
    main()
