"""Our pages keep their main parts under Django's own admin and under each of its themes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.admin.themes import THEMES
from tests.conftest import ci_package, slow_but
from tests.tables import each

ROOT = Path(__file__).parents[2]
Pages = dict[str, tuple[int, str]]

PARTS = {
    "list": [r'href="[^"]*/uploadlog/upload/[^"]*"', r"books/a\.txt", r"45009", r'name="q"'],
    "detail": [r"books/a\.txt", r"45009", r"quota", r'<button[^>]*formaction="[^"]*/diagnosis/'],
    "upload": [r'<form[^>]*enctype="multipart/form-data"', r'<input[^>]*type="file"', r"public"],
    "still failing": [r"45009 · ", r"books/a\.txt", r"quota", r'<button[^>]*name="dismiss"'],
    "waiting": [r"books/</span><span>b\.txt", r"needs a person", r"45009", r'value="give_up"'],
    "waiting file": [r"books/b\.txt", r"45009", r'value="send_now"', r'href="[^"]*/download/"'],
    "deployments": [r"spring", r"failed", r"Live now in 1 folder", r"dddddddddd"],
    "deployment": [r"spring", r"books/a\.txt", r'href="[^"]*/compare/"', r'href="[^"]*/rollback/"'],
    "compare": [r"<select", r"Nothing differs"],
    "rollback": [r"RELEASE_STORAGE is not set"],
    "rollouts": [r"summer", r"stopped", r"1 failed"],
    "rollout": [r"Wave 1", r'class="wx-square wx-failed"', r"85088", r'value="retry-failed"'],
    "overview": [r'<input[^>]*name="q"', r"demo-1a2b3c", r"85088 Cloud", r"dddddddddd"],
    "health": [r"1 thing is wrong", r"<form[^>]*method=\"post\"", r"Spent"],
    "app": [r'href="[^"]*/health/"[^>]*>Health: 1 thing is wrong'],
    "widget": [r'class="wx-file"', r'href="https://site\.example/books/a\.txt"', r'type="file"'],
}


WAYS = slow_but(THEMES, "admin")


@pytest.fixture(scope="module", params=WAYS)
def theme(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    for app in THEMES[name]:
        ci_package(app)
    return name


@pytest.fixture(scope="module")
def pages(theme: str) -> Pages:
    command = [sys.executable, "-W", "error", "-m", "tests.admin.themes", theme]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-1500:]
    answers: Pages = json.loads(done.stdout)
    return answers


@each("page", PARTS)
def test_a_page_has_its_main_parts_under_each_theme(theme: str, pages: Pages, page: str) -> None:
    status, html = pages[page]
    assert status == 200
    if (theme, page) == ("simpleui", "app"):
        pytest.skip("SimpleUI shows its own shell instead of the page of an app")
    assert [part for part in PARTS[page] if not re.search(part, html)] == []


def test_the_pages_are_those_of_the_theme(theme: str, pages: Pages) -> None:
    """Or the test above would look at Django's own six times."""
    name = {"simpleui": "simpleui-x"}.get(theme, theme)
    assert all(re.search(rf'="/static/[^"]*\b{name}/', html) for _status, html in pages.values())
