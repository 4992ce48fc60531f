"""Each page in both languages: nothing of ours is left in English on a Chinese one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polib
import pytest
from playwright.sync_api import Page

import wx_static_store
from tests.demo import Site
from wx_static_store.admin.columns import SOURCES, STAGES
from wx_static_store.models import Deployment, UploadLog

from .conftest import shoot
from .pages import PAGES

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


def english(page: Page) -> list[str]:
    """Return the texts of ours that stand in English on a page."""
    shown = page.locator("#container").inner_text()
    words = WORDS & {text.strip(" \n:.✓✗?…").lower() for text in page.evaluate(ALONE)}
    return [*(text for text in PHRASES if text.lower() in shown.lower()), *words]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_speaks_chinese(context: Callable[..., Any], site: Site, name: str) -> None:
    page = context(locale="zh-CN").new_page()
    PAGES[name](page, site)
    shoot(page, f"{name}-zh-hans")
    assert page.locator("html").get_attribute("lang") == "zh-hans"
    assert english(page) == []


def test_a_page_speaks_english(page: Page, site: Site) -> None:
    PAGES["list"](page, site)
    assert page.locator("html").get_attribute("lang") == "en"
    assert english(page)
