"""Each page in both languages: nothing of ours is left in English on a Chinese one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polib
import pytest

import wx_static_store
from tests.demo import Site

from .conftest import shoot
from .pages import PAGES

CATALOGUE = Path(wx_static_store.__file__).parent / "locale/zh_Hans/LC_MESSAGES/django.po"
# Whole texts; a word alone may be part of a name, and one with a placeholder never stands so.
ENGLISH = [
    entry.msgid
    for entry in polib.pofile(str(CATALOGUE))
    if " " in entry.msgid and "%" not in entry.msgid
]


@pytest.mark.parametrize(("locale", "lang"), [("en-US", "en"), ("zh-CN", "zh-hans")])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_speaks_the_reader_s_language(
    context: Callable[..., Any], site: Site, name: str, locale: str, lang: str
) -> None:
    page = context(locale=locale).new_page()
    PAGES[name](page, site)
    shoot(page, f"{name}-{lang}")
    assert page.locator("html").get_attribute("lang") == lang
    shown = page.locator("#container").inner_text()
    english = [text for text in ENGLISH if text.lower() in shown.lower()]
    assert bool(english) == (lang == "en"), english
