"""A reader of a page, who pastes its blocks into files and terminals in an empty folder."""

import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.docs.blocks import Block, matches
from tests.docs.fresh_project import PATIENCE, FreshProject

# Lines that prepare a machine: tests run where that has been done.
PREPARING = re.compile(
    r"^(?:make -C |python3 -m venv |\. \.venv/bin/activate|pip install ).*\n?", re.M
)
# Opened by the session that follows it.
SHELL = "python manage.py shell -v 0"
# End only when a reader presses Ctrl-C: what a page types, and what is run.
SERVERS = {
    "python -m wx_static_store.emulator": "python -m wx_static_store.emulator --port 8900",
    "python manage.py runserver": "python manage.py runserver --noreload 8000",
}
# What was exported by one command is there for the next.
TERMINAL = '. "$READER_EXPORTED"; {command}\nexport -p >"$READER_EXPORTED"'
# Runs an interactive session that a page shows, and compares what it prints.
DOCTEST = """
import doctest
session = doctest.DocTestParser().get_doctest({session!r}, {{}}, "session", None, 0)
raise SystemExit(doctest.DocTestRunner().run(session).failed)
"""


class Reader(FreshProject):
    """Somebody who follows a page from its first block to its last, with ports that are free."""

    def __init__(self, folder: Path) -> None:
        exported, self.folder = folder / "exported", folder / "reader"
        exported.touch()
        self.folder.mkdir()
        # A reader's own code may be careless: a warning is no error.
        self.environment = {"READER_EXPORTED": str(exported), "PYTHONWARNINGS": ""}
        self.ports = _free_ports()
        self.servers: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *raised: Any) -> None:
        for command in [*self.servers]:
            self.stop(command)

    def follow(self, blocks: Sequence[Block], settings: str = "") -> None:
        """
        Do what the blocks say, and compare what they print with what the page shows.

        A block of Python without a caption belongs into the file `settings`.
        """
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if path := block.caption or settings * (block.language == "python"):
                self.write(path, block.text)
            elif block.language == "pycon":
                code = DOCTEST.format(session=self._here(block.text))
                self.type(shlex.join(["python", "manage.py", "shell", "-v0", "-c", code]), "")
            elif block.language == "console":
                for command, shown in block.commands:
                    self.type(command, shown)
            elif block.language == "shell":  # what it prints is a block of its own
                is_shown = following is not None and following.language == "text"
                self.type(block.text, following.text if is_shown else "…")

    def write(self, path: str, text: str) -> None:
        """Write a file; what a page shows of settings is pasted at their end."""
        if path.endswith("settings.py"):
            self.append(path, self._here(text))
        else:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._here(text), "utf-8")

    def type(self, command: str, shown: str) -> None:
        """Type a command, and compare what it prints with what the page shows."""
        command = PREPARING.sub("", command).strip()
        if command in SERVERS:
            self._start(command, shown)
        elif command not in ("", SHELL):
            code, printed = self.try_to_run(TERMINAL.format(command=self._here(command)))
            assert bool(code) is ("CommandError:" in shown), f"{command}\n{printed}"
            printed = self._there(printed)
            assert matches(shown, printed), f"{command}\n{printed}\nbut the page shows\n{shown}"

    def _start(self, command: str, shown: str) -> None:
        """Start a server, and wait until it has printed what the page shows."""
        self.stop(command)
        output = self.folder.with_name(f"{command.split()[-1]}.txt")  # one for each
        with output.open("wb") as file:
            self.servers[command] = server = subprocess.Popen(
                shlex.split(self._here(SERVERS[command])),
                cwd=self.folder,
                env=self.variables(),
                stdout=file,
                stderr=file,
            )
        until, printed = time.monotonic() + PATIENCE, ""
        while not (printed and matches(shown, printed)):
            assert server.poll() is None, printed
            assert time.monotonic() < until, f"{printed}\nbut the page shows\n{shown}"
            time.sleep(0.05)
            printed = self._there(output.read_text("utf-8"))

    def stop(self, command: str) -> None:
        """Press Ctrl-C in the terminal of the server, if it runs."""
        if server := self.servers.pop(command, None):
            server.terminate()
            server.wait(PATIENCE)

    def _here(self, text: str) -> str:
        """Return the text with ports that are free here, where the page has its own."""
        return re.sub(r"\b(8900|8901|8000)\b", lambda port: self.ports[port[0]], text)

    def _there(self, text: str) -> str:
        """Return the text with the ports of the page, where it has those that are free here."""
        for shown, used in self.ports.items():
            text = re.sub(rf"\b{used}\b", shown, text)
        return text


def _free_ports() -> dict[str, str]:
    """Return three free ports: the emulator's two in a row, and that of runserver."""
    for first in range(20000 + os.getpid() % 3000 * 3, 30000, 3):
        try:
            for port in range(first, first + 3):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return {"8900": str(first), "8901": str(first + 1), "8000": str(first + 2)}
    raise OSError("no three ports in a row are free")
