"""The upload page under other themes of the admin."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from .upload_page import (
    SUBMIT,
    folder_of_one,
    memory_file,
    states,
)

LOG = "/admin/wx_static_store/uploadlog/"


@pytest.fixture(scope="module", params=["unfold", "jazzmin"])
def themed(request: pytest.FixtureRequest, chromium: Any, tmp_path_factory: Any) -> Iterator[Page]:
    """Open a page of the superuser under another theme of the admin."""
    path = tmp_path_factory.mktemp("theme") / "db.sqlite3"
    command = [sys.executable, "-m", "tests.admin.themes", request.param, str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield logged_in(chromium.new_context(), process.stdout.readline().strip())
        finally:
            process.terminate()


def logged_in(browser: Any, address: str) -> Page:
    page: Page = browser.new_page()
    page.goto(f"{address}/admin/login/?next={LOG}")
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", "demo")
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{address}{LOG}")
    return page


def test_to_choose_files_leaves_the_folder_alone_under_each_theme(
    themed: Page, tmp_path: Path
) -> None:
    """Unfold writes the name of a file into a text field that it takes to be the file's."""
    go(themed, f"{LOG}upload/")
    themed.set_input_files("[name=file]", memory_file("a.txt", b"tea"))
    assert list(states(themed)) == ["uploads/a.txt"]
    themed.set_input_files("#wx-folder-input", folder_of_one(tmp_path))
    expect(themed.locator("#wx-queue tbody tr")).to_have_count(2)
    expect(themed.locator("[name=folder]")).to_have_value("uploads/")


@pytest.mark.parametrize("part", [SUBMIT, ".wx-public"])
def test_buttons_and_the_warning_have_a_colour_under_each_theme(themed: Page, part: str) -> None:
    go(themed, f"{LOG}upload/")
    assert style(themed, part, "background-color") != style(themed, "body", "background-color")
    assert style(themed, part, "background-color") != NO_COLOUR


@pytest.mark.parametrize("part", ["[name=folder]", "[name=store]", "#wx-drop"])
def test_form_fields_have_a_border_under_each_theme(themed: Page, part: str) -> None:
    go(themed, f"{LOG}upload/")
    assert style(themed, part, "border-top-width") in {"1px", "2px"}
    assert style(themed, part, "border-top-color") != NO_COLOUR


def test_the_buttons_above_the_list_look_like_buttons_under_each_theme(themed: Page) -> None:
    go(themed, LOG)
    link = ".wx-tools a[href$='/upload/']"
    assert style(themed, link, "background-color") != NO_COLOUR
    assert style(themed, ".wx-tools", "list-style-type") == "none"


NO_COLOUR = "rgba(0, 0, 0, 0)"


def go(page: Page, path: str) -> None:
    page.goto(urljoin(page.url, path), wait_until="domcontentloaded")


def style(page: Page, selector: str, name: str) -> str:
    """Return how the browser reads all rules."""
    ask = "(element, name) => getComputedStyle(element).getPropertyValue(name)"
    return str(page.locator(selector).first.evaluate(ask, name))
