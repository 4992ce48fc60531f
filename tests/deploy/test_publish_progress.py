"""Progress: a bar on a terminal, plain lines elsewhere."""

import os
import re
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from tests.conftest import ENV
from tests.deploys import deploy, items
from wx_static_store.upload.uploader import get_uploader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_a_terminal(configure: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`on_a_terminal(a_js=b"1")`: what a deploy of these files shows there."""

    def shown(**files: bytes) -> str:
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        deploy(get_uploader(), items(**files))
        return terminal.getvalue()

    configure()
    return shown


@pytest.mark.parametrize(
    ("progress", "terminal", "shown"),
    [
        (None, False, ""),
        (False, True, ""),
        (True, False, rf"({ENV}: [12]/2 files, 0\.0/0\.0 MiB, .*\n){{2}}"),
    ],
)
def test_progress_is_printed_where_it_is_wanted(
    configure: Any, monkeypatch: pytest.MonkeyPatch, progress: Any, terminal: bool, shown: str
) -> None:
    configure(WX_STATIC_STORE={"PROGRESS": progress})
    stream = Terminal() if terminal else StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    deploy(get_uploader(), items(a_js=b"1", b_js=b"2"))
    assert re.fullmatch(shown, stream.getvalue())


def test_a_line_shows_rate_time_left_and_failures(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = configure(WX_STATIC_STORE={"PROGRESS": True, "MAX_WORKERS": 1})
    cloud.script(
        {
            "on": "put_object",
            "key": "a.js",
            "do": "cos_error",
            "status": 403,
            "code": "AccessDenied",
            "times": None,
        }
    )
    stream = StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    deploy(get_uploader(), items(a_js=b"1" * 2**20, b_js=b"2" * 2**20))
    last = stream.getvalue().splitlines()[-1]
    assert re.fullmatch(
        rf"{ENV}: 2/2 files, 1\.0/2\.0 MiB, [\d.]+ MiB/s, \d+ s left, 1 failed", last
    )


def test_a_terminal_gets_a_bar_with_files_and_bytes(on_a_terminal: Callable[..., str]) -> None:
    shown = on_a_terminal(a_js=b"1" * 1024, b_js=b"2" * 1024)
    assert f"{ENV}: 2/2 files" in shown
    assert "2.00k/2.00k" in shown


def test_a_terminal_without_a_width_gets_a_bar_too(
    on_a_terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda number=1: os.terminal_size((0, 0)))
    assert "1/1 files" in on_a_terminal(a_js=b"1")


def test_a_terminal_without_tqdm_gets_plain_lines(
    on_a_terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    last = on_a_terminal(a_js=b"1", b_js=b"2").splitlines()[-1]
    assert last.startswith(f"{ENV}: 2/2 files, 0.0/0.0 MiB")
