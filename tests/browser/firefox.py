"""
Debian's Firefox, driven by Marionette: the protocol that every Firefox speaks.

Playwright drives only a Firefox of its own make. A message is its length, a colon, a list as JSON.
"""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tests.waiting import PATIENCE, wait_for


class Firefox(NamedTuple):
    """What a person does in it. Each place is an XPath, which is waited for."""

    connection: Any
    numbers: Iterator[int]

    def send(self, command: str, **parameters: Any) -> Any:
        message = json.dumps([0, next(self.numbers), f"WebDriver:{command}", parameters]).encode()
        self.connection.write(b"%d:%b" % (len(message), message))
        self.connection.flush()
        _answer, _number, error, result = received(self.connection)
        assert error is None, f"{command} {parameters}: {error['error']}: {error['message']}"
        return result

    def open(self, address: str) -> None:
        self.send("Navigate", url=address)

    def find(self, place: str) -> str:
        (element,) = self.send("FindElement", using="xpath", value=place)["value"].values()
        return str(element)

    def click(self, place: str) -> None:
        """Click where a person would; an error says what lies over it. Wait for the next page."""
        self.send("ElementClick", id=self.find(place))

    def write(self, place: str, text: object) -> None:
        """Type into an empty field, or choose the file of this path."""
        self.send("ElementSendKeys", id=self.find(place), text=str(text))


def received(connection: Any) -> Any:
    length = b""
    while not length.endswith(b":"):
        length += connection.read(1) or sys.exit("Firefox has ended")
    return json.loads(connection.read(int(length[:-1])))


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Start it with an empty profile, until the block ends."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    assert program, "firefox-esr is required here and missing"
    (profile / "user.js").write_text('user_pref("marionette.port", 0);\n')  # any free one
    port = profile / "MarionetteActivePort"
    command = [program, "--marionette", "--headless", "--no-remote", "--profile", str(profile)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        try:
            number = wait_for(lambda: port.exists() and port.read_text(), "the port of Firefox")
            with (
                socket.create_connection(("127.0.0.1", int(number)), PATIENCE) as one,
                one.makefile("rwb") as connection,
            ):
                received(connection)  # its name
                browser = Firefox(connection, count(1))
                browser.send("NewSession")
                browser.send("SetTimeouts", implicit=20_000)
                yield browser
        finally:
            process.terminate()
