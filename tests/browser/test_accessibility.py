"""Our pages for everybody: axe finds no fault, and a strict policy finds nothing to refuse."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.demo import Site

from .conftest import END_TRANSITIONS, log_in_once, shoot
from .pages import PAGES

LOOKS: list[tuple[str, Literal["light", "dark"], int]] = [  # with its width in pixels
    ("light", "light", 1280),
    ("dark-phone", "dark", 390),
]
# Of pages that are not ours: its links differ from the text beside them by colour alone.
DJANGOS = [[".breadcrumbs"]]


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
    context = chromium.new_context()
    context.add_cookies(log_in_once(chromium, demo, "demo", "demo"))
    page, messages, policies = context.new_page(), [], set()
    page.on("console", lambda message: messages.append(message.text))
    page.on("response", lambda answer: policies.update(policy(answer)))
    PAGES[request.param](page, demo)
    page.wait_for_load_state("load")
    yield Visit(request.param, page, [*messages], {*policies})
    context.close()
    demo.script()


def findings(page: Page) -> list[str]:
    """Return what axe finds by all its rules, with the element; it fetches no style sheets."""
    found = Axe().run(page, context={"exclude": DJANGOS}, options={"preload": False})
    return [
        f"{violation['impact']} {violation['id']}: {node['html']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


def findings_of_each_look(page: Page, name: str) -> dict[str, list[str]]:
    found = {}
    for look, scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate(END_TRANSITIONS)
        shoot(page, f"{name}-{look}")
        found[look] = findings(page)
    return found


def test_axe_finds_no_fault_on_an_admin_page(visit: Visit) -> None:
    found = findings_of_each_look(visit.page, visit.name)
    assert found == {look: [] for look, _scheme, _width in LOOKS}


@pytest.mark.parametrize("name", ["list", "list-failed", "deployments", "rollouts"])
def test_all_columns_are_seen_beside_sidebar_and_filters(
    context: Callable[..., Any], site: Site, name: str
) -> None:
    page = context(viewport={"width": 1280, "height": 900}).new_page()
    PAGES[name](page, site)
    table = page.locator(".results")
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") == 0


def test_the_admin_pages_break_no_strict_content_security_policy(visit: Visit, demo: Site) -> None:
    assert [text for text in visit.messages if "Content Security Policy" in text] == []
    [policy] = visit.policies
    wanted = {f"{kind}-src 'self' {demo.public}" for kind in ("script", "style")}
    assert wanted <= set(policy.split("; "))


def policy(answer: Any) -> list[str]:
    """Return the policy of a page; what a page loads has none."""
    if not answer.request.is_navigation_request():
        return []
    return [answer.headers.get("content-security-policy", "")]
