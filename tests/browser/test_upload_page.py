"""The upload page in a real browser; each upload is read back at the public site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site

from .conftest import log_in, rows, shoot
from .upload_page import (
    FAILED,
    PNG,
    STORED,
    SUBMIT,
    choose,
    drop,
    folder_of_one,
    opened,
    states,
)


def test_the_button_leads_to_the_page(page: Page, site: Site) -> None:
    page.goto(f"{site.log}/")
    page.get_by_role("link", name="Upload files").click()
    expect(page.get_by_role("heading", name="Upload files")).to_be_visible()


def test_chosen_files_are_published(upload: Page, site: Site, folder: str) -> None:
    choose(upload, folder, ("a.txt", b"tea"), ("empty.txt", b""), ("dot.png", PNG))
    assert list(states(upload).values()) == ["new", "ask", "new"]
    upload.get_by_label("empty.txt").first.check()
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(3)
    found = [site.published(f"media/{folder}{name}") for name in ("a.txt", "empty.txt", "dot.png")]
    assert found == [b"tea", b"", PNG]


def test_nothing_is_sent_before_the_button_is_pressed(
    upload: Page, site: Site, folder: str
) -> None:
    choose(upload, folder, ("a.txt", b"tea"))
    assert states(upload) == {f"media/{folder}a.txt": "new"}
    assert site.published(f"media/{folder}a.txt") is None


def test_an_upload_leaves_its_row(upload: Page, site: Site, folder: str) -> None:
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    upload.locator(STORED).get_by_role("link", name="Row in the log").click()
    expect(upload.locator("#content")).to_contain_text(f"media/{folder}a.txt")
    [row] = rows(key=f"media/{folder}a.txt")
    assert (row["status"], row["source"], row["size"]) == ("stored", "admin", 3)


def test_dropped_files_are_published(upload: Page, site: Site, folder: str) -> None:
    upload.fill("[name=folder]", folder)
    drop(upload, ("a.txt", b"tea"), ("b.txt", b"more tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(2)
    assert site.published(f"media/{folder}a.txt") == b"tea"
    assert site.published(f"media/{folder}b.txt") == b"more tea"


def test_a_dropped_folder_keeps_its_paths(
    upload: Page, site: Site, folder: str, tmp_path: Path
) -> None:
    """By the browser's own protocol: a script cannot make a folder fall."""
    teas = tmp_path / "teas"
    for number in range(120):  # a folder is read a hundred entries at a time
        path = teas / "green" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"tea {number}")
    upload.fill("[name=folder]", folder)
    drop_from_disk(upload, teas)
    keys = {f"media/{folder}teas/green/{number}.txt" for number in range(120)}
    assert states(upload).keys() == keys
    upload.get_by_label("Upload all files").uncheck()
    upload.get_by_label("119.txt").first.check()
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}teas/green/119.txt") == b"tea 119"


def drop_from_disk(page: Page, *paths: Path) -> None:
    page.locator("#wx-drop").scroll_into_view_if_needed()
    box = page.locator("#wx-drop").bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + 20, "y": box["y"] + 20}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})


def test_a_chosen_folder_keeps_its_paths(
    upload: Page, site: Site, folder: str, tmp_path: Path
) -> None:
    upload.fill("[name=folder]", folder)
    upload.set_input_files("#wx-folder-input", folder_of_one(tmp_path))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}teas/black/a.txt") == b"tea"


def test_progress_is_shown_and_the_page_is_guarded(upload: Page, site: Site, folder: str) -> None:
    site.script({"on": "put_object", "do": "delay", "seconds": 1})
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-total")).to_be_visible()
    expect(upload.locator("#wx-queue tbody progress")).to_be_visible()
    expect(upload.locator("#wx-total")).to_have_js_property("value", 1.5)  # of two legs, one
    guarded = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert upload.evaluate(guarded) is True
    expect(upload.locator(STORED)).to_have_count(1)
    assert upload.evaluate(guarded) is False
    expect(upload.locator("#wx-total")).to_have_js_property("value", 3)
    assert site.published(f"media/{folder}a.txt") == b"tea"


