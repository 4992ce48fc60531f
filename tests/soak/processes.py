"""Child processes: start them, send signals at the planned moment, see how they end."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .checker import Ending, Told
from .child import OPERATIONS
from .faults import Hit
from .world import ROOT, Project

LONGEST = 90.0  # seconds after which a process is ended by force
SLACK = 1.5  # seconds more than promised, for a machine that has other things to do
_TAIL = 3000  # characters of the output that a violation shows


@dataclass
class Process:
    """One child; its output goes to a file, as nobody would empty a pipe."""

    name: str
    popen: subprocess.Popen[bytes]
    output: Path
    hit: Hit | None = None
    started: float = field(default_factory=time.monotonic)
    marked: float | None = None  # when it said that from which the seconds of the hit count
    sent: list[signal.Signals] = field(default_factory=list)
    first_sent: float = 0.0
    ended: float | None = None

    def poll(self) -> bool:
        """Send what is due; return whether it still runs."""
        now = time.monotonic()
        if self.ended is None and self.popen.poll() is not None:
            self.ended = now
        if self.ended is not None:
            return False
        if self.hit:
            self._send_due(self.hit, now)
        if now - self.started > LONGEST:
            self.popen.kill()
        return True

    def _send_due(self, hit: Hit, now: float) -> None:
        if self.marked is None and f"@ {hit.mark}".encode() in self.output.read_bytes():
            self.marked = now
        if not self.sent:
            due = self.marked is not None and now - self.marked >= hit.after
        else:
            due = len(self.sent) == 1 and hit.again is not None
            due = due and now - self.first_sent >= (hit.again or 0)
        if due:
            self.first_sent = self.first_sent or now
            self.sent.append(hit.signal)
            self.popen.send_signal(hit.signal)

    def describe(self) -> str:
        """Return in some words what it did, and what was done to it."""
        lines = self.output.read_text(errors="replace").splitlines()
        kinds = [line.partition(":")[0] for line in lines]
        done = " ".join(kind for kind in kinds if kind in OPERATIONS)
        hit = f" ({self.hit})" if self.sent else ""
        return f"{self.name.partition('.')[2]} {done or '-'}{hit}"

    def told(self) -> list[Told]:
        """Return what it was told."""
        lines = self.output.read_text(errors="replace").splitlines()
        facts = [line.removeprefix("@ told ") for line in lines if line.startswith("@ told ")]
        return [Told(self.name, **json.loads(fact)) for fact in facts]

    def ending(self, promised: float, *, unharmed: float = LONGEST) -> Ending:
        """Return how it ended. It may take as long as promised after a signal, or else unharmed."""
        text = self.output.read_text(errors="replace")
        begun = [line.split()[2] for line in text.splitlines() if line.startswith("@ begins")]
        ended = [line.split()[2] for line in text.splitlines() if line.startswith("@ ends")]
        return Ending(
            name=self.name,
            code=self.popen.returncode,
            signals=tuple(number.name for number in self.sent),
            seconds=(self.ended or time.monotonic()) - (self.first_sent or self.started),
            limit=promised + SLACK if self.sent else unharmed,
            label=next((label for label in begun if label not in ended), ""),
            output=text[-_TAIL:],
        )


def start(
    project: Project, folder: Path, name: str, arguments: Sequence[str], hit: Hit | None = None
) -> Process:
    """Start Python with these arguments in a project."""
    output = folder / f"{name}.txt"
    command, environment = project.command(*arguments)
    with output.open("wb") as file:
        popen = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=_be_nice,
        )
    return Process(name, popen, output, hit)


def _be_nice() -> None:
    os.nice(5)


def wait(processes: Sequence[Process]) -> None:
    """Return when all have ended."""
    while [process for process in processes if process.poll()]:
        time.sleep(0.02)


def run(project: Project, folder: Path, name: str, *arguments: str) -> Process:
    """Run a command to its end."""
    process = start(project, folder, name, arguments)
    try:
        wait([process])
    finally:
        end([process])
    return process


def end(processes: Sequence[Process]) -> None:
    """Leave none behind, whatever interrupted the soak."""
    for process in processes:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait()
