"""Progress: a bar on a terminal, plain lines elsewhere."""

import os
import re
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from tests.conftest import ENV
from tests.deploys import deploy, item, items
from wx_static_store.core.types import UploadItem
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


def test_the_file_that_goes_last_counts(configure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(WX_STATIC_STORE={"PROGRESS": True})
    monkeypatch.setattr(sys, "stderr", stream := StringIO())
    deploy(get_uploader(), items(a_js=b"1"), last=lambda: item("manifest.json", b"{}"))
    assert re.findall("[0-9]+/[0-9]+ files", stream.getvalue()) == ["1/1 files", "2/2 files"]


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
    assert re.fullmatch(rf"{ENV}: 2/2 files, 1\.0/2\.0 MiB, [\d.]+ MiB/s, 1 failed", last)


@pytest.fixture
def lines(configure: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`lines(files)`: what a deploy of these files prints where there is no terminal."""

    def shown(files: list[UploadItem]) -> list[str]:
        stream = StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        deploy(get_uploader(), files)
        return stream.getvalue().splitlines()

    configure(WX_STATIC_STORE={"PROGRESS": True, "MAX_WORKERS": 1})
    return shown


@pytest.mark.parametrize(("files", "expected"), [(3, 3), (30, 20), (50, 20)])
def test_there_is_a_line_for_each_twentieth_of_the_files(
    lines: Callable[..., list[str]], files: int, expected: int
) -> None:
    shown = lines([item(f"{number:02}.js", b"1") for number in range(files)])
    assert len(shown) == expected
    assert shown[-1].startswith(f"{ENV}: {files}/{files} files")


def test_the_time_left_is_shown_once_a_twentieth_of_the_bytes_was_sent(
    lines: Callable[..., list[str]],
) -> None:
    """One byte of two megabytes says nothing of the rate."""
    first, second, third = lines(
        [item("a.js", b"1"), item("b.js", b"2" * 2**20), item("c.js", b"3" * 2**20)]
    )
    assert first == f"{ENV}: 1/3 files, 0.0/2.0 MiB"
    assert re.search(r"MiB/s, \d s left$", second)
    assert third.endswith("MiB/s")


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
