"""*Overview*: which of many environments needs somebody, at both widths; it never asks WeChat."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.conftest import ENV
from tests.demo import PATIENCE, VAR, Site, serving, shell

from .conftest import IMPATIENT, shoot

OWN = VAR.with_name(f"{VAR.name}-overview")
BAKERY, CLOSED, NEW = "tenant-bakery", "tenant-closed", "tenant-new"
OFFERED = {
    ENV: {"label": "Tea House", "tags": ["ring/early", "city/hangzhou"]},
    BAKERY: {"label": "Bakery", "tags": ["ring/main", "city/hangzhou"]},
    CLOSED: {"label": "Cinema", "tags": ["ring/main"]},
    NEW: {"label": "Bookshop", "tags": ["ring/main"]},
}
ROWS = ".wx-environments tbody tr"
CALLS = ("describestaticstore", "staticfilelist", "staticuploadfile", "describeenvs")
REFUSED = {"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None}


@pytest.fixture(scope="module")
def demo(build: Path) -> Iterator[Site]:
    """Run a demo with four environments: one is live, one fails, one is closed, one is new."""
    offer = f'settings.WX_STATIC_STORE["ENVIRONMENTS"] = lambda user: {OFFERED!r}'
    with serving(f"{IMPATIENT}; {offer}", build, OWN) as site:
        for env, status in {BAKERY: "online", CLOSED: "offline", NEW: "online"}.items():
            asked = {"env": env, "status": status}
            answer = requests.post(f"{site.control}/envs", json=asked, timeout=PATIENCE)
            answer.raise_for_status()
        deploy(ENV)
        site.script(REFUSED | {"key": "*/a.css"})
        deploy(BAKERY)
        site.script()
        command("wx_doctor", env=[ENV, BAKERY, CLOSED])
        yield site


def command(*arguments: str, **options: object) -> None:
    """Run a command, which may end badly, in the process of the demo."""
    shell(
        "from contextlib import suppress\n"
        "from django.core.management import CommandError, call_command\n"
        "with suppress(CommandError, SystemExit):\n"
        f"    call_command(*{arguments!r}, **{options!r})",
        OWN,
    )


def deploy(env: str) -> None:
    with TemporaryDirectory() as root:
        Path(root, "index.html").write_text('<link rel="stylesheet" href="a.css">')
        Path(root, "a.css").write_text("a {}")
        command("wx_deploy", root, "shop/", using="site", env=[env], label="v1", yes=True)


@pytest.fixture(params=[1280, 390])
def width(request: pytest.FixtureRequest, page: Page, site: Site) -> int:
    """Open the overview so wide."""
    page.set_viewport_size({"width": request.param, "height": 844})
    page.goto(f"{site.admin}/wx_static_store_rollouts/overview/")
    expect(page.locator(ROWS).first).to_be_visible()
    return int(request.param)


def names(page: Page) -> list[str]:
    found: list[str] = page.locator(f"{ROWS} th > a").all_inner_texts()
    return found


def choose(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        field = page.get_by_label({"q": "Name or tag", "show": "State"}[label], exact=True)
        field.select_option(label=text) if label == "show" else field.fill(text)
    with page.expect_navigation():
        page.get_by_role("button", name="Filter").click()


def fits(page: Page, width: int) -> bool:
    return int(page.evaluate("document.documentElement.scrollWidth")) <= width


def calls(site: Site) -> int:
    """Return how often WeChat was asked anything about an environment."""
    journal = requests.get(f"{site.control}/journal", timeout=PATIENCE).json()
    return sum(call["name"] in CALLS for call in journal)


def test_the_worst_environment_is_in_the_first_screen(page: Page, width: int) -> None:
    """A closed site comes before one whose last deploy failed."""
    assert names(page)[:2] == ["Cinema", "Bakery"]
    worst, next_one = page.locator(ROWS).all()[:2]
    for row, part in ((worst, "hosting is closed"), (next_one, "Bakery"), (next_one, "failed")):
        box = row.get_by_text(part).first.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 844
    shoot(page, f"overview-{width}")
    assert fits(page, width)


def test_rows_say_what_the_overview_says(page: Page, site: Site, width: int) -> None:
    expect(page.locator(ROWS).filter(has_text="Tea House")).to_contain_text("done")
    expect(page.locator(ROWS).filter(has_text="Bakery")).to_contain_text("40097")
    code = (
        "import json; from wx_static_store.models import Deployment\n"
        "rows = Deployment.objects.filter(folder='shop/').values_list('env', 'outcome')\n"
        "print(json.dumps(dict(rows)))"
    )
    assert json.loads(shell(code, OWN)) == {ENV: "done", BAKERY: "failed"}
    assert site.published("shop/a.css") == b"a {}"


def test_an_address_is_a_link_and_a_closed_site_says_so(page: Page, site: Site, width: int) -> None:
    line = page.locator(ROWS).filter(has_text="Tea House")
    link = line.get_by_role("link", name=f"{site.public.partition('://')[2]}/shop")
    expect(link).to_have_attribute("href", f"{site.public}/shop/")
    expect(link).to_have_attribute("target", "_blank")
    expect(line.locator("th .wx-badge")).to_have_count(0)
    closed = page.locator(ROWS).filter(has_text="Cinema")
    expect(closed.locator("th .wx-badge")).to_have_text("✗ hosting is closed")
    expect(page.locator(ROWS).filter(has_text="Bookshop").locator("th a")).to_have_count(1)
    assert fits(page, width)


def test_a_search_finds_names_and_tags(page: Page, width: int) -> None:
    choose(page, q="cinema")
    assert names(page) == ["Cinema"]
    choose(page, q="city/hang")
    assert names(page) == ["Bakery", "Tea House"]
    choose(page, q="nowhere")
    expect(page.get_by_text("There is no such environment.")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(ROWS)).to_have_count(4)


def test_tags_and_states_narrow_it_down(page: Page, width: int) -> None:
    page.locator("summary", has_text="ring").click()
    page.get_by_label("main").check()
    choose(page)
    assert names(page) == ["Cinema", "Bakery", "Bookshop"]
    expect(page.get_by_label("main")).to_be_checked()
    choose(page, show="last deploy failed")
    assert names(page) == ["Bakery"]
    assert fits(page, width)


def test_failures_are_counted_and_explained_on_the_page_of_their_environment(
    page: Page, width: int
) -> None:
    expect(page.locator(ROWS).filter(has_text="Bakery")).to_contain_text("1 failure in 14 days")
    page.get_by_role("link", name="Bakery").click()
    expect(page.get_by_role("region", name="Still failing")).to_contain_text("a.css")
    assert fits(page, width)


def test_the_page_of_an_environment_leads_to_publish_with_it_chosen(page: Page, width: int) -> None:
    page.get_by_role("link", name="Cinema").click()
    expect(page.locator(".wx-site")).to_contain_text("hosting is closed")
    expect(page.locator(".wx-site")).to_contain_text("ago")
    shoot(page, f"overview-environment-{width}")
    assert fits(page, width)
    page.get_by_role("link", name="Publish a site").click()
    expect(page.get_by_label("Environment")).to_have_value(CLOSED)
    assert fits(page, width)


def test_a_state_that_nobody_asked_for_names_the_command_that_asks(page: Page, width: int) -> None:
    page.get_by_role("link", name="Bookshop").click()
    expect(page.locator(".wx-site")).to_contain_text("not asked")
    expect(page.locator(".wx-site code")).to_have_text(f"wx_doctor --env {NEW}")
    expect(page.get_by_role("region", name="Still failing")).to_contain_text("Nothing fails here")
    assert fits(page, width)


@pytest.mark.parametrize(
    "fault",
    [{"do": "errcode", "errcode": -1}, {"do": "hang", "seconds": 30}, {"do": "reset"}],
    ids=["failing", "slow", "cut off"],
)
def test_a_cloud_in_trouble_is_not_asked(
    page: Page, site: Site, width: int, fault: dict[str, Any]
) -> None:
    site.script(*({"on": call, "times": None} | fault for call in CALLS))
    before = calls(site)
    page.reload()
    expect(page.locator(ROWS)).to_have_count(4)
    page.locator(ROWS).get_by_role("link", name="Tea House").click()
    expect(page.locator(".wx-site")).to_contain_text("open")
    site.script()
    assert calls(site) == before


def test_without_a_script_filters_and_links_work(browse: Callable[..., Any], site: Site) -> None:
    page = browse(java_script_enabled=False)
    page.goto(f"{site.admin}/wx_static_store_rollouts/overview/")
    choose(page, q="bakery")
    assert names(page) == ["Bakery"]
