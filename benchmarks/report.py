"""The tables, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from .measure import Book, Key, say
from .places import LIMIT
from .targets import TARGETS, cpu, figures, share

PACKAGES = ("Django", "requests", "urllib3", "boto3", "django-storages", "collectfasta", "awscli")
QUIET = ("objects", "server_cpu", "connections", "busiest")
HEAD = ("", "contender", "workers", "wall s", "/ limit", "CPU ms/file", "MiB", "requests")


def machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "cpu": _after("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory": _after("/proc/meminfo", "MemTotal"),
        "load": os.getloadavg()[0],
        "os": _after("/etc/os-release", "PRETTY_NAME", "=").strip('"') or platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _after(path: str, name: str, separator: str = ":") -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((x.split(separator, 1)[1].strip() for x in lines if x.startswith(name)), "")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def show(book: Book, *, is_whole: bool) -> None:
    """Print the tables; of a part of the workloads, only the targets that were measured."""
    say()
    for name, value in machine().items():
        say(f"{name:<16} {value}")
    say()
    runs = [key for key, samples in sorted(book.samples.items()) if not figures(samples[0])]
    _table([HEAD, *(_row(book, key) for key in runs)] if runs else [])
    for key, why in book.failures.items():
        say(f"{' '.join(map(str, key))}: {why.splitlines()[0]}")
    for workload in sorted({key[0] for key in book.samples} - {key[0] for key in runs}):
        say()
        _table([*_side_by_side(book, workload)])
    say()
    for line in _about_the_tools(book):
        say(line)
    say()
    verdicts = [
        _verdict(book, target) for target in TARGETS if is_whole or target.value(book) is not None
    ]
    _table([("", "target", "measured", "limit", ""), *verdicts])
    say()
    say(", ".join(f"{name} {seconds:.0f} s" for name, seconds in book.seconds.items()))


def _row(book: Book, key: Key) -> Sequence[str]:
    workload, contender, workers = key
    sample = book.samples[key][0]
    asked = sum(value for name, value in sample.calls.items() if name not in QUIET)
    return (
        workload,
        contender,
        str(workers),
        _number(book.median(key, lambda it: it.wall)),
        _number(book.ratio(key, (workload, LIMIT, workers))),
        _number(book.median(key, cpu)),
        _number(book.median(key, lambda it: it.rss / 1024), 0),
        f"{asked:.0f}",
    )


def _side_by_side(book: Book, workload: str) -> Iterable[Sequence[str]]:
    """Yield a line for each figure, a column for each contender."""
    runs = [(key[1], samples) for key, samples in book.samples.items() if key[0] == workload]
    found: dict[str, dict[str, str]] = {}
    for who, samples in runs:
        for name in figures(samples[0]):
            places = zip(*(figures(sample)[name] for sample in samples), strict=True)
            text = " / ".join(_short(median(values)) for values in places)
            found.setdefault(name, {})[who] = text
    contenders = [*dict.fromkeys(who for who, _samples in runs)]
    yield f"{workload}: {runs[0][1][0].printed['units']}", *contenders
    for name, line in found.items():
        yield name, *(line.get(who, "–") for who in contenders)


def _about_the_tools(book: Book) -> Iterable[str]:
    """Say whether the server or the limit client is the bottleneck."""
    for key in sorted(book.samples):
        if key[1] == LIMIT and key[0] == "ceiling":
            rate = book.median(key, lambda it: it.printed["pairs"] / it.printed["seconds"])
            most = book.median(key, lambda it: it.files / it.calls["server_cpu"])
            yield f"server: {rate:.0f} pairs/s with one limit client, its own ceiling {most:.0f}"
        elif key[1] == LIMIT and (part := share(book, key)):
            busy = book.median(key, lambda it: it.calls["server_cpu"] / it.printed["seconds"])
            whose = f"limit client, {key[0]}, {key[2]} workers"
            yield f"{whose}: {part:.1%} of its time is N·T/C, the server was busy {busy:.0%} of it"


def _verdict(book: Book, target: Any) -> Sequence[str]:
    value, verdict = target.verdict(book)
    sign = "≥" if target.least else "≤"
    return target.number, target.text, _number(value), f"{sign} {_number(target.limit)}", verdict


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _short(value: float) -> str:
    """Return the number with the digits that count."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        say("  ".join(cells).rstrip())


def write(book: Book, path: Path, **how: Any) -> None:
    document = {
        "machine": machine(),
        "how": how,
        "seconds": book.seconds,
        "targets": [
            {
                "target": it.text,
                "limit": it.limit,
                **dict(zip(("measured", "verdict"), it.verdict(book), strict=True)),
            }
            for it in TARGETS
        ],
        "failures": [[*key, why] for key, why in book.failures.items()],
        "runs": [
            {"workload": key[0], "contender": key[1], "workers": key[2], **asdict(sample)}
            for key, samples in book.samples.items()
            for sample in samples
        ],
    }
    path.write_text(json.dumps(document, indent=1))
