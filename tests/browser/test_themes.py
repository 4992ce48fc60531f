"""Our pages under each theme of the admin: they fit, have a heading, and each button is reached."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from tests.admin.themes import FILES, OTHERS, THEMES
from tests.conftest import ci_package

from .conftest import END_TRANSITIONS, shoot
from .upload_page import folder_of_one, memory_file, states

WIDTHS = 390, 1280  # a script of Jazzmin makes boxes as wide as the first one lets it
OURS = {  # the others are pages of the theme, which hold parts of ours
    *("upload", "still failing", "files", "publish", "compare", "rollback"),
    *("rollout", "rollout back", "overview", "environment", "health"),
}
BUTTONS = "#content-main .button:visible, .wx-tools a:visible"
READABLE = 4.5  # the contrast that WCAG asks for
# Pages that the theme itself makes wider than a phone.
WIDE = {
    "simpleui": {"app"},
    "grappelli": {"index", "app", "list", "detail", "deployments", "deployment", "widget"},
}
CONTRAST = """(element) => {
    const canvas = document.createElement("canvas").getContext("2d");
    const pixel = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (colour) => pixel(colour)
        .map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0.05);
    const style = (one, name) => getComputedStyle(one)[name];
    let behind = element;
    while (style(behind, "backgroundColor") === "rgba(0, 0, 0, 0)" && behind.parentElement) {
        behind = behind.parentElement;
    }
    const both = [light(style(element, "color")), light(style(behind, "backgroundColor"))];
    return Math.max(...both) / Math.min(...both);
}"""


class Themed(NamedTuple):
    """A page of the superuser under a theme, and the address of each page of ours."""

    theme: str
    page: Page
    addresses: dict[str, str]

    def open(self, name: str, width: int = 1280) -> Page:
        self.page.set_viewport_size({"width": width, "height": 844})
        self.page.goto(self.addresses[name])
        return self.page


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
            yield Themed(request.param, browser.new_page(), addresses)
            browser.close()
        finally:
            process.terminate()


def of_each_page(themed: Themed, faults: Callable[[Page, str], list[str]]) -> list[str]:
    """Look at each page in both widths; return what is wrong, with its place."""
    found = []
    for name in themed.addresses:
        page = themed.open(name, WIDTHS[0])
        if name == "upload":
            page.set_input_files("[name=file]", memory_file(f"{'long-' * 12}name.txt", b"tea"))
            expect(page.locator("#wx-queue tbody tr")).to_have_count(1)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            page.mouse.move(0, 0)
            page.evaluate(END_TRANSITIONS)
            shoot(page, f"{themed.theme}-{name}-{width}".replace(" ", "-"))
            if width > 390 or name not in WIDE.get(themed.theme, ()):
                found += [f"{name} {width}: {fault}" for fault in faults(page, name)]
    return found


def test_each_page_is_whole_under_each_theme(themed: Themed) -> None:
    """One visit of a page tells all of this."""

    def faults(page: Page, name: str) -> list[str]:
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found = page.locator(BUTTONS).all() if name != "widget" else []
        buttons = {label_of(button): button for button in found}  # one of each kind
        return [
            *([f"{wide} px too wide"] if wide > 0 else []),
            *([] if name not in OURS or has_heading(page) else ["no heading, or no way back"]),
            *(fault for label in buttons if (fault := fault_of(label, buttons[label]))),
        ]

    assert of_each_page(themed, faults) == []


def has_heading(page: Page) -> bool:
    own = page.locator(".wx-title h1:visible, .wx-way:visible")
    return own.count() == 2


def label_of(button: Locator) -> str:
    """Return what is seen of it; the rest names the file."""
    return (button.inner_text() or button.get_attribute("value") or "").partition("\n")[0]


def fault_of(label: str, button: Locator) -> str:
    """Return why this button cannot be read or clicked; the click itself is left out."""
    if button.is_disabled():
        return ""
    contrast = button.evaluate(CONTRAST)
    try:
        button.click(trial=True, timeout=2000)
    except Error as error:
        return f"{label!r} cannot be clicked: {error.message.splitlines()[-1]}"
    return "" if contrast >= READABLE else f"{label!r} has a contrast of {contrast:.1f}"


@pytest.mark.parametrize("themed", ["admin"], indirect=True)
def test_nine_failures_are_on_the_first_screen(themed: Themed) -> None:
    causes = themed.open("still failing").locator("section.wx-cause")
    expect(causes).to_have_count(len(OTHERS) + 1)
    expect(causes.last).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_actions_of_files_stay_in_reach_under_each_theme(themed: Themed, width: int) -> None:
    page = themed.open("files", width)
    button = page.get_by_role("button", name="Compare with the log")
    expect(button).to_be_in_viewport(ratio=1)
    page.locator(".wx-cards tbody tr").nth(FILES - 5).scroll_into_view_if_needed()
    expect(button).to_be_in_viewport(ratio=1)
    assert fault_of("Compare", button) == ""


@pytest.mark.parametrize("width", WIDTHS)
def test_the_upload_into_a_folder_is_one_click_away_under_each_theme(
    themed: Themed, width: int
) -> None:
    page = themed.open("files", width)
    if width < 1280:
        page.get_by_role("link", name="Upload into this folder").click()
    expect(page.locator("#wx-upload [name=file]")).to_be_in_viewport(ratio=1)


def test_names_of_files_stand_on_one_line_under_each_theme(themed: Themed) -> None:
    for width in WIDTHS:
        page = themed.open("files", width)
        for part in ("caption", "tbody tr:first-child th a"):
            height = page.locator(f".wx-cards {part}").bounding_box()["height"]  # type: ignore[index]
            assert height < 40, (part, width)


def test_the_page_of_the_app_shows_the_panel_once_under_each_theme(themed: Themed) -> None:
    """SimpleUI's page of an app shows nothing of it."""
    once = themed.theme != "simpleui"
    expect(themed.open("app").locator("#wx-overview-panel:visible")).to_have_count(int(once))
    expect(themed.open("index").locator("#wx-overview-panel")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["overview", "environment"])
def test_a_click_on_publish_a_site_opens_its_form_under_each_theme(
    themed: Themed, name: str, width: int
) -> None:
    page = themed.open(name, width)
    page.get_by_role("link", name="Publish a site").click()
    expect(page.locator(".wx-publish [type=file]")).to_be_visible()


def test_to_choose_files_leaves_the_folder_alone_under_each_theme(
    themed: Themed, tmp_path: Path
) -> None:
    """Unfold writes the name of a file into a text field that it takes to be the file's."""
    page = themed.open("upload")
    page.set_input_files("[name=file]", memory_file("a.txt", b"tea"))
    assert list(states(page)) == ["uploads/a.txt"]
    page.set_input_files("#wx-folder-input", folder_of_one(tmp_path))
    expect(page.locator("#wx-queue tbody tr")).to_have_count(2)
    expect(page.locator("[name=folder]")).to_have_value("uploads/")


@pytest.mark.parametrize("part", ["[name=folder]", "[name=store]", "#wx-drop"])
def test_form_fields_have_a_border_under_each_theme(themed: Themed, part: str) -> None:
    page = themed.open("upload")
    assert style(page, part, "border-top-width") in {"1px", "2px"}
    assert style(page, part, "border-top-color") != "rgba(0, 0, 0, 0)"


def style(page: Page, selector: str, name: str) -> str:
    """Return how the browser reads all rules."""
    ask = "(element, name) => getComputedStyle(element).getPropertyValue(name)"
    return str(page.locator(selector).first.evaluate(ask, name))
