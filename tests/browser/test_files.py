"""The files of the cloud, as an editor finds them, copies addresses and makes one unpublic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site
from wx_static_store.core.types import DELETED

from .upload_page import drop


@pytest.fixture
def folder(page: Page, site: Site) -> str:
    """Return the key of a new folder, with two files that were dropped on its page."""
    name = f"media/uploads/{uuid4().hex}/"
    page.goto(f"{site.log}/files/?folder={name}")
    drop(page, ("a.txt", b"tea"), ("b.txt", b"more tea"))
    expect(page.locator("#wx-queue .wx-tick :checked")).to_have_count(2)
    page.click("#wx-upload [type=submit]")
    expect(page.locator(".wx-result.wx-stored")).to_have_count(2)
    return name


@pytest.mark.parametrize("width", [1280, 390])
def test_an_editor_copies_addresses(page: Page, site: Site, folder: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{site.log}/files/?folder=media/uploads/")
    page.locator(".wx-folders a", has_text=folder.split("/")[2]).click()
    expect(page.locator(".wx-cards tbody tr")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("All", exact=True).check()
    button = page.get_by_role("button", name="Copy their addresses")
    expect(button).to_have_attribute(
        "data-copy", f"{site.public}/{folder}a.txt\n{site.public}/{folder}b.txt"
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "b.txt" in page.evaluate("navigator.clipboard.readText()")


def test_the_actions_and_the_upload_are_in_reach_in_a_long_folder(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 1280, "height": 844})
    page.goto(f"{site.log}/files/?store=staticfiles&folder=static/admin/img/")
    actions = page.get_by_role("group", name="With the chosen files")
    expect(page.locator("#wx-choose")).to_be_in_viewport(ratio=1)
    expect(actions).to_be_in_viewport(ratio=1)
    page.locator(".wx-cards tbody tr").last.scroll_into_view_if_needed()
    expect(actions).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_two_files_their_actions_and_the_upload_fit_one_screen(
    browse: Callable[..., Any], site: Site, folder: str, language: str
) -> None:
    page = browse(locale=language, viewport={"width": 1280, "height": 640})
    page.goto(f"{site.log}/files/?folder={folder}")
    for part in (".wx-acts", ".wx-cards tbody tr:last-child", "#wx-choose"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)


def test_without_a_script_a_file_is_made_unpublic(
    browse: Callable[..., Any], site: Site, folder: str
) -> None:
    page = browse(java_script_enabled=False)
    page.goto(f"{site.log}/files/?folder={folder}")
    page.get_by_label("Choose a.txt").check()
    page.get_by_role("button", name="Make unpublic").click()
    page.get_by_role("button", name="Yes, make them unpublic").click()
    expect(page.locator(".messagelist .success")).to_contain_text("1 file is not public")
    expect(page.locator(".wx-cards tbody tr")).to_have_count(1)
    assert site.published(f"{folder}a.txt") in (DELETED, None)
    assert site.published(f"{folder}b.txt") == b"more tea"
