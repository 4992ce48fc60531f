"""``make docs`` built a whole site in each language: every link leads somewhere."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import pytest

from .blocks import DOCS

SITE = DOCS / "_build" / "html"
LANGUAGES = ("en", "zh")

pytestmark = pytest.mark.skipif(
    not os.environ.get("WX_REQUIRE_DOCS"), reason="WX_REQUIRE_DOCS=1 reads what make docs built"
)


class Page(HTMLParser):
    """The links of a page, and the places in it that one can link to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places.add(given.get("id") or "")
        self.links += [link for name in ("href", "src") if (link := given.get(name))]


read = cache(Page)


class Frame(HTMLParser):
    """What a page says around its article and its lists of pages: texts, and names of buttons."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words: set[str] = set()
        self.inside: list[str] = []  # elements that are left out
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LEFT_OUT:
            self.inside.append(tag)
        names = [value for name, value in attrs if name in NAMING and value]
        self.words.update(names if "article" not in self.inside else ())

    def handle_endtag(self, tag: str) -> None:
        if self.inside[-1:] == [tag]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside and data.strip():
            self.words.add(" ".join(data.split()))


LEFT_OUT = ("article", "li", "script", "style")
NAMING = ("alt", "aria-label", "placeholder", "title")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_of_the_site_leads_to_a_place(language: str) -> None:
    pages = [page for page in (SITE / language).rglob("*.html") if "_static" not in page.parts]
    dead = [
        f"{page.relative_to(SITE)}: {link}"
        for page in pages
        for link in read(page).links
        if not (urlsplit(link).scheme or leads_somewhere(page, link))
    ]
    assert len(pages) > 30
    assert not dead


def leads_somewhere(page: Path, link: str) -> bool:
    path, place = urlsplit(link).path, unquote(urlsplit(link).fragment)
    target = (page.parent / unquote(path)).resolve() if path else page
    return target.exists() and (target.suffix != ".html" or place in read(target).places)


@pytest.mark.parametrize("name", ["index", "tutorial", "search", "genindex", "howto/deploy"])
def test_the_frame_of_a_chinese_page_has_no_english_words(name: str) -> None:
    english, chinese = (Frame(SITE / language / f"{name}.html").words for language in LANGUAGES)
    names = {"wx_static_store", "English", "中文", "Furo"}
    assert "Back to top" in english
    assert {word for word in english & chinese if re.search("[A-Za-z]{2}", word)} <= names


@pytest.mark.parametrize(("language", "word"), [("en", "collectstat"), ("zh", "令牌")])
def test_the_search_knows_words_of_its_language(language: str, word: str) -> None:
    index = (SITE / language / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(re.sub(r"^Search.setIndex\((.*)\)$", r"\1", index))["terms"]
    assert word in terms


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Serve the site, as `make docs-serve` does."""
    handler = partial(SilentHandler, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield "http://{}:{}".format(*server.server_address)
        server.shutdown()
        thread.join()


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None: ...


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium")
@pytest.mark.parametrize(
    ("language", "query", "title"),
    [
        ("en", "signed link", "Glossary"),
        ("en", "collectstatic", "Tutorial"),
        ("zh", "签名链接", "术语表"),
        ("zh", "令牌", "提供令牌"),
        ("zh", "collectstatic", "教程"),
    ],
)
def test_the_search_finds_a_page(
    chromium: Any, served: str, language: str, query: str, title: str
) -> None:
    from playwright.sync_api import expect

    page = chromium.new_page()
    page.goto(f"{served}/{language}/search.html?{urlencode({'q': query})}")
    found = page.locator("ul.search li > a").filter(has_text=re.compile(f"^{title}$"))
    expect(found.first).to_be_visible()  # results come one by one
    page.close()


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium")
@pytest.mark.parametrize(
    ("language", "query", "guide"),
    [
        ("en", "rollback", "releases"),
        ("en", "token", "tokens"),
        ("en", "preview", "previews"),
        ("en", "85088", "account"),
        ("en", "delete", "delete"),
        ("en", "cron", "schedule"),
        ("zh", "回滚", "releases"),
        ("zh", "rollback", "releases"),
        ("zh", "令牌", "tokens"),
        ("zh", "预览", "previews"),
        ("zh", "85088", "account"),
        ("zh", "删除", "delete"),
        ("zh", "cron", "schedule"),
    ],
)
def test_the_search_shows_the_how_to_first(
    chromium: Any, served: str, language: str, query: str, guide: str
) -> None:
    from playwright.sync_api import expect

    page = chromium.new_page()
    page.goto(f"{served}/{language}/search.html?{urlencode({'q': query})}")
    first = page.locator("ul.search li > a").first
    expect(first).to_have_attribute("href", re.compile(rf"^howto/{guide}\.html"))
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_has_a_twin_in_markdown_that_llms_txt_names(language: str) -> None:
    named = re.findall(r"\]\((\S+\.md)\)", (SITE / language / "llms.txt").read_text("utf-8"))
    pages = {str(page.relative_to(DOCS).with_suffix(".html.md")) for page in DOCS.rglob("*.rst")}
    assert pages == set(named)
    assert all((SITE / language / name).exists() for name in named)
