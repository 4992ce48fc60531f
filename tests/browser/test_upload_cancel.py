"""Uploads that are cancelled, or whose answer is lost: the page says what is public."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.demo import Site

from .conftest import rows
from .upload_page import (
    FAILED,
    NAMES,
    STORED,
    SUBMIT,
    choose,
    states,
    wait_for,
)

UNKNOWN = ".wx-result.wx-unknown"


def test_files_not_sent_yet_stay_in_the_list_after_a_cancel(
    upload: Page, site: Site, folder: str
) -> None:
    names = [f"{number}.txt" for number in range(8)]
    site.script({"on": "put_object", "do": "delay", "seconds": 4, "times": None})
    choose(upload, folder, *((name, b"tea") for name in names))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.get_by_text("publishing")).to_have_count(3)
    wait_for(lambda: site.links(folder) == 3, upload)
    cancel(upload)
    expect(upload.locator("#wx-said")).to_contain_text("outcome is being looked up: 3")
    expect(upload.locator("#wx-said")).to_contain_text("Public now 3, skipped 0, not uploaded 0.")
    expect(upload.locator("#wx-said")).to_contain_text("still in the list: 5")
    public = {name for name in names if site.published(f"media/{folder}{name}") == b"tea"}
    assert public == {path.rpartition("/")[2] for path in upload.locator(NAMES).all_inner_texts()}
    assert [row["status"] for name in public for row in rows(key=f"media/{folder}{name}")] == (
        ["stored"] * 3
    )
    assert site.published(f"media/{folder}7.txt") is None
    site.script()
    upload.click(SUBMIT)
    expect(upload.locator("#wx-queue tbody tr")).to_have_count(0)
    assert site.published(f"media/{folder}7.txt") == b"tea"


def test_a_file_that_arrived_before_a_cancel_is_not_sent_twice(
    upload: Page, site: Site, folder: str
) -> None:
    """The site goes on with it, and the page asks how it ended."""
    site.script({"on": "staticuploadfile", "do": "delay", "seconds": 2})
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-queue tbody")).to_contain_text("publishing")
    wait_for(lambda: site.links(folder) == 1, upload)
    cancel(upload)
    expect(upload.locator("#wx-queue tbody")).to_contain_text("sent, outcome being looked up")
    expect(upload.locator(STORED)).to_contain_text(f"{folder}a.txt")
    expect(upload.locator("#wx-queue tbody tr")).to_have_count(0)
    assert site.published(f"media/{folder}a.txt") == b"tea"
    assert site.puts(f"media/{folder}a.txt") == 1


def test_a_file_that_never_arrived_is_cancelled_for_good(
    upload: Page, site: Site, folder: str
) -> None:
    """The page cancels a request that is held on its way, and that arrives after all."""
    held: list[Any] = []
    upload.route(re.compile("/upload/$"), lambda route: held.append(route))
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    wait_for(lambda: bool(held), upload)
    cancel(upload)
    expect(upload.locator("#wx-said")).to_contain_text("Public now 0, skipped 0, not uploaded 0.")
    expect(upload.locator("#wx-said")).to_contain_text("still in the list: 1")
    request = held[0].request
    late = upload.context.request.post(
        request.url,
        data=request.post_data_buffer,
        headers={**request.headers, "referer": upload.url},
    )
    assert "Cancelled before it was sent" in late.json()["html"]
    assert site.published(f"media/{folder}a.txt") is None
    assert rows(key=f"media/{folder}a.txt") == []
    upload.unroute(re.compile("/upload/$"))
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"tea"


def test_a_cancelled_file_of_which_nobody_knows_the_outcome_is_called_unknown(
    upload: Page, site: Site, folder: str
) -> None:
    """COS answers nothing, and the list cannot be asked after it."""
    site.script(
        {"on": "staticuploadfile", "do": "delay", "seconds": 2},
        {"on": "put_object", "do": "drop_reply", "times": None},
        {"on": "staticfilelist", "do": "errcode", "errcode": 85088, "skip": 1, "times": None},
    )
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-queue tbody")).to_contain_text("publishing")
    wait_for(lambda: site.links(folder) == 1, upload)
    cancel(upload)
    expect(upload.locator(UNKNOWN)).to_contain_text("may be public already", timeout=40_000)
    expect(upload.locator("#wx-said")).to_contain_text("Public now 0, skipped 0, not uploaded 0.")
    expect(upload.locator("#wx-said")).to_contain_text("Outcome unknown: 1.")
    assert [row["status"] for row in rows(key=f"media/{folder}a.txt")] == ["unknown"]
    assert site.published(f"media/{folder}a.txt") == b"tea"


def test_the_page_asks_on_while_the_site_is_silent(upload: Page, site: Site, folder: str) -> None:
    """The network goes with the cancel, and comes back later."""
    site.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.route(re.compile("/upload/$"), lambda route: (route.fetch(), route.abort()))
    upload.route(re.compile("/status/$"), lambda route: route.abort(), times=2)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-said")).to_contain_text("does not answer")
    expect(upload.locator(FAILED)).to_contain_text("errcode 45009")
    assert site.published(f"media/{folder}a.txt") is None


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel the upload").click()


def test_a_lost_answer_is_asked_for_and_not_sent_twice(
    upload: Page, site: Site, folder: str
) -> None:
    """The site takes the file, and the network fails on the way back."""
    lost = []

    def lose(route: Any) -> None:
        if lost:
            return route.continue_()
        lost.append(route.fetch())
        return route.abort()

    upload.route(re.compile("/upload/$"), lose)
    choose(upload, folder, ("a.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(1)
    assert lost
    assert site.puts(f"media/{folder}a.txt") == 1
    assert site.published(f"media/{folder}a.txt") == b"tea"
