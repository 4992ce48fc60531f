"""Files whose name is taken, that are compared, or that raise a question."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.demo import Site

from .conftest import rows, shoot
from .upload_page import (
    FAILED,
    PNG,
    REFUSED,
    STORED,
    SUBMIT,
    choose,
    memory_file,
    opened,
    states,
)


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


def test_the_time_of_a_public_file_is_that_of_the_log_in_every_zone(
    browse: Callable[..., Any], site: Site, folder: str
) -> None:
    page = opened(browse(timezone_id="America/New_York"), site)
    choose(page, folder, ("a.txt", b"tea"))
    states(page)
    page.click(SUBMIT)
    expect(page.locator(STORED)).to_have_count(1)
    choose(page, folder, ("a.txt", b"other tea"))
    found = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d$", page.locator(".wx-old-facts").inner_text())
    assert found
    page.goto(f"{site.log}/?q={folder}")
    expect(page.locator("#result_list .field-ended")).to_contain_text(found[0])


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
    upload: Page, site: Site, folder: str
) -> None:
    choose(upload, folder, ("a.txt", b"mine"))
    assert list(states(upload).values()) == ["new"]
    other = opened(upload.context.new_page(), site)
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


def test_a_file_is_read_only_where_one_of_its_size_is_public(
    upload: Page, folder: str, tmp_path: Path
) -> None:
    """What is refused or new is not; what is read shows how far it is."""
    first, *others = paths = [tmp_path / name for name in ("1/a.txt", "2/a.txt", "2/bad?.txt")]
    for path in paths:  # their bytes take no way through the browser's driver
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(path.parent.name.encode() * 5_000_000)
    upload.fill("[name=folder]", folder)
    upload.set_input_files("[name=file]", first)
    upload.evaluate(WATCH_READING)
    states(upload)
    assert upload.evaluate("() => globalThis.wxRead") == []
    upload.click(SUBMIT)
    expect(upload.locator(STORED)).to_have_count(1)
    upload.set_input_files("[name=file]", others)
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


def test_a_doubtful_file_is_public_only_after_a_person_ticked_it(
    upload: Page, site: Site, folder: str
) -> None:
    page = upload
    choose(page, folder, ("a.txt", b"tea"), ("photo.jpg", b"<!doctype html>"), ("b.exe", b"MZ"))
    assert list(states(page).values()) == ["new", "ask", "ask"]
    expect(page.locator(".wx-state.wx-ask").first).to_contain_text("holds HTML")
    page.get_by_label("a.txt").first.uncheck()
    page.get_by_label("Upload all files").click()
    expect(page.get_by_label("a.txt").first).to_be_checked()
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
    upload.get_by_role("button", name="Publish anyway").click()
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
    expect(page.locator("#wx-said")).to_contain_text("Public now 2, skipped 3, not uploaded 0.")
    found = [site.published(f"media/{folder}{name}") for name in (*names[:3], "c-2.txt")]
    assert found == [b"old", b"new!", b"old", b"new!"]
    assert len(rows(key=f"media/{folder}b.txt")) == 2


def test_a_wrong_folder_is_told_at_its_field(
    browse: Callable[..., Any], member: Callable[..., str], site: Site
) -> None:
    page = opened(browse(user=member("upload")), site)
    choose(page, "elsewhere/", ("a.txt", b"tea"), ("b.txt", b"tea"))
    assert list(states(page).values()) == ["refused", "refused"]
    expect(page.get_by_text("into the folder uploads/ only")).to_have_count(1)
    expect(page.locator("#wx-folder-errors")).to_contain_text("into the folder uploads/ only")
    expect(page.locator("#wx-queue").get_by_text("See the target folder.")).to_have_count(2)
    expect(page.get_by_label("b.txt").first).to_have_attribute("title", "See the target folder.")
    page.fill("[name=folder]", "uploads/teas/")
    page.locator("[name=folder]").blur()
    expect(page.locator("#wx-folder-errors")).to_be_hidden()
    assert "refused" not in states(page).values()
