"""The upload page in a real browser; each upload is read back at the public site."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site

from .conftest import log_in, rows, shoot

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
SUBMIT = "#wx-upload [type=submit]"
NAMES = ".wx-result .wx-name"
STORED, FAILED = ".wx-result.wx-stored", ".wx-result.wx-failed"
REFUSED = ".wx-result.wx-refused"


@pytest.fixture
def upload(page: Page, site: Site) -> Page:
    return opened(page, site)


@pytest.fixture
def folder() -> str:
    """Below uploads/, and of one test only."""
    return f"uploads/{uuid4().hex}/"


def opened(page: Page, site: Site) -> Page:
    page.goto(f"{site.log}/upload/")
    page.select_option("[name=store]", label=media_store(page))
    return page


def media_store(page: Page) -> str:
    """Return the store whose keys begin with media/."""
    labels = page.locator("[name=store] option").all_inner_texts()
    return next(label for label in labels if label.startswith("default"))


def choose(page: Page, folder: str, *files: tuple[str, bytes], into: str = "[name=file]") -> None:
    page.fill("[name=folder]", folder)
    page.set_input_files(into, [memory_file(*file) for file in files])


def memory_file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    """Drop files on the page, as a browser does."""
    page.evaluate(
        """(files) => {
            const dataTransfer = new DataTransfer();
            for (const [name, text] of files) dataTransfer.items.add(new File([text], name));
            const options = { dataTransfer, bubbles: true, cancelable: true };
            document.querySelector("#wx-drop").dispatchEvent(new DragEvent("dragover", options));
            document.querySelector("#wx-drop").dispatchEvent(new DragEvent("drop", options));
        }""",
        [(name, content.decode()) for name, content in files],
    )


def states(page: Page) -> dict[str, str]:
    """Each key in the list with the class of its state, once all of them were compared."""
    expect(page.locator("#wx-said")).to_contain_text("Nothing is sent yet")
    found = page.locator("#wx-queue tbody tr").all()
    return {
        row.locator(".wx-key").inner_text(): str(
            row.locator(".wx-state").get_attribute("class")
        ).removeprefix("wx-state wx-")
        for row in found
    }


# --- choosing and sending -------------------------------------------------------------------------


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
    assert len(states(upload)) == 120
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(120, timeout=60_000)
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


def folder_of_one(path: Path) -> Path:
    (path / "teas" / "black").mkdir(parents=True)
    (path / "teas" / "black" / "a.txt").write_bytes(b"tea")
    return path / "teas"


def test_the_same_bytes_are_not_ticked_and_others_need_the_box(
    upload: Page, site: Site, folder: str
) -> None:
    choose(upload, folder, ("a.txt", b"tea"), ("b.txt", b"tea"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(2)
    choose(upload, folder, ("a.txt", b"tea"), ("b.txt", b"tee"), ("c.html", b"<p>"))
    keys = {name: f"media/{folder}{name}" for name in ("a.txt", "b.txt")}
    found = states(upload)
    assert [found[keys["a.txt"]], found[keys["b.txt"]]] == ["same", "changed"]
    expect(upload.locator(SUBMIT)).to_be_enabled()  # the superuser may upload HTML
    upload.select_option("[name=clash]", "replace")
    states(upload)
    ticked = upload.locator("#wx-queue tbody input:checked")
    expect(ticked).to_have_count(2)
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(4)
    assert [site.published(key) for key in keys.values()] == [b"tea", b"tee"]
    assert site.puts(keys["a.txt"]) == 1


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
    expect(upload.locator("#wx-said")).to_contain_text("Public now: 3. Failed: 0.")
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
    expect(upload.locator("#wx-said")).to_contain_text("Public now: 0. Failed: 0.")
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


def wait_for(condition: Callable[[], bool], page: Page, seconds: int = 10) -> None:
    for _ in range(seconds * 10):
        if condition():
            return
        page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    raise AssertionError("it did not come to pass")


# --- results --------------------------------------------------------------------------------------


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


def test_the_address_can_be_copied(context: Callable[..., Any], site: Site, folder: str) -> None:
    browser = context(permissions=["clipboard-read", "clipboard-write"])
    page = opened(browser.new_page(), site)
    choose(page, folder, ("a.txt", b"tea"))
    states(page)
    page.click(SUBMIT)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == f"{site.public}/media/{folder}a.txt"


@pytest.mark.parametrize(
    ("errcode", "hint"),
    [
        (42001, "no other system refreshes its token"),
        (85088, "Cloud hosting is not open here"),
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


# --- one name twice -------------------------------------------------------------------------------


def test_a_file_chosen_again_while_the_first_is_under_way_is_sent_after_it(
    upload: Page, site: Site, folder: str
) -> None:
    site.script({"on": "staticuploadfile", "do": "delay", "seconds": 2})
    choose(upload, folder, ("a.txt", b"first"))
    states(upload)
    upload.click(SUBMIT)
    upload.set_input_files("[name=file]", memory_file("a.txt", b"second"))
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"first"
    expect(upload.locator(".wx-state.wx-changed")).to_be_visible()  # compared once more
    upload.select_option("[name=clash]", "replace")
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(2)
    assert site.published(f"media/{folder}a.txt") == b"second"


def test_to_try_again_leaves_another_file_of_this_name_in_the_list(
    upload: Page, site: Site, folder: str
) -> None:
    site.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    choose(upload, folder, ("a.txt", b"first"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(FAILED)).to_have_count(1)
    choose(upload, folder, ("a.txt", b"second"))
    states(upload)
    upload.get_by_role("button", name="Try again").click()
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"first"
    expect(upload.locator(".wx-state.wx-changed")).to_be_visible()


def test_two_files_for_one_place_go_one_after_the_other(
    upload: Page, site: Site, folder: str
) -> None:
    site.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    choose(upload, folder, ("a.txt", b"first"))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator(FAILED)).to_have_count(1)
    upload.select_option("[name=clash]", "replace")
    choose(upload, folder, ("a.txt", b"second"))
    states(upload)
    site.script({"on": "staticuploadfile", "do": "delay", "seconds": 2})
    upload.click(SUBMIT)
    upload.get_by_role("button", name="Try again").click()
    expect(upload.locator("#wx-queue tbody")).to_contain_text("waiting")
    expect(upload.locator(STORED)).to_have_count(2)
    assert site.published(f"media/{folder}a.txt") == b"first"


def test_a_second_file_of_one_name_says_that_it_replaces_the_first(
    upload: Page, site: Site, folder: str, tmp_path: Path
) -> None:
    """Not so the same file, chosen once more."""
    paths = [tmp_path / name / "a.txt" for name in ("one", "another")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(str(path))
    upload.fill("[name=folder]", folder)
    note = upload.get_by_text("It takes the place of another file of this name")
    for path, count in ((paths[0], 0), (paths[0], 0), (paths[1], 1)):
        upload.set_input_files("[name=file]", path)
        expect(upload.locator(".wx-state.wx-new")).to_be_visible()
        assert len(states(upload)) == 1
        expect(note).to_have_count(count)


# --- what was said when it was sent ---------------------------------------------------------------


def test_a_waiting_file_keeps_the_store_and_the_choice_for_taken_names_of_its_submit(
    upload: Page, site: Site, folder: str
) -> None:
    """Another folder, and *Replace*, are for the files that come after."""
    files = [(f"{number}.txt", b"tea") for number in range(5)]
    choose(upload, folder, *files)
    states(upload)
    site.script({"on": "staticuploadfile", "do": "delay", "seconds": 1, "times": None})
    sent = posts(upload)
    upload.click(SUBMIT)
    upload.select_option("[name=clash]", "replace")
    upload.fill("[name=folder]", f"{folder}other/")
    expect(upload.locator(STORED)).to_have_count(5, timeout=30_000)
    assert [site.published(f"media/{folder}{name}") for name, _ in files] == [b"tea"] * 5
    assert len(sent) == 5
    assert not any("replace" in body for body in sent)


def posts(page: Page) -> list[str]:
    """Collect what the script sends from now on."""
    sent: list[str] = []

    def note(route: Any) -> None:
        sent.append((route.request.post_data_buffer or b"").decode(errors="replace"))
        route.continue_()

    page.route(re.compile("/upload/$"), note)
    return sent


def test_a_repeated_upload_takes_the_current_choice_for_taken_names(
    upload: Page, site: Site, folder: str, context: Callable[..., Any]
) -> None:
    choose(upload, folder, ("a.txt", b"mine"))
    assert list(states(upload).values()) == ["new"]
    other = opened(context().new_page(), site)
    choose(other, folder, ("a.txt", b"theirs"))
    states(other)
    other.click(SUBMIT)
    expect(other.locator(STORED)).to_have_count(1)
    upload.click(SUBMIT)
    expect(upload.locator(REFUSED)).to_contain_text("already")
    upload.select_option("[name=clash]", "replace")
    upload.get_by_role("button", name="Try again").click()
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"mine"


def test_an_answer_to_an_older_preview_is_ignored(upload: Page, site: Site, folder: str) -> None:
    """The folder changes while the first question is under way, and its answer comes last."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        if held:
            return route.continue_()
        return held.append(route)

    upload.route(re.compile("/preview/$"), hold)
    choose(upload, folder, ("a.txt", b"tea"))
    expect(upload.locator("#wx-said")).to_contain_text("Looking at")
    upload.fill("[name=folder]", f"{folder}other/")
    upload.locator("[name=folder]").blur()
    assert list(states(upload)) == [f"media/{folder}other/a.txt"]
    with upload.expect_response(re.compile("/preview/$")):
        held[0].continue_()
    upload.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    assert list(states(upload)) == [f"media/{folder}other/a.txt"]


