"""The log on a desk and on a phone, and what still fails, as an editor mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site

from .conftest import rows
from .pages import BUSY, file, media_store

WIDTHS = {"desk": {"width": 1280, "height": 844}, "phone": {"width": 390, "height": 844}}


def upload_fails(page: Page, site: Site) -> str:
    """Send a file whose upload fails; return its folder."""
    folder = f"uploads/{uuid4().hex}/"
    page.goto(f"{site.log}/upload/")
    page.select_option("[name=store]", value=media_store(page))
    page.fill("[name=folder]", folder)
    page.set_input_files("[name=file]", [file("tea.txt", b"tea")])
    expect(page.locator("#wx-queue .wx-tick :checked")).to_have_count(1)
    site.script(BUSY)
    page.click("#wx-upload [type=submit]")
    expect(page.locator(".wx-result.wx-failed")).to_have_count(1)
    site.script()
    return folder


@pytest.mark.parametrize("width", WIDTHS)
def test_a_file_is_found_mended_and_fails_no_more(
    browse: Callable[..., Any], site: Site, width: str
) -> None:
    page = browse(viewport=WIDTHS[width])
    folder = upload_fails(page, site)
    key = f"media/{folder}tea.txt"
    page.goto(f"{site.log}/?q={folder[20:40]}")
    line = page.locator("#result_list tbody tr")
    expect(line).to_have_count(1)
    for part in ("status", "file", "errcode", "ended"):
        expect(line.locator(f".field-{part}")).to_be_in_viewport(ratio=1)
    expect(page.locator("#changelist-filter")).to_be_visible(visible=width == "desk")
    if width == "phone":
        page.get_by_role("link", name="Filters").click()
        expect(page.locator("#changelist-filter")).to_be_visible()

    page.goto(f"{site.log}/failing/")
    card = page.locator(".wx-files li", has_text=key)
    card.get_by_role("link", name="Choose the file again").click()
    expect(page.locator("[name=folder]")).to_have_value(folder)
    page.set_input_files("[name=file]", [file("tea.txt", b"tea")])
    expect(page.locator("#wx-queue .wx-tick :checked")).to_have_count(1)
    page.click("#wx-upload [type=submit]")
    expect(page.locator(".wx-result.wx-stored")).to_have_count(1)
    page.goto(f"{site.log}/failing/")
    expect(page.locator("#content")).not_to_contain_text(key)
    assert [row["status"] for row in rows(key=key)] == ["stored", "failed"]
    assert site.published(key) == b"tea"


def test_the_log_breaks_no_word(page: Page, site: Site) -> None:
    page.set_viewport_size(WIDTHS["desk"])
    upload_fails(page, site)
    page.goto(f"{site.log}/?status=failed")
    cause = page.locator("#result_list .field-errcode small").first
    expect(cause).to_have_text("The quota of the day is used up")
    assert cause.bounding_box()["height"] < 40  # two lines  # type: ignore[index]


def test_the_address_of_a_file_has_a_sign_of_its_own(page: Page, site: Site) -> None:
    page.goto(f"{site.log}/?status=stored")
    cell = page.locator("#result_list .field-file").first
    to_row, to_file = cell.get_by_role("link").all()
    assert "/uploadlog/" in str(to_row.get_attribute("href"))
    assert str(to_file.get_attribute("href")).startswith(site.public)
    expect(to_file).to_have_text("↗Open the file")
    line = page.locator("#result_list .wx-badge").first
    assert line.evaluate("badge => badge.parentElement.tagName") == "A"
    assert line.evaluate("badge => getComputedStyle(badge).textDecorationLine") == "underline"


def test_what_is_dismissed_without_a_script_stays_in_the_log(
    browse: Callable[..., Any], page: Page, site: Site
) -> None:
    key = f"media/{upload_fails(page, site)}tea.txt"
    plain = browse(java_script_enabled=False)
    plain.goto(f"{site.log}/failing/")
    card = plain.locator(".wx-files li", has_text=key)
    card.get_by_role("button", name="Dismiss").click()
    expect(plain.locator(".messagelist .success")).to_contain_text("1 file is dismissed.")
    expect(plain.locator("form.wx-failing")).not_to_contain_text(key)
    assert [row["status"] for row in rows(key=key)] == ["failed"]
