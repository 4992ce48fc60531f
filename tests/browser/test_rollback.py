"""From the list of deployments to an older release that is live again, as an operator goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site

from .pages import published

OLD = {"index.html": "<h1>Tea</h1>\n", "a.css": "a {}\n"}
NEW = {"index.html": "<h1>More tea</h1>\n"}


@pytest.fixture
def folder(demo: Site) -> str:
    """Return a folder to which two releases were deployed."""
    folder = f"{uuid4().hex}/"
    published(folder, {"v1": OLD, "v2": NEW})
    return folder


def open_old(page: Page, site: Site, folder: str) -> None:
    page.goto(f"{site.admin}/wx_static_store/deployment/")
    line = page.locator("#result_list tr", has_text=folder).filter(has_text="v1")
    line.locator("a[href*='/change/']").first.click()


def test_an_operator_compares_and_rolls_back(page: Page, site: Site, folder: str) -> None:
    open_old(page, site, folder)
    page.get_by_role("link", name="Compare").click()
    expect(page.locator(".wx-compare")).to_contain_text("index.html")
    page.locator(".wx-way a", has_text="v1").click()
    page.get_by_role("link", name="Roll back to this").click()
    expect(page.locator(".wx-counts")).to_contain_text("1 to be sent")
    page.get_by_role("button", name="Roll back now").click()
    expect(page.locator(".messagelist .success")).to_contain_text("is live again:")
    expect(page.locator(".field-outcome")).to_contain_text("live")
    assert site.published(f"{folder}index.html") == OLD["index.html"].encode()


def test_a_roll_back_needs_no_script(browse: Callable[..., Any], site: Site, folder: str) -> None:
    page = browse(java_script_enabled=False)
    open_old(page, site, folder)
    page.get_by_role("link", name="Roll back to this").click()
    page.get_by_role("button", name="Roll back now").click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert site.published(f"{folder}index.html") == OLD["index.html"].encode()


def test_who_may_only_look_is_offered_no_roll_back(
    browse: Callable[..., Any], site: Site, member: Callable[..., str], folder: str
) -> None:
    page = browse(user=member("view_deployment"))
    open_old(page, site, folder)
    expect(page.get_by_role("link", name="Compare")).to_be_visible()
    expect(page.get_by_role("link", name="Roll back to this")).to_have_count(0)
