"""
A process that has imported everything and forks for each command: ``python -m tests.soak.forks``.

So a command begins in milliseconds. A line of its input holds the arguments and the file for the
output; its own lines are the id of the child, and how that ended, as a shell numbers it. An empty
line then lets the child go: before that no other process can have its id.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Self

from .world import ROOT, Project

LAST_PUT = 0.2  # seconds in which what a killed process had sent arrives: here nothing is far
MOMENT = 0.001  # seconds between two looks whether a child is to be killed


class Forks:
    """The process from outside."""

    def __init__(self, project: Project, output: Path) -> None:
        command, environment = project.command("-m", "tests.soak.forks")
        pipe = subprocess.PIPE
        self._output = output
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, bufsize=0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:  # closes its input, so that it ends
            process.communicate()

    def warm(self, *arguments: str) -> None:
        """Let it run a command itself, so that nothing is left to be imported."""
        self._write(["warm", *arguments])
        assert self._read() == 0

    def run(self, *arguments: str, until: Callable[[], bool] = lambda: False) -> int:
        """Run a command in a child, and kill it when `until` says so; return how it ended."""
        self._write(arguments)
        pid, killed = self._read(), False
        while not self._has_ended():
            if not killed and until():
                os.kill(pid, signal.SIGKILL)
                killed = True
        code = self._read()
        self._write()
        return code

    def _has_ended(self) -> bool:
        return bool(select.select([self._process.stdout], [], [], MOMENT)[0])

    def _write(self, arguments: object = None) -> None:
        assert self._process.stdin
        line = json.dumps([arguments, str(self._output)]) if arguments else ""
        self._process.stdin.write(f"{line}\n".encode())

    def _read(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


def main() -> None:
    """Obey until the input ends."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    import_module("wx_static_store.deploy.locks").LAST_PUT = LAST_PUT
    call_command("migrate", verbosity=0)
    for line in sys.stdin:
        arguments, output = json.loads(line)
        if arguments[0] == "warm":
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
                call_command(*arguments[1:])
            _say(0)
            continue
        connections.close_all()
        assert threading.active_count() == 1, "a fork takes no other thread along"
        pid = os.fork()
        if not pid:
            _run(arguments, output)
        _say(pid)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended
        _say(ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status)
        sys.stdin.readline()
        os.waitpid(pid, 0)


def _run(arguments: list[str], output: str) -> None:
    """Run a command and leave; what it prints goes to the end of a file."""
    from django.core.management import CommandError, call_command

    with open(output, "ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    code = 0
    try:
        sys.stdout.write(f"$ {' '.join(arguments)}\n")
        call_command(*arguments)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        code = error.returncode
    except BaseException:  # noqa: BLE001 -- a child must not return into the loop of its parent
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    os._exit(code)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
