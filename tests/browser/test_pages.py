"""
Each of our pages, opened once, in Chinese.

Nothing of ours is left in English, axe finds no fault, a strict policy finds nothing to refuse.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polib
import pytest
from playwright.sync_api import Page

import wx_static_store
from tests.demo import Site
from wx_static_store.admin.columns import SOURCES, STAGES
from wx_static_store.models import Deployment, UploadLog

from .axe import findings, policy
from .conftest import END_TRANSITIONS, leave, page_of, shoot
from .pages import PAGES

LOOKS: list[tuple[str, Literal["light", "dark"], int]] = [  # with its width in pixels
    ("light", "light", 1280),
    ("dark-phone", "dark", 390),
]
CATALOGUE = Path(wx_static_store.__file__).parent / "locale/zh_Hans/LC_MESSAGES/django.po"
# One with a placeholder never stands so.
TEXTS = [
    entry.msgid
    for entry in polib.pofile(str(CATALOGUE))
    if "%" not in entry.msgid and entry.msgstr != entry.msgid
]
PHRASES = [text for text in TEXTS if " " in text.strip()]
# A word may be part of a name: it is English where it stands alone. Some are kept in rows.
KEPT = {*SOURCES, *STAGES, *UploadLog.Status.values, *Deployment.Outcome.values}
NAMES = {"api", "wx_deploy", "collectstatic"}  # in both languages
WORDS = {text.lower() for text in TEXTS if " " not in text} | KEPT - NAMES

# The texts of the page, but for what says that it is English, and the labels of the example's form.
ALONE = """() => {
    const page = document.querySelector("#container");
    const walker = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
    const labels = ".model-document label:not(.wx-file-label), .model-document legend";
    const not_ours = `[lang=en], script, template, option, ${labels}`;
    const found = [];
    while (walker.nextNode()) {
        const above = walker.currentNode.parentElement;
        if (above.checkVisibility() && !above.closest(not_ours))
            found.push(walker.currentNode.data);
    }
    return found;
}"""


@dataclass
class Visit:
    """A page that was opened, and what the browser said of it and heard with it until then."""

    name: str
    page: Page
    messages: list[str]
    policies: set[str]


@pytest.fixture(scope="module", params=PAGES)
def visit(request: pytest.FixtureRequest, chromium: Any, demo: Site) -> Iterator[Visit]:
    """Open a page once for all that is asked of it."""
    demo.script()
    page = page_of(chromium, demo, locale="zh-CN")
    found = Visit(request.param, page, [], set())
    hear = {
        "console": lambda message: found.messages.append(message.text),
        "response": lambda answer: found.policies.update(policy(answer)),
    }
    for event, listener in hear.items():
        page.on(event, listener)
    PAGES[request.param](page, demo)
    page.wait_for_load_state("load")
    for event, listener in hear.items():
        page.remove_listener(event, listener)
    yield found
    leave(page)
    demo.script()


def test_the_page_speaks_chinese(visit: Visit) -> None:
    shoot(visit.page, f"{visit.name}-zh-hans")
    assert visit.page.locator("html").get_attribute("lang") == "zh-hans"
    assert english(visit.page) == []


def test_axe_finds_no_fault_on_the_page(visit: Visit) -> None:
    found = {}
    for look, scheme, width in LOOKS:
        visit.page.emulate_media(color_scheme=scheme)
        visit.page.set_viewport_size({"width": width, "height": 844})
        visit.page.evaluate(END_TRANSITIONS)
        shoot(visit.page, f"{visit.name}-{look}")
        found[look] = findings(visit.page)
    assert found == {look: [] for look, _scheme, _width in LOOKS}


def test_the_page_breaks_no_strict_content_security_policy(visit: Visit, demo: Site) -> None:
    assert [text for text in visit.messages if "Content Security Policy" in text] == []
    [policy] = visit.policies
    wanted = {f"{kind}-src 'self' {demo.public}" for kind in ("script", "style")}
    assert wanted <= set(policy.split("; "))


def english(page: Page) -> list[str]:
    """Return the texts of ours that stand in English on a page."""
    shown = page.locator("#container").inner_text()
    words = WORDS & {text.strip(" \n:.✓✗?…").lower() for text in page.evaluate(ALONE)}
    return [*(text for text in PHRASES if text.lower() in shown.lower()), *words]


def test_a_page_speaks_english(page: Page, site: Site) -> None:
    PAGES["list"](page, site)
    assert page.locator("html").get_attribute("lang") == "en"
    assert english(page)


@pytest.mark.parametrize("name", ["list", "list-failed", "deployments", "rollouts"])
def test_all_columns_are_seen_beside_sidebar_and_filters(
    browse: Callable[..., Any], site: Site, name: str
) -> None:
    page = browse(viewport={"width": 1280, "height": 900})
    PAGES[name](page, site)
    table = page.locator(".results")
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") == 0
