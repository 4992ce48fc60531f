"""The list of the upload page: its files, their ticks, and what the page says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site

from .upload_page import STORED, SUBMIT, choose, folder_of_one, memory_file, opened, states

SAID, ALL = "#wx-said", "#wx-all"
BOXES = "#wx-queue tbody input[type=checkbox]"
ADDRESSES = ".wx-key, .wx-old a, .wx-result .wx-name, .wx-result .wx-url a"
# What stands between the signs that part a name, if it is on two lines.
BROKEN = """(selector) => {
    const found = [];
    for (const element of document.querySelectorAll(selector)) {
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            for (const word of walker.currentNode.data.matchAll(/[^\\/_.%-]+/g)) {
                const range = new Range();
                range.setStart(walker.currentNode, word.index);
                range.setEnd(walker.currentNode, word.index + word[0].length);
                if (range.getClientRects().length > 1) found.push(word[0]);
            }
        }
    }
    return found;
}"""


@pytest.fixture
def public(upload: Page, site: Site, folder: str) -> Page:
    """Publish two files, and leave the page open at their folder."""
    choose(upload, folder, ("a.txt", b"old"), ("same.txt", b"same"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(2)
    return upload


def test_the_result_counts_a_file_of_a_taken_name_as_skipped(public: Page, folder: str) -> None:
    names = ("a.txt", "b.txt", "c.txt", "d.txt")
    choose(public, folder, *((name, b"new!") for name in names))
    states(public)
    public.click(SUBMIT)
    expect(public.locator(SAID)).to_have_text("Public now 3, skipped 1, not uploaded 0.")


def test_the_result_counts_the_same_bytes_as_skipped(public: Page, folder: str) -> None:
    choose(public, folder, ("same.txt", b"same"), ("b.txt", b"tea"))
    states(public)
    public.click(SUBMIT)
    expect(public.locator(SAID)).to_have_text("Public now 1, skipped 1, not uploaded 0.")


def test_the_result_counts_a_file_without_a_tick_as_skipped(upload: Page, folder: str) -> None:
    choose(upload, folder, ("a.txt", b"tea"), ("b.txt", b"tea"))
    states(upload)
    upload.get_by_label("b.txt").first.uncheck()
    upload.click(SUBMIT)
    expect(upload.locator(SAID)).to_have_text("Public now 1, skipped 1, not uploaded 0.")


def test_the_result_counts_a_refused_name_as_not_uploaded(upload: Page, folder: str) -> None:
    choose(upload, folder, ("a.txt", b"tea"), ("bad?.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(SAID)).to_have_text("Public now 1, skipped 0, not uploaded 1.")


@pytest.mark.parametrize(
    ("ticks", "box"),
    [((), (False, False)), (("b.txt",), (False, True)), (("b.txt", "c.txt"), (True, False))],
)
def test_the_box_in_the_head_is_ticked_only_if_each_row_is(
    upload: Page, folder: str, ticks: tuple[str, ...], box: tuple[bool, bool]
) -> None:
    choose(upload, folder, ("b.txt", b"tea"), ("c.txt", b"tea"))
    states(upload)
    for name in {"b.txt", "c.txt"}.difference(ticks):
        upload.get_by_label(name).first.uncheck()
    assert head(upload) == box


def test_the_box_in_the_head_is_mixed_beside_a_row_that_cannot_be_ticked(
    public: Page, folder: str
) -> None:
    choose(public, folder, ("a.txt", b"new!"), ("b.txt", b"tea"))
    states(public)
    assert head(public) == (False, True)


def test_the_box_in_the_head_is_ticked_while_all_files_are_sent(
    upload: Page, site: Site, folder: str
) -> None:
    site.script({"on": "staticuploadfile", "do": "delay", "seconds": 2})
    choose(upload, folder, ("b.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-cancel")).to_be_visible()
    assert head(upload) == (True, False)


def test_a_file_without_a_tick_stays_so_when_the_folder_changes(upload: Page, folder: str) -> None:
    choose(upload, folder, ("b.txt", b"tea"), ("c.txt", b"tea"))
    states(upload)
    upload.get_by_label("b.txt").first.uncheck()
    upload.fill("[name=folder]", f"{folder}other/")
    upload.locator("[name=folder]").blur()
    expect(upload.locator("#wx-queue")).to_contain_text("other/b.txt")
    states(upload)
    expect(upload.get_by_label("b.txt").first).not_to_be_checked()
    expect(upload.get_by_label("c.txt").first).to_be_checked()


def test_a_click_on_the_mixed_box_takes_the_ticks_away_where_no_more_can_be_set(
    public: Page, folder: str
) -> None:
    choose(public, folder, ("a.txt", b"new!"), ("b.txt", b"tea"))
    states(public)
    public.click(ALL)
    expect(public.locator(f"{BOXES}:checked")).to_have_count(0)
    public.click(ALL)
    expect(public.locator(f"{BOXES}:checked")).to_have_count(1)


def head(page: Page) -> tuple[bool, bool]:
    """Return whether the box in the head is ticked, and whether it is mixed."""
    checked, mixed = page.locator(ALL).evaluate("(box) => [box.checked, box.indeterminate]")
    return checked, mixed


def test_a_row_that_cannot_be_ticked_says_why(public: Page, folder: str) -> None:
    choose(public, folder, ("a.txt", b"new!"), ("same.txt", b"same"), ("bad?.txt", b"tea"))
    states(public)
    assert reasons(public) == [
        "Skipped: the public file stays.",
        "Skipped: there is nothing to send.",
        "The name has the character ?, which does not survive in every address.",
    ]


def test_a_row_says_nothing_of_skipping_once_it_is_to_be_replaced(
    public: Page, folder: str
) -> None:
    choose(public, folder, ("a.txt", b"new!"))
    states(public)
    public.get_by_label("What to do with").select_option("replace")
    expect(public.locator("#wx-queue")).not_to_contain_text("Skipped")
    expect(public.locator(BOXES)).to_have_attribute("title", "")


def test_a_row_that_waits_or_is_sent_says_so(upload: Page, site: Site, folder: str) -> None:
    site.script({"on": "put_object", "do": "delay", "seconds": 3, "times": None})
    choose(upload, folder, *((f"{number}.txt", b"tea") for number in range(4)))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-queue tbody tr", has_text="publishing…")).to_have_count(3)
    assert reasons(upload) == ["publishing…"] * 3 + ["waiting"]


def reasons(page: Page) -> list[str]:
    """Return the titles of the boxes that are grey; each of them is to be read in its row, too."""
    found = []
    for row in page.locator("#wx-queue tbody tr").all():
        title = row.locator("input[disabled]").get_attribute("title") or ""
        expect(row).to_contain_text(title)
        found.append(title)
    return found


@pytest.mark.parametrize(
    ("button", "is_multiple"), [("Choose files", True), ("or a folder", False)]
)
def test_one_control_opens_the_dialog_for_files_and_for_a_folder(
    upload: Page, button: str, is_multiple: bool
) -> None:
    control = upload.get_by_role("group", name="Files")
    expect(control.get_by_role("button")).to_have_count(2)
    expect(upload.locator("input[type=file]:visible")).to_have_count(0)
    with upload.expect_file_chooser() as chooser:
        control.get_by_role("button", name=button).press("Enter")
    folder = chooser.value.element.evaluate("(field) => field.webkitdirectory")
    assert folder is not is_multiple


def test_files_of_the_dialog_come_into_the_list(upload: Page, folder: str, tmp_path: Path) -> None:
    upload.fill("[name=folder]", folder)
    for button, chosen in [
        ("Choose files", memory_file("a.txt", b"tea")),
        ("or a folder", folder_of_one(tmp_path)),
    ]:
        with upload.expect_file_chooser() as chooser:
            upload.get_by_role("button", name=button).click()
        chooser.value.set_files(chosen)
    expect(upload.locator("#wx-queue tbody tr")).to_have_count(2)
    assert list(states(upload)) == [f"media/{folder}a.txt", f"media/{folder}teas/black/a.txt"]


def test_the_focus_goes_to_choose_files_when_the_list_is_cleared(upload: Page, folder: str) -> None:
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.get_by_role("button", name="Clear the list").click()
    expect(upload.get_by_role("button", name="Choose files")).to_be_focused()


def test_without_a_script_the_plain_field_is_the_control(
    browse: Callable[..., Any], site: Site
) -> None:
    page = opened(browse(java_script_enabled=False), site)
    expect(page.get_by_role("button", name="Files", exact=True)).to_be_visible()
    expect(page.locator("input[type=file]:visible")).to_have_count(1)
    expect(page.get_by_role("button", name="or a folder")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_names_break_between_words_only(upload: Page, width: int) -> None:
    """Also beside what is public there, which takes the most room."""
    folder = f"uploads/{uuid4().hex[:8]}/spring-catalogue/tea-houses-of-hangzhou/"
    names = ("IMG_20261130_104512.txt", "price-list.2026-11.txt", "龙井绿茶-春季.txt")
    upload.set_viewport_size({"width": width, "height": 900})
    choose(upload, folder, *((name, b"tea") for name in names))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(".wx-result, #wx-queue tbody tr")).to_have_count(len(names))
    choose(upload, folder, *((name, b"more tea") for name in names))
    states(upload)
    assert upload.evaluate(BROKEN, ADDRESSES) == []
