"""The example project's own pages, and the front end that ``wx_deploy`` published."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.demo import EXAMPLE, Site


def fetches(site: Site) -> list[str]:
    """Return what browsers got of the public site until now: «destination: key status»."""
    journal = requests.get(f"{site.control}/journal?name=get_object", timeout=10)
    return [
        f"{entry['headers']['sec-fetch-dest']}: {entry['key']} {entry['status']}"
        for entry in journal.json()
        if "sec-fetch-dest" in entry["headers"]
    ]


@dataclass(frozen=True)
class Visit:
    """A page as its script left it, and what was fetched and said meanwhile."""

    shown: str
    fetched: set[str]
    console: list[str]


def visit(chromium: Any, site: Site, url: str) -> Visit:
    before, console = len(fetches(site)), []
    with chromium.new_context() as context:  # with a cache of its own, which is empty
        page = context.new_page()
        page.on("console", lambda message: console.append(message.text))
        page.goto(url, wait_until="networkidle")
        return Visit(page.content(), {*fetches(site)[before:]}, console)


@pytest.fixture(scope="module")
def fetched(chromium: Any, demo: Site) -> set[str]:
    return visit(chromium, demo, f"{demo.site}/1/").fetched


def test_the_page_loads_its_style_sheet_from_the_public_site(fetched: set[str]) -> None:
    assert any(re.fullmatch(r"style: static/documents/style\.\w{12}\.css 200", f) for f in fetched)


def test_the_page_loads_the_documents_image_from_the_public_site(fetched: set[str]) -> None:
    assert "image: media/images/tea_hills.png 200" in fetched


def test_every_file_of_the_page_is_loaded(fetched: set[str]) -> None:
    assert all(f.endswith(" 200") for f in fetched), fetched


# --- the front end --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["index.html", "teas.html"])
def page_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def built(page_name: str) -> str:
    return (EXAMPLE / "frontend" / "dist" / page_name).read_text("utf-8")


@pytest.fixture(scope="module")
def seen(chromium: Any, demo: Site, page_name: str) -> Visit:
    return visit(chromium, demo, f"{demo.public}/app/{page_name}")


def test_a_page_of_the_front_end_loads_all_files_that_it_names(
    page_name: str, built: str, seen: Visit
) -> None:
    named = set(re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="/app/([^"]+)"', built))
    got = {fetch.partition(": ")[2] for fetch in seen.fetched}
    assert {f"app/{name} 200" for name in {page_name, *named}} <= got
    assert all(fetch.endswith(" 200") for fetch in got), got
    assert {"document", "script", "style", "image"} == {f.partition(":")[0] for f in seen.fetched}


def test_a_page_of_the_front_end_logs_no_error(seen: Visit) -> None:
    assert seen.console == []


def test_the_script_of_a_page_has_run(page_name: str, built: str, seen: Visit) -> None:
    """It sets the clock of the timer, and fills the list of teas."""
    script = {"index.html": r'id="clock"[^>]*>\d\d:\d\d<', "teas.html": r'<a class="card"'}
    assert not re.search(script[page_name], built)
    assert re.search(script[page_name], seen.shown)


# --- the start page -------------------------------------------------------------------------------


@pytest.fixture
def start(browse: Any, site: Site) -> Any:
    """Open the start page in a Chinese browser."""
    page = browse(locale="zh-CN")
    page.goto(f"{site.site}/")
    return page


def test_the_start_page_speaks_chinese(start: Any) -> None:
    assert start.locator("html").get_attribute("lang") == "zh-hans"
    assert "已于" in start.locator(".news").inner_text()
    assert re.fullmatch(r"\d{4}年\d+月\d+日", start.locator(".card time").first.inner_text())


def test_the_language_chosen_at_the_foot_of_a_page_stays(start: Any, site: Site) -> None:
    start.click(".languages [value=en]")
    start.goto(f"{site.admin}/")
    assert start.locator("html").get_attribute("lang") == "en"


def test_the_start_page_tells_of_uploads_only_to_those_who_may_see_them(
    chromium: Any, start: Any, site: Site
) -> None:
    with chromium.new_context() as stranger:
        page = stranger.new_page()
        page.goto(f"{site.site}/")
        assert page.locator(".news li").count() == 1
    assert start.locator(".news li").count() == 3


def test_each_link_of_the_start_page_leads_to_a_page(start: Any, site: Site) -> None:
    links = start.locator("main a").evaluate_all("all => all.map(one => one.href)")
    assert f"{site.admin}/wx_static_store_rollouts/overview/" in links
    assert [url for url in links if start.context.request.get(url).status != 200] == []


def test_the_first_page_of_the_admin_shows_the_environments(start: Any, site: Site) -> None:
    start.goto(f"{site.admin}/")
    assert start.locator("#wx-overview-panel").is_visible()
