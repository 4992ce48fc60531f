"""To what pages and style sheets refer; ``test_link_check.py`` holds how it can be written."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from wx_static_store.core.types import UploadItem
from wx_static_store.deploy.references import LARGEST, references


def item(name: str, content: str | bytes = "") -> UploadItem:
    data = content.encode() if isinstance(content, str) else content
    return UploadItem(name, open=lambda: BytesIO(data))


def of_page(content: str | bytes) -> dict[str, bool]:
    return references(item("index.html", content), "")


@pytest.mark.parametrize(
    "tag",
    [
        "<script src=x.y></script>",
        "<link rel=stylesheet href=x.y>",
        "<link rel='Preload' as=font href=x.y>",
        "<img srcset='x.y 2x'>",
        "<video poster=x.y></video>",
        "<p style='background: url(x.y)'>",
        "<style>p { background: url(x.y) }</style>",
        "<svg><use href='x.y#home'></use></svg>",
        "<link rel=icon href=x.y><img src=x.y>",
        "<img src=x.y><a href=x.y>",
    ],
)
def test_a_page_loads_what_it_is_shown_with(tag: str) -> None:
    assert of_page(tag) == {"x.y": True}


@pytest.mark.parametrize(
    "tag",
    [
        "<a href=x.y>",
        "<link rel='shortcut icon' href=x.y>",
        "<link rel=apple-touch-icon href=x.y>",
        "<link rel=manifest href=x.y>",
        "<link rel=prefetch href=x.y>",
        "<link rel=alternate href=x.y>",
        "<link href=x.y>",
    ],
)
def test_a_page_only_refers_to_what_it_is_shown_without(tag: str) -> None:
    assert of_page(tag) == {"x.y": False}


def test_a_style_sheet_loads_all_that_it_refers_to() -> None:
    css = "@import 'x.css'; p { background: url(../y.png) }"
    assert references(item("css/a.css", css), "app/") == {"app/css/x.css": True, "app/y.png": True}


# --- what is read -----------------------------------------------------------------------------


@pytest.mark.parametrize(("spare", "expected"), [(0, 1), (1, 0)])
def test_a_page_over_two_mib_is_not_read(spare: int, expected: int) -> None:
    tag = '<img src="x.png">'
    assert len(of_page(tag + " " * (LARGEST - len(tag) + spare))) == expected


def test_a_page_that_cannot_be_read_is_left_to_fail_when_it_is_sent() -> None:
    def gone() -> Any:
        raise FileNotFoundError("index.html")

    assert references(UploadItem("index.html", open=gone), "") == {}


def test_a_page_that_is_not_utf8_is_judged_by_what_can_be_read() -> None:
    page = '<img src="照片.png"><img src="x.png">'.encode("gb18030")
    assert of_page(page) == {"x.png": True}


def test_scripts_and_pictures_are_not_opened() -> None:
    opened = []

    def noted(name: str) -> UploadItem:
        return UploadItem(name, open=lambda: opened.append(name) or BytesIO(b""))  # type: ignore[func-returns-value]

    names = ("index.html", "a.htm", "a.css", "a.js", "a.png", "a.html.gz", "a.json")
    assert not any(references(noted(name), "") for name in names)
    assert opened == ["index.html", "a.htm", "a.css"]
