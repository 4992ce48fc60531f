"""The command in a process of its own, and what it printed."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "wx_static_store.emulator"]


@contextmanager
def running(
    *options: str, cwd: Path = ROOT, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run the command until the block ends; give what it printed until `ready`."""
    process = subprocess.Popen(
        [*COMMAND, *options],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process, list(_until_ready(process))
        finally:
            process.terminate()


def _until_ready(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout
    assert process.stderr
    for line in process.stdout:
        if line == "ready\n":
            return
        yield line.rstrip("\n")
    raise AssertionError(process.stderr.read())


def exchange(method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Make one request with the standard library."""
    parts = urlsplit(url)
    made = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    with closing(made) as connection:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def setting(lines: list[str], name: str) -> str:
    """Return the value of one of the lines printed at the start, or of a setting among them."""
    found = re.search(rf'^(?:{name} {{2,}}|    "{name}": ")(.*?)(?:",)?$', "\n".join(lines), re.M)
    assert found, lines
    return found[1]
