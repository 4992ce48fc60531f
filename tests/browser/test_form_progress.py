"""A form of any admin that saves large files: what the page shows while they are published."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site

from .axe import findings
from .conftest import rows, shoot

CONTENT = b"x" * 8_000_000
SLOW = {"on": "put_object", "do": "delay", "seconds": 4}
LONG = SLOW | {"seconds": 12}  # nobody waits for its end
BAR = ".wx-form-progress"


SAVE = "[name=_continue]"
SHOWN = f"{BAR} progress[value]"
# What was shown is read when the next page is there: no tool reads a page that is being left.
RECORD = """() => {
    const shown = JSON.parse(sessionStorage.getItem("shown") ?? "[]");
    new MutationObserver(() => {
        const [bar, said] = document.querySelectorAll(".wx-form-progress > :not(input)");
        if (!bar || shown.at(-1)?.said === said.textContent) return;
        shown.push({ share: bar.position, said: said.textContent });
        sessionStorage.setItem("shown", JSON.stringify(shown));
    }).observe(document, { subtree: true, childList: true, attributes: true });
}"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a large file. Its bytes take no way through the browser's driver."""
    path = tmp_path / f"{uuid4().hex}.txt"
    path.write_bytes(CONTENT)
    return path


def opened(page: Page, site: Site, path: Path) -> str:
    """Open a document's form, and choose a new file; return its key."""
    page.goto(f"{site.admin}/documents/document/1/change/")
    page.set_input_files("[name=file]", path)
    return f"media/documents/{path.name}"


def stay(page: Page) -> None:
    """Let the answer of the form come into a frame, so that its page stays."""
    page.evaluate(
        """() => {
            const frame = Object.assign(document.createElement("iframe"), { name: "answer" });
            frame.hidden = true;
            document.body.append(frame);
            document.querySelector("#document_form").target = "answer";
        }"""
    )


def test_a_form_shows_how_much_of_its_file_is_published(page: Page, site: Site, path: Path) -> None:
    key = opened(page, site, path)
    page.evaluate(RECORD)
    site.script(SLOW)
    page.click(SAVE)
    expect(page.locator(".messagelist .success")).to_be_visible()
    first, *others = page.evaluate("() => JSON.parse(sessionStorage.getItem('shown'))")
    assert first["share"] == -1  # not known
    assert first["said"] == "Sending 7.6\xa0MB to this site, which then publishes it…"
    assert any(0 < other["share"] < 1 for other in others)
    assert all(re.fullmatch(r"Published: .+ of 7\.6\xa0MB", other["said"]) for other in others)
    expect(page.locator(BAR)).to_have_count(0)
    assert site.published(key) == CONTENT
    assert [row["status"] for row in rows(key=key)] == ["stored"]


def test_a_form_that_is_stopped_hides_its_bar(page: Page, site: Site, path: Path) -> None:
    opened(page, site, path)
    page.evaluate(RECORD)
    site.script(SLOW)
    stop = """(save) => {
        setTimeout(() => document.querySelector(save).click());
        setTimeout(() => window.stop(), 1500);
    }"""
    page.evaluate(stop, SAVE)
    page.wait_for_function("() => sessionStorage.getItem('shown')")
    expect(page.locator(BAR)).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_bar_of_a_form_fits_its_page(
    browse: Callable[..., Any], site: Site, path: Path, language: str
) -> None:
    page = browse(locale=language)
    opened(page, site, path)
    stay(page)
    site.script(LONG)
    page.click(SAVE)
    expect(page.locator(BAR)).to_be_visible()
    shoot(page, f"form-sending-{language}")
    expect(page.locator(SHOWN)).to_be_visible()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        shoot(page, f"form-progress-{language}-{width}")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert findings(page) == []
