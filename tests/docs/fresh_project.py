"""A fresh Django project, into which the blocks of a page are pasted."""

import contextlib
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.docs.blocks import DOCS, ROOT, Block, blocks

PATIENCE = 60.0  # seconds for anything that must come; nothing takes so long


def block(page: str, wanted: str) -> Block:
    """Return the block of a page, such as ``howto/tokens``, with this name or this caption."""
    found = [one for one in blocks(DOCS / f"{page}.rst") if wanted in (one.name, one.caption)]
    assert len(found) == 1, f"docs/{page}.rst has {len(found)} blocks {wanted!r}"
    return found[0]


def typed(block: Block) -> str:
    """Return what a reader types of a console block, as a script."""
    return "\n".join(command for command, _printed in block.commands)


class FreshProject:
    """What ``django-admin startproject config .`` makes in an empty folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, environment
        folder.mkdir(exist_ok=True)
        self.run("python -m django startproject config .")

    def paste(self, block: Block, into: str = "") -> None:
        """Append the block to a file, by default to that of its caption."""
        self.append(into or block.caption, block.text)

    def append(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n\n{text}" if file.tell() else text)

    def variables(self) -> dict[str, str]:
        """Return the environment of a command; ``python`` is the one that runs the tests."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        modules = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])  # in each venv, too
        own = {"PATH": path, "PYTHONPATH": modules, "PYTHONWARNINGS": "error"}
        known = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "WX_"))}
        return {**known, **own, **self.environment}

    def run(self, script: str) -> str:
        """Run the script, which must succeed, and return what it printed."""
        code, printed = self.try_to_run(script)
        assert code == 0, f"{script}\n{printed}"
        return printed

    def try_to_run(self, script: str, more: Mapping[str, str] = {}) -> tuple[int, str]:
        """Run the script by ``bash -e``; return its exit code and what it printed."""
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.folder,
            env={**self.variables(), **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Serve the project until the block ends; give its address."""
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--threads", "4"]
            command += ["--bind", f"fd://{listener.fileno()}", "config.wsgi"]
            with (self.folder / "server.txt").open("wb") as output:
                process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=self.variables(),
                    pass_fds=[listener.fileno()],
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            try:
                yield "http://{}:{}".format(*listener.getsockname())
            finally:
                process.terminate()
                process.wait(PATIENCE)
