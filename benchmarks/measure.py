"""One run is one process: its wall time, CPU time, largest memory, and what it asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
LONGEST = 1200.0  # seconds; a run that takes longer is ended

Key = tuple[str, str, int]  # workload, contender, workers


class RunFailed(Exception):
    """A run ended with an error, or had not stored what it should have."""


@dataclass(frozen=True)
class Sample:
    """What one run took; `printed` is the JSON that it printed, if any."""

    wall: float  # seconds
    cpu: float  # seconds of the user and of the system
    rss: int  # KiB, the largest
    files: int
    calls: dict[str, Any] = field(default_factory=dict)
    printed: dict[str, Any] = field(default_factory=dict)


class Server:
    """The server process; it ends with this process."""

    def __enter__(self) -> Server:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._in: Any = self.process.stdin
        self._out: Any = self.process.stdout
        self.ports: dict[str, str] = self._read()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self.process:
            self._in.close()

    def ask(self, **order: Any) -> dict[str, Any]:
        """Set what it names; return the counts since the last call."""
        self._in.write(json.dumps(order) + "\n")
        self._in.flush()
        return dict(self._read())

    def _read(self) -> Any:
        return json.loads(self._out.readline())


def run(argv: Sequence[str], env: Mapping[str, str], server: Server, files: int) -> Sample:
    """Start it, wait for its end, and ask the server for its counts; raise RunFailed."""
    before = server.ask()["server_cpu"]
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            argv, cwd=ROOT, env={**_environment(), **env}, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        killer = threading.Timer(LONGEST, process.kill)
        killer.daemon = True
        killer.start()
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace").strip()
    calls = server.ask()
    calls["server_cpu"] -= before
    if process.returncode:
        raise RunFailed(f"{' '.join(argv[:6])}: exit {process.returncode}\n{text[-1500:]}")
    printed = json.loads(text.splitlines()[-1]) if text.endswith("}") else {}
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, files, calls, printed)


def _environment() -> dict[str, str]:
    """Return our environment, but keep bytecode, as an installed package has it."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Book:
    """Every sample, and what went wrong; `pair` is the latency of a link call and a PUT."""

    pair: float
    samples: dict[Key, list[Sample]] = field(default_factory=dict)
    failures: dict[Key, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # that each workload took

    def interleave(self, rounds: int, runs: Mapping[Key, Callable[[], Sample]]) -> None:
        """Run all in turn, each round beginning with another; do not repeat a failed one."""
        for number in range(rounds):
            keys = list(runs)
            shift = number % len(keys)
            for key in keys[shift:] + keys[:shift]:
                if key not in self.failures:
                    self._try(key, runs[key])

    def once(self, runs: Mapping[Key, Callable[[], Sample]]) -> None:
        """Run once those that are too slow for noise to matter."""
        self.interleave(1, runs)

    def prepare(self, key: Key, work: Callable[[], Sample]) -> Sample | None:
        """Run what is not measured; None if it failed, and then nothing of this key is run."""
        try:
            return work()
        except RunFailed as error:
            self.failures[key] = str(error)
            say(f"  {' '.join(map(str, key))}: FAILED {error}")
            return None

    def _try(self, key: Key, work: Callable[[], Sample]) -> None:
        if (sample := self.prepare(key, work)) is None:
            return
        self.samples.setdefault(key, []).append(sample)
        say(f"  {key[0]} {key[1]:<18} {key[2]:>3}  {sample.wall:8.3f} s  {sample.cpu:7.3f} s CPU")

    def median(self, key: Key, what: Callable[[Sample], float]) -> float | None:
        return median(map(what, self.samples[key])) if self.samples.get(key) else None

    def ratio(
        self, key: Key, other: Key, what: Callable[[Sample], float] = lambda sample: sample.wall
    ) -> float | None:
        """Return the median of the ratios round by round; a single run counts for all rounds."""
        mine, theirs = self.samples.get(key, []), self.samples.get(other, [])
        if not mine or not theirs:
            return None
        if min(len(mine), len(theirs)) == 1:
            return median(map(what, mine)) / median(map(what, theirs))
        return median(what(a) / what(b) for a, b in zip(mine, theirs, strict=False))


def worst(values: Iterable[float | None]) -> float | None:
    """Return the largest, or None if one is missing."""
    found = list(values)
    return max(v for v in found if v is not None) if found and None not in found else None


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