# --- many that failed -----------------------------------------------------------------------------


def test_failures_come_first_and_are_tried_again_together(
    upload: Page, site: Site, folder: str
) -> None:
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None}
    site.script(fault | {"key": f"*/{folder}b*.txt"})
    choose(upload, folder, *((f"{name}.txt", b"tea") for name in ("a1", "b1", "a2", "b2", "a3")))
    states(upload)
    upload.click(SUBMIT)
    expect(upload.locator("#wx-said")).to_contain_text("Public now: 3. Not uploaded: 2.")
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


def test_a_file_is_read_only_where_one_of_its_size_is_public(
    upload: Page, site: Site, folder: str
) -> None:
    """What is refused or new is not; what is read shows how far it is."""
    choose(upload, folder, ("a.txt", b"x" * 5_000_000))
    upload.evaluate(WATCH_READING)
    states(upload)
    assert upload.evaluate("() => globalThis.wxRead") == []
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(1)
    choose(upload, folder, ("a.txt", b"y" * 5_000_000), ("bad?.txt", b"x" * 5_000_000))
    assert list(states(upload).values()) == ["changed", "refused"]
    assert upload.evaluate("() => globalThis.wxRead.length") == 1
    assert upload.evaluate("() => globalThis.wxMoved") is True


WATCH_READING = """() => {
    const wxMd5 = globalThis.wxMd5;
    Object.assign(globalThis, { wxRead: [], wxMoved: false });
    globalThis.wxMd5 = (file, moved) => {
        globalThis.wxRead.push(file.name);
        return wxMd5(file, (part) => {
            moved(part);
            const bar = document.querySelector("#wx-queue tbody progress");
            globalThis.wxMoved ||= !bar.hidden && bar.value > 0;
        });
    };
}"""