def test_the_bars_show_what_the_site_has_passed_on(upload: Page, site: Site, folder: str) -> None:
    """Half of a bar is the way to the site, half the way to the cloud."""
    site.script({"on": "put_object", "do": "delay", "seconds": 2})
    choose(upload, folder, ("a.txt", b"x" * 2_000_000))
    states(upload)
    upload.click(SUBMIT)
    for bar in ("#wx-queue tbody progress", "#wx-total"):
        share = f"(bar => bar.value / bar.max)(document.querySelector('{bar}'))"
        upload.wait_for_function(f"() => {share} > 0.5 && {share} < 1")
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"x" * 2_000_000


def test_a_result_has_address_picture_and_code(upload: Page, site: Site, folder: str) -> None:
    choose(upload, folder, ("dot.png", PNG))
    states(upload)
    upload.click(SUBMIT)
    result = upload.locator(STORED)
    url = f"{site.public}/media/{folder}dot.png"
    expect(result.get_by_role("link", name=url)).to_have_attribute("rel", "noopener noreferrer")
    expect(result.get_by_role("img", name="dot.png").first).to_have_js_property("naturalWidth", 1)
    result.get_by_text("QR code").click()
    expect(result.locator("svg.wx-qr")).to_be_visible()


def test_the_address_can_be_copied(upload: Page, site: Site, folder: str) -> None:
    upload.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    upload.get_by_role("button", name="Copy").click()
    expect(upload.get_by_role("button", name="Copied")).to_be_visible()
    copied = upload.evaluate("() => navigator.clipboard.readText()")
    assert copied == f"{site.public}/media/{folder}a.txt"


@pytest.mark.parametrize(
    ("errcode", "hint"),
    [
        (42001, "no other system refreshes its token"),
        (85088, "Open cloud development"),
        (45009, "The daily quota is used up"),
    ],
)
def test_a_failed_file_is_sent_again_on_the_spot(
    upload: Page, site: Site, folder: str, errcode: int, hint: str
) -> None:
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": errcode, "times": None}
    site.script(fault)
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    failed = upload.locator(FAILED)
    expect(failed).to_have_count(1, timeout=30_000)
    expect(failed).to_contain_text(f"errcode {errcode}")
    expect(failed).to_contain_text(hint)
    site.script()
    retry(upload)
    assert site.published(f"media/{folder}a.txt") == b"tea"
    found = rows(key=f"media/{folder}a.txt")
    assert (found[0]["status"], found[-1]["status"]) == ("stored", "failed")
    assert found[-1]["errcode"] == errcode


def retry(page: Page) -> None:
    """More than once where need be: after a refused token the next one is a second away."""
    while page.locator(FAILED).count():
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#wx-queue tbody tr")).to_have_count(0, timeout=30_000)
    expect(page.locator(STORED)).to_have_count(1)


def test_failures_come_first_and_are_tried_again_together(
    upload: Page, site: Site, folder: str
) -> None:
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None}
    site.script(fault | {"key": f"*/{folder}b*.txt"})
    choose(upload, folder, *((f"{name}.txt", b"tea") for name in ("a1", "b1", "a2", "b2", "a3")))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-said")).to_contain_text("Public now 3, skipped 0, not uploaded 2.")
    names = upload.locator(".wx-result .wx-name").all_inner_texts()
    assert {name.rpartition("/")[2] for name in names[:2]} == {"b1.txt", "b2.txt"}
    site.script()
    upload.get_by_role("button", name="Try all failed again").click()
    expect(upload.locator(STORED)).to_have_count(5)
    expect(upload.get_by_role("button", name="Try all failed again")).to_be_hidden()
    assert site.published(f"media/{folder}b2.txt") == b"tea"


