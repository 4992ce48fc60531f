"""The lines of a text file that differ between two releases, from the kept bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import configure_releases, item
from wx_static_store.core.naming import content_type
from wx_static_store.core.releases import ReleaseFile
from wx_static_store.core.types import ContentHeaders
from wx_static_store.deploy import text_diff
from wx_static_store.deploy.text_diff import Line, is_comparable, text_difference
from wx_static_store.exceptions import SourceError
from wx_static_store.upload.release_storage import store
from wx_static_store.upload.sources import fingerprint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(configure: Any, tmp_path: Path) -> Path:
    configure(**configure_releases(tmp_path / "releases"))
    return tmp_path / "releases"


def file(body: bytes, name: str = "a.txt", *, size: int | None = None) -> ReleaseFile:
    """Return a file whose bytes are kept."""
    store(fingerprint(item(name, body)))
    sha256 = hashlib.sha256(body).hexdigest()
    headers = ContentHeaders(content_type(name), "no-cache")
    return ReleaseFile(name, len(body) if size is None else size, "a" * 32, sha256, headers)


def shown(before: bytes | None, after: bytes | None) -> list[tuple[str, str]]:
    sides = [None if body is None else file(body) for body in (before, after)]
    return [tuple(line) for line in text_difference(*sides).lines]  # type: ignore[misc]


def test_a_changed_line_is_shown_between_its_neighbours() -> None:
    assert shown(b"1\n2\n3\n", b"1\ntwo\n3\n") == [
        ("place", "@@ -1,3 +1,3 @@"),
        ("same", "1"),
        ("removed", "2"),
        ("added", "two"),
        ("same", "3"),
    ]


def test_a_file_that_one_side_lacks_is_shown_whole() -> None:
    assert (
        shown(None, b"1\n2")[1:] == shown(None, b"1\n2\n")[1:] == [("added", "1"), ("added", "2")]
    )
    assert shown(b"1\n2\n", None)[1:] == [("removed", "1"), ("removed", "2")]


def test_equal_files_have_no_line() -> None:
    assert shown(b"1\n", b"1\n") == []


def test_a_last_line_without_an_end_differs_from_one_with_it() -> None:
    assert ("added", "") in shown(b"1", b"1\n")


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    lines = shown(None, "a\tb\r\nc\u202ed\x1b[0m\n".encode())
    assert lines[1:] == [("added", "a   b\\r"), ("added", "c\\u202ed\\x1b[0m")]


def test_a_line_that_begins_like_a_difference_is_no_difference() -> None:
    assert shown(b"--- a\n", b"+++ b\n")[1:] == [("removed", "--- a"), ("added", "+++ b")]


def test_a_long_line_is_cut() -> None:
    (line,) = text_difference(None, file(b"x" * 1000)).lines[1:]
    assert line == Line("added", "x" * 500 + "…")


def test_a_long_difference_ends_with_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_diff, "SHOWN", 3)
    difference = text_difference(None, file(b"1\n2\n3\n4\n"))
    assert (len(difference.lines), difference.more) == (3, True)


@pytest.mark.parametrize(
    ("name", "size", "fits"),
    [
        ("a.html", 200 * 1024, True),
        ("a.html", 200 * 1024 + 1, False),
        ("a.json", 1, True),
        ("a.svg", 1, True),
        ("a.png", 1, False),
    ],
)
def test_small_text_files_are_comparable(name: str, size: int, *, fits: bool) -> None:
    assert is_comparable(file(b"", name, size=size), None) is fits


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        (b"\xff\xfe", "a.txt", "is no text"),
        (b"x", "a.png", "is no small text file"),
        (b"\n" * 10_001, "a.txt", "has more than 10000 lines"),
    ],
)
def test_what_cannot_be_compared_is_said(body: bytes, name: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        text_difference(None, file(body, name))


def test_bytes_that_are_gone_are_said(storage: Path) -> None:
    gone = file(b"x")
    for path in storage.rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(SourceError):
        text_difference(None, gone)