# --- questions ----------------------------------------------------------------------------------


def test_a_doubtful_file_is_public_only_after_a_person_ticked_it(
    upload: Page, site: Site, folder: str
) -> None:
    page = upload
    choose(page, folder, ("a.txt", b"tea"), ("photo.jpg", b"<!doctype html>"), ("b.exe", b"MZ"))
    assert list(states(page).values()) == ["new", "ask", "ask"]
    expect(page.locator(".wx-state.wx-ask").first).to_contain_text("holds HTML")
    page.get_by_label("Upload all files").check()
    expect(page.locator("#wx-queue tbody input:checked")).to_have_count(1)
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(1)
    page.get_by_label("photo.jpg").first.check()
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(2)
    shoot_at_both_widths(page, "upload-asked")
    assert site.published(f"media/{folder}photo.jpg") == b"<!doctype html>"
    assert rows(key=f"media/{folder}b.exe") == []


def test_a_file_that_was_not_compared_is_asked_about_in_its_result(
    upload: Page, site: Site, folder: str
) -> None:
    upload.route(re.compile("/preview/$"), lambda route: route.abort())
    choose(upload, folder, ("photo.jpg", b"<!doctype html>"))
    expect(upload.locator(".wx-state.wx-unknown")).to_be_visible()
    upload.click(SUBMIT)
    expect(upload.locator(".wx-result.wx-ask")).to_contain_text("holds HTML")
    assert site.published(f"media/{folder}photo.jpg") is None
    upload.get_by_role("button", name="Publish all the same").click()
    expect(upload.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}photo.jpg") == b"<!doctype html>"