def test_the_focus_goes_where_the_news_are(upload: Page, site: Site, folder: str) -> None:
    """Not to the page's top, where it falls from a button that is gone."""
    site.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.locator(SUBMIT).press("Enter")
    expect(upload.locator("#wx-said")).to_be_focused()
    upload.get_by_role("button", name="Try again").press("Enter")
    expect(upload.locator(STORED)).to_be_focused()


def test_a_refused_file_can_be_sent_after_another_login(
    upload: Page, site: Site, folder: str
) -> None:
    """The page says why, and fetches a token that is good again."""
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.context.clear_cookies()
    upload.click(SUBMIT)
    result = upload.locator(".wx-result")
    expect(result).to_contain_text("you are logged out")
    expect(result.locator(".wx-advice")).to_be_hidden()
    log_in(upload.context, site, "demo", "demo")
    upload.get_by_role("button", name="Try again").click()
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"tea"


def test_the_preview_has_a_valid_csrf_token_after_another_login(
    upload: Page, site: Site, folder: str
) -> None:
    upload.context.clear_cookies()
    log_in(upload.context, site, "demo", "demo")
    choose(upload, folder, ("a.txt", b"tea"))
    assert list(states(upload).values()) == ["new"]


def test_without_the_permission_there_is_no_button_and_no_page(
    browse: Callable[..., Any], member: Callable[..., str], site: Site
) -> None:
    page = browse(user=member("view_uploadlog"))
    page.goto(f"{site.log}/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Upload files")).to_have_count(0)
    answer = page.goto(f"{site.log}/upload/")
    assert answer
    assert answer.status == 403


def test_a_refused_file_says_why_before_it_is_sent(
    browse: Callable[..., Any], member: Callable[..., str], site: Site, folder: str
) -> None:
    page = opened(browse(user=member("upload")), site)
    choose(page, folder, ("a.txt", b"tea"), ("page.html", b"<p>"))
    assert states(page) == {f"media/{folder}a.txt": "new", f"media/{folder}page.html": "refused"}
    expect(page.locator(".wx-state.wx-refused")).to_contain_text("active content")
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"tea"
    assert site.published(f"media/{folder}page.html") is None


def test_the_upload_page_works_without_a_script(
    browse: Callable[..., Any], site: Site, folder: str
) -> None:
    page = opened(browse(java_script_enabled=False), site)
    choose(page, folder, ("a.txt", b"tea"), ("dot.png", PNG))
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(2)
    shoot(page, "upload-without-script")
    assert site.published(f"media/{folder}a.txt") == b"tea"
    assert site.published(f"media/{folder}dot.png") == PNG


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop", {"viewport": {"width": 1280, "height": 900}}),
        ("phone", {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}),
        ("dark", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
    ],
)
def test_the_page_fits_its_window(
    browse: Callable[..., Any], site: Site, folder: str, name: str, options: dict[str, Any]
) -> None:
    """Pictures to look at; nothing is wider than the window."""
    page = opened(browse(**options), site)
    image = Path(__file__).parents[2] / "example_project/documents/static/documents/leaf.svg"
    choose(page, folder, ("menu.txt", b"tea" * 999), ("leaf.svg", image.read_bytes()))
    states(page)
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(2)
    site.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    choose(page, folder, ("price list 2026.pdf", b"%PDF-1.7"))
    states(page)
    page.click(SUBMIT)
    expect(page.locator(FAILED)).to_have_count(1)
    choose(
        page,
        folder,
        ("menu.txt", b"tea" * 999),
        ("leaf.svg", image.read_bytes() + b"\n"),
        ("spring/picking-the-first-leaves-in-the-hills-of-fujian.jpg", b"\xff\xd8\xff" * 99_999),
        ("bad?.txt", b"tea"),
    )
    states(page)
    page.get_by_text("QR code").first.click()
    shoot(page, f"upload-{name}")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
