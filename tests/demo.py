"""The example project's demo, serving in a process of its own, for browsers and other clients."""

import json
import os
import re
import shutil
import signal
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

CODE = """
import sys, django, demo
from pathlib import Path
set_up = django.setup

def set_up_otherwise(**options):
    from django.conf import settings
    {settings}
    set_up(**options)

django.setup = set_up_otherwise
demo.VAR = Path({var!r})
demo.TABLE = demo.VAR / "uploaded.txt"
sys.argv.append("--plain")
sys.exit(demo.main())
"""
SHELL = """
import sys, json, django
django.setup()
for line in sys.stdin:
    exec(json.loads(line), {})
    print("done", flush=True)
"""
ADDRESSES = {
    "The site": "site",
    "The public": "public",
    "The emulator's": "control",
    "The front": "front",
}


class Site(NamedTuple):
    """Where the demo serves what; each address without a slash at its end."""

    site: str
    public: str
    control: str  # of the emulator
    front: str

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
def serving(settings: str, var: Path = VAR) -> Iterator[Site]:
    """
    Run the demo with a line of Python that changes its `settings`, until the block ends.

    Another one needs a `var` of its own: a demo begins by emptying its folder.
    """
    assert not var.exists(), f"{var} belongs to a demo that still runs: name another folder"
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    environment["LC_ALL"] = "C.UTF-8"  # the addresses are found by their English labels
    code = CODE.format(settings=settings, var=str(var))
    with (
        TemporaryFile("w+") as errors,  # a pipe that nobody reads would stop it
        subprocess.Popen(
            [sys.executable, "-u", "-c", code],
            cwd=EXAMPLE,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield _addresses(process, errors)
        finally:
            end_shells()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
            shutil.rmtree(var, ignore_errors=True)


def _addresses(process: "subprocess.Popen[str]", errors: Any) -> Site:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C ends it" in line:
            break
    found = dict(re.findall(r"^(The \S+).*?(http://\S+?)/?(?:\s|$)", "".join(lines), re.M))
    errors.seek(0)
    assert ADDRESSES.keys() <= found.keys(), "".join(lines) + errors.read()
    return Site(**{name: found[label] for label, name in ADDRESSES.items()})


OWN = {"DJANGO_SETTINGS_MODULE": "example.settings", "EXAMPLE_VAR": str(VAR)}


def manage(*arguments: str, **environment: str) -> str:
    """Run a command on the demo's own database; return what it prints."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=EXAMPLE,
        env=os.environ | OWN | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


_shells: dict[str, "subprocess.Popen[str]"] = {}


def shell(code: str, var: Path = VAR) -> str:
    """
    Run code on the database of a demo; return what it prints.

    One process runs it all: to start Django takes a second. It must not talk to the cloud, because
    that process keeps its token.
    """
    if str(var) not in _shells:
        _shells[str(var)] = subprocess.Popen(
            [sys.executable, "-c", SHELL],
            cwd=EXAMPLE,
            env=os.environ | OWN | {"EXAMPLE_VAR": str(var)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    process = _shells[str(var)]
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(code) + "\n")
    process.stdin.flush()
    printed = ""
    for line in process.stdout:
        if line == "done\n":
            return printed
        printed += line
    end_shells()
    raise AssertionError(f"it failed, and said why on stderr: {code}")


def end_shells() -> None:
    while _shells:
        _shells.popitem()[1].communicate(timeout=PATIENCE)
