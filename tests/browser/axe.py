"""What is asked of a page by axe, which finds what hinders people, and of the page's policy."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

RUN = """(context) => axe.run(context, { preload: false, resultTypes: ["violations"] })
    .then(({ violations }) => violations.flatMap(
        ({ id, impact, nodes }) => nodes.map(({ html }) => `${impact} ${id}: ${html}`)))"""
# Of pages that are not ours: its links differ from the text beside them by colour alone.
DJANGOS = [[".breadcrumbs"]]


def findings(page: Any) -> list[str]:
    """Return what axe finds by all its rules, with the element; it fetches no style sheets."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(RUN, {"exclude": DJANGOS})
    return found


def policy(answer: Any) -> list[str]:
    """Return the policy of a page; what a page loads has none."""
    if not answer.request.is_navigation_request():
        return []
    return [answer.headers.get("content-security-policy", "")]
