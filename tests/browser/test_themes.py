"""Our pages under each theme of the admin: they fit, have a heading, and each button is reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.admin.themes import FILES, OTHERS, THEMES
from tests.conftest import ci_package

from .conftest import shoot
from .upload_page import SUBMIT, folder_of_one, memory_file, states, wait_for

NAME = f"{'long-' * 12}name.txt"
# The small one first: a script of Jazzmin makes boxes as wide as the first lets it.
WIDTHS: tuple[int, ...] = (390, 1280)
# Django's own and the most used in China are clicked through at each width in each run of CI.
ALL_WIDTHS = {"admin", "simpleui"} if "WX_ALL_WIDTHS" not in os.environ else {*THEMES}
# Under the others at one, and of our own pages those with the most that a theme may lie over.
CLICKED = {"upload", "still failing", "files", "publish"}
OURS = {  # the others are pages of the theme, which hold parts of ours
    *("upload", "still failing", "files", "publish", "compare", "rollback"),
    *("rollout", "rollout back", "overview", "environment", "health"),
}
BUTTONS = "#content-main :is(.button, [type=file]):visible, .wx-tools a:visible"
# Pages that the theme itself makes wider than a phone.
WIDE = {
    "grappelli": {
        *("index", "app", "list", "detail", "waiting", "waiting file"),
        *("deployments", "deployment", "widget"),
    }
}
# WCAG asks for a contrast of 4.5. Only Jazzmin asks the user, not the browser, for light or dark.
UNREADABLE = """(scheme) => {
    document.documentElement.dataset.bsTheme = scheme;
    for (const each of document.getAnimations()) {
        if (Number.isFinite(each.effect.getComputedTiming().endTime)) each.finish();
    }
    const canvas = document.createElement("canvas").getContext("2d");
    const painted = (colours) => {
        for (canvas.fillStyle of ["white", ...colours]) canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
            .map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
            .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0.05);
    };
    const contrast = (element) => {
        const behind = [];
        for (let each = element; each; each = each.parentElement) {
            behind.unshift(getComputedStyle(each).backgroundColor);
        }
        const both = [painted(behind), painted([...behind, getComputedStyle(element).color])];
        return Math.max(...both) / Math.min(...both);
    };
    const shown = (each) => `${each.innerText || each.value} has ${contrast(each).toFixed(1)}`;
    const texts = ":is(.wx-page, .wx-top) .button, .wx-badge, .wx-page .errornote a, .wx-bad";
    return [...document.querySelectorAll(texts)]
        .filter((each) => each.checkVisibility() && !each.disabled && contrast(each) < 4.5)
        .map((each) => `${scheme}: ${shown(each)}`);
}"""
HEADING = ".wx-title h1:visible, .wx-way:visible"
TOO_WIDE = """() => {
    // A title is the project's own field.
    const rows = document.querySelectorAll(".form-row:not(.field-title), #result_list :is(td, th)");
    const wide = document.documentElement.scrollWidth - innerWidth;
    return [...rows]
        .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
        .map((each) => `cut off: ${each.innerText || each.className}`)
        .concat(wide > 0 ? [`${wide} px too wide`] : []);
}"""
# What is seen of each; the rest names the file. Those that wait for something else have none.
LABELS = """(buttons) => buttons.map((each) =>
    each.disabled ? "" : (each.innerText || each.value || each.name).split("\\n")[0])"""
# What a click may change without asking for anything.
WATCH = """() => {
    history.replaceState(null, "", location.pathname);
    window.wxChanged = false;
    window.onhashchange = () => { window.wxChanged = true; };
    const options = { attributes: true, childList: true, subtree: true, characterData: true };
    new MutationObserver(() => { window.wxChanged = true; }).observe(document.body, options);
}"""


class Themed(NamedTuple):
    """A page of the superuser under a theme, the address of each page of ours, and its answers."""

    theme: str
    page: Page
    addresses: dict[str, str]
    answers: list[str]
    known: dict[str, str]  # each address that was asked for, with its answer

    def open(self, name: str, width: int = 1280) -> Page:
        self.page.unroute_all(behavior="wait")
        self.page.set_viewport_size({"width": width, "height": 844})
        self.page.goto(self.addresses[name])
        if name == "upload":
            self.page.set_input_files("[name=file]", memory_file(NAME, b"tea"))
            expect(self.page.locator(SUBMIT)).to_be_enabled()
        if name == "publish":
            self.page.set_input_files("[name=file]", memory_file("dist.zip", b"no archive"))
        return self.page

    def answer(self, route: Route) -> None:
        """Note what a click asks for, and whether it is there; keep the page, and all data."""
        if route.request.method == "POST":
            self.answers.append("sent")
        elif not route.request.is_navigation_request():
            return route.continue_()
        else:
            address = route.request.url
            self.known[address] = self.known.get(address) or str(route.fetch().status)
            self.answers.append(self.known[address])
        return route.fulfill(status=204)


class Faults(NamedTuple):
    looks: list[str]
    clicks: list[str]


@pytest.fixture(scope="module", params=THEMES)
def themed(
    request: pytest.FixtureRequest, chromium: Any, tmp_path_factory: Any
) -> Iterator[Themed]:
    for app in THEMES[request.param]:
        ci_package(app)
    path = tmp_path_factory.mktemp("theme") / "db.sqlite3"
    command = [sys.executable, "-m", "tests.admin.themes", request.param, str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            addresses, cookie = json.loads(process.stdout.readline())
            browser = chromium.new_context(locale="en")
            browser.add_cookies([cookie])
            found = Themed(request.param, browser.new_page(), addresses, [], {})
            found.page.on("filechooser", lambda _chooser: found.answers.append("files"))
            yield found
            browser.close()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def faults(themed: Themed) -> Faults:
    """Visit each page once, to look at it and then to click; return what is wrong, by fact."""
    page, found = themed.page, Faults([], [])
    for name in themed.addresses:
        themed.open(name, WIDTHS[0])
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            found.looks.extend(f"{name} {width}: {fault}" for fault in look(themed, name, width))
        widths = WIDTHS
        if themed.theme not in ALL_WIDTHS:
            widths = WIDTHS[1:] if name in CLICKED or name not in OURS else ()
        page.route("**", lambda route: themed.answer(route))
        for width in widths:
            page.set_viewport_size({"width": width, "height": 844})
            for label in {*labels_of(page)} - {""}:
                if fault := fault_of_click(themed, name, width, label):
                    found.clicks.append(f"{name} {width}: {label!r}: {fault}")
    return found


def look(themed: Themed, name: str, width: int) -> Iterator[str]:
    page = themed.page
    shoot(page, f"{themed.theme}-{name}-{width}".replace(" ", "-"))
    if name in OURS and page.locator(HEADING).count() < 2:
        yield "no heading, or no way back"
    if width > 390 or name not in WIDE.get(themed.theme, ()):
        yield from page.evaluate(TOO_WIDE)
    for scheme in ("light", "dark") if width > 390 else ():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        yield from page.evaluate(UNREADABLE, scheme)
    page.emulate_media(color_scheme="light")


def test_each_page_is_whole_under_each_theme(faults: Faults) -> None:
    assert faults.looks == []


def test_each_button_answers_a_click_under_each_theme(faults: Faults) -> None:
    """A link and a form lead to a page that is there; the rest sends or changes something."""
    assert faults.clicks == []


def labels_of(page: Page) -> list[str]:
    return list(page.locator(BUTTONS).evaluate_all(LABELS))


def fault_of_click(themed: Themed, name: str, width: int, label: str) -> str:
    """Return why a click on the last button of this label came to nothing."""
    page, answers = themed.page, themed.answers
    if label not in (labels := labels_of(page)):
        themed.open(name, width)  # another click took it away
        page.route("**", lambda route: themed.answer(route))
        labels = labels_of(page)
    number = len(labels) - 1 - labels[::-1].index(label)
    answers.clear()
    page.evaluate(WATCH)
    try:
        page.locator(BUTTONS).nth(number).click(timeout=10_000)
        wait_for(lambda: bool(answers) or bool(page.evaluate("wxChanged")), page)
    except Error as error:
        return error.message.splitlines()[-1]
    except AssertionError:
        return "nothing happened"
    return "" if {*answers} <= {"200", "sent", "files"} else f"leads to {answers}"


@pytest.mark.parametrize("themed", ["admin"], indirect=True)
def test_nine_failures_are_on_the_first_screen(themed: Themed) -> None:
    causes = themed.open("still failing").locator("section.wx-cause")
    expect(causes).to_have_count(len(OTHERS) + 2)  # and what is parked
    expect(causes.nth(8)).to_be_in_viewport(ratio=1)


def test_the_actions_of_files_stay_in_reach_under_each_theme(themed: Themed) -> None:
    page = themed.open("files")
    button = page.get_by_role("button", name="Compare with the log")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate("scrollTo(0, 0)")
        expect(button).to_be_in_viewport(ratio=1)
        page.locator(".wx-cards tbody tr").nth(FILES - 5).scroll_into_view_if_needed()
        expect(button).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_upload_into_a_folder_is_one_click_away_under_each_theme(
    themed: Themed, width: int
) -> None:
    page = themed.open("files", width)
    if width < 1280:
        page.get_by_role("link", name="Upload into this folder").click()
    expect(page.locator("#wx-upload #wx-choose")).to_be_in_viewport(ratio=1)


def test_names_of_files_stand_on_one_line_under_each_theme(themed: Themed) -> None:
    page = themed.open("files", WIDTHS[0])
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for part in ("caption", "tbody tr:first-child th a"):
            height = page.locator(f".wx-cards {part}").bounding_box()["height"]  # type: ignore[index]
            assert height < 40, (part, width)


def test_the_page_of_the_app_shows_the_panel_once_under_each_theme(themed: Themed) -> None:
    """SimpleUI's page of an app shows nothing of it."""
    once = themed.theme != "simpleui"
    expect(themed.open("app").locator("#wx-overview-panel:visible")).to_have_count(int(once))
    expect(themed.open("index").locator("#wx-overview-panel")).to_have_count(0)