def shoot_at_both_widths(page: Page, name: str) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        shoot(page, f"{name}-{width}")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_each_clash_of_names_has_its_choice(upload: Page, site: Site, folder: str) -> None:
    """What is skipped stays, what is replaced is new, what is kept has a neighbour."""
    page = upload
    names = ["a.txt", "b.txt", "c.txt", "dot.png", "same.txt"]
    before = [b"old", b"old", b"old", PNG, b"tea"]
    choose(page, folder, *zip(names, before, strict=True))
    states(page)
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(5)
    choose(page, folder, *zip(names, [b"new!"] * 3 + [PNG + b"!", b"tea"], strict=True))
    assert list(states(page).values()) == ["changed"] * 4 + ["same"]
    url = f"{site.public}/media/{folder}"
    same = page.locator("#wx-queue tbody tr").nth(4)
    expect(same.get_by_role("link", name=f"{url}same.txt")).to_be_visible()
    expect(same.get_by_role("button", name="Copy")).to_be_visible()
    expect(page.locator(".wx-old img:visible")).to_have_js_property("naturalWidth", 1)
    page.get_by_label("What to do with b.txt").select_option("replace")
    page.get_by_label("What to do with c.txt").select_option("keep")
    expect(page.locator("#wx-queue")).to_contain_text(f"{folder}c-2.txt")
    shoot_at_both_widths(page, "upload-clash")
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(7)
    found = [site.published(f"media/{folder}{name}") for name in (*names[:3], "c-2.txt")]
    assert found == [b"old", b"new!", b"old", b"new!"]
    assert len(rows(key=f"media/{folder}b.txt")) == 2


def test_a_wrong_folder_is_told_at_its_field(
    context: Callable[..., Any], member: Callable[..., str], site: Site
) -> None:
    page = opened(context(member("upload")).new_page(), site)
    choose(page, "elsewhere/", ("a.txt", b"tea"), ("b.txt", b"tea"))
    assert list(states(page).values()) == ["refused", "refused"]
    expect(page.get_by_text("into the folder uploads/ only")).to_have_count(1)
    expect(page.locator("#wx-folder-errors")).to_contain_text("into the folder uploads/ only")
    page.fill("[name=folder]", "uploads/teas/")
    page.locator("[name=folder]").blur()
    expect(page.locator("#wx-folder-errors")).to_be_hidden()
    assert "refused" not in states(page).values()


# --- who may --------------------------------------------------------------------------------------


def test_without_the_permission_there_is_no_button_and_no_page(
    context: Callable[..., Any], member: Callable[..., str], site: Site
) -> None:
    page = context(member("view_uploadlog")).new_page()
    page.goto(f"{site.log}/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Upload files")).to_have_count(0)
    answer = page.goto(f"{site.log}/upload/")
    assert answer
    assert answer.status == 403


def test_a_refused_file_says_why_before_it_is_sent(
    context: Callable[..., Any], member: Callable[..., str], site: Site, folder: str
) -> None:
    page = opened(context(member("upload")).new_page(), site)
    choose(page, folder, ("a.txt", b"tea"), ("page.html", b"<p>"))
    assert states(page) == {f"media/{folder}a.txt": "new", f"media/{folder}page.html": "refused"}
    expect(page.locator(".wx-state.wx-refused")).to_contain_text("active content")
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(1)
    assert site.published(f"media/{folder}a.txt") == b"tea"
    assert site.published(f"media/{folder}page.html") is None


# --- without a script -----------------------------------------------------------------------------


def test_the_upload_page_works_without_a_script(
    context: Callable[..., Any], site: Site, folder: str
) -> None:
    page = opened(context(java_script_enabled=False).new_page(), site)
    choose(page, folder, ("a.txt", b"tea"), ("dot.png", PNG))
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(2)
    shoot(page, "upload-without-script")
    assert site.published(f"media/{folder}a.txt") == b"tea"
    assert site.published(f"media/{folder}dot.png") == PNG


# --- other themes ---------------------------------------------------------------------------------


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


# --- MD5 ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hashing(demo: Site, chromium: Any) -> Iterator[Page]:
    """Open a page of the public site with md5.js and nothing else of the upload page."""
    script = Path(__file__).parents[2] / "wx_static_store/static/wx_static_store/md5.js"
    browser = chromium.new_context()
    page = browser.new_page()
    page.goto(demo.front)
    page.add_script_tag(path=script)
    yield page
    browser.close()


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 3 * 2**20, 5 * 2**20 + 7])
def test_the_md5_that_the_browser_computes_is_right(hashing: Page, size: int) -> None:
    """Bytes that follow a simple rule on both sides; the largest come in pieces."""
    content = bytes((i * 7 + (i >> 8)) % 256 for i in range(size))
    make = (
        "(size) => wxMd5(new Blob([Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >> 8))]))"
    )
    found = hashing.evaluate(make, size)
    assert found == hashlib.md5(content, usedforsecurity=False).hexdigest()


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop", {"viewport": {"width": 1280, "height": 900}}),
        ("phone", {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}),
        ("dark", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
    ],
)
def test_the_page_fits_its_window(
    context: Callable[..., Any], site: Site, folder: str, name: str, options: dict[str, Any]
) -> None:
    """Pictures to look at; nothing is wider than the window."""
    page = opened(context(**options).new_page(), site)
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
