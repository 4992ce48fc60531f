"""
``python -m benchmarks.programs NAME``: what no command does by itself. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import django

from .databases import create, drop
from .pages import load, visit

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


def rollout(count: str) -> dict[str, Any]:
    """Measure a rollout; no other program needs Celery."""
    from .rollouts import measure

    return measure(count)


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
    for program in (
        *(migrate, save, start, check),
        *(create, load, visit, rollout, drop),
    )
}


def main() -> None:
    name, *args = sys.argv[1:]
    if name == "check":  # from the start: the hook would slow the others down
        sys.addaudithook(lambda event, args: SOCKETS.append(event) if "socket." in event else None)
    django.setup()
    sys.stdout.write(json.dumps(PROGRAMS[name](*args)) + "\n")


if __name__ == "__main__":
    main()