def test_the_words_of_an_errcode_have_room_under_each_theme(themed: Themed) -> None:
    cell = themed.open("list").locator("#result_list .field-errcode").first
    assert cell.evaluate("(cell) => cell.offsetWidth") > 100


def test_to_choose_files_leaves_the_folder_alone_under_each_theme(
    themed: Themed, tmp_path: Path
) -> None:
    """Unfold writes the name of a file into a text field that it takes to be the file's."""
    page = themed.open("upload")
    assert list(states(page)) == [f"uploads/{NAME}"]
    page.set_input_files("#wx-folder-input", folder_of_one(tmp_path))
    expect(page.locator("#wx-queue tbody tr")).to_have_count(2)
    expect(page.locator("[name=folder]")).to_have_value("uploads/")


def test_form_fields_have_a_border_and_a_height_under_each_theme(themed: Themed) -> None:
    page = themed.open("upload")
    for part in ("[name=folder]", "[name=store]", "#wx-drop"):
        assert page.locator(part).evaluate("(part) => part.offsetHeight") > 20, part
        assert style(page, part, "border-top-width") in {"1px", "2px"}, part
        assert style(page, part, "border-top-color") != "rgba(0, 0, 0, 0)", part


def style(page: Page, selector: str, name: str) -> str:
    """Return how the browser reads all rules."""
    ask = "(element, name) => getComputedStyle(element).getPropertyValue(name)"
    return str(page.locator(selector).first.evaluate(ask, name))
