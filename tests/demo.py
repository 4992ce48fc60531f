"""The example project's demo, serving in a process of its own, for browsers and other clients."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import requests

EXAMPLE = Path(__file__).parent.parent / "example_project"
# Of this run only: another one may be under way.
VAR = EXAMPLE / "var" / f"tests-{os.getpid()}"
PATIENCE = 20  # seconds

_running: dict[Path, "subprocess.Popen[str]"] = {}


class Site(NamedTuple):
    """Where the demo serves what; each address without a slash at its end."""

    site: str
    public: str
    control: str  # of the emulator

    @property
    def admin(self) -> str:
        return f"{self.site}/admin"

    @property
    def log(self) -> str:
        return f"{self.admin}/wx_static_store/uploadlog"

    def script(self, *faults: dict[str, Any]) -> None:
        """Play these faults in the emulator from now on, and no others."""
        requests.delete(f"{self.control}/faults", timeout=PATIENCE).raise_for_status()
        requests.post(f"{self.control}/faults", json=faults, timeout=PATIENCE).raise_for_status()

    def published(self, key: str) -> bytes | None:
        """Return what everybody gets at this key; None where there is nothing."""
        answer = requests.get(f"{self.public}/{key}", timeout=PATIENCE)
        return answer.content if answer.status_code == 200 else None

    def puts(self, key: str = "") -> int:
        """How often the key was sent; without one, how often anything was."""
        asked = {"name": "put_object"} | ({"key": key} if key else {})
        journal = requests.get(f"{self.control}/journal", params=asked, timeout=PATIENCE)
        return len(journal.json())

    def lists(self) -> int:
        """How often the list of the environment was asked for."""
        asked = {"name": "staticfilelist"}
        journal = requests.get(f"{self.control}/journal", params=asked, timeout=PATIENCE)
        return len(journal.json())

    def links(self, part: str) -> int:
        """How many links were asked for whose key holds this."""
        asked = {"name": "staticuploadfile"}
        journal = requests.get(f"{self.control}/journal", params=asked, timeout=PATIENCE)
        return sum(part in str(call) for call in journal.json())


@contextmanager
def serving(settings: str, build: Path, var: Path = VAR) -> Iterator[Site]:
    """
    Run the demo with a line of Python that changes its `settings`, until the block ends.

    Its data are a copy of `build`, which the first demo makes. `var` is where it keeps its own.
    """
    assert not var.exists(), f"{var} belongs to a demo that still runs: name another folder"
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "tests.demo_process", settings, str(build), str(var)]
    with (
        TemporaryFile("w+") as errors,  # a pipe that nobody reads would stop it
        subprocess.Popen(
            command,
            cwd=EXAMPLE.parent,
            env=environment | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout
        try:
            addresses = process.stdout.readline()
            errors.seek(0)
            assert addresses, errors.read()
            _running[var] = process
            yield Site(**json.loads(addresses))
        finally:
            _running.pop(var, None)
            process.communicate(timeout=PATIENCE)
            shutil.rmtree(var, ignore_errors=True)


def shell(code: str, var: Path = VAR) -> str:
    """Run code in the process of a demo; return what it prints."""
    process = _running[var]
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(code) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert not answer["error"], answer["error"]
    return str(answer["printed"])
