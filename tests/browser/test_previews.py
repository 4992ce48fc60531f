"""A preview of a front end that npm builds: published, opened, ended in the admin, blanked."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect

from tests.demo import Site, shell
from wx_static_store.core.types import DELETED

from .conftest import shoot

SOURCE = Path(__file__).with_name("frontend")
MINUTES = 5 * 60  # seconds, for a registry that is slow


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the front end as CI does, with a relative base."""
    folder = tmp_path_factory.mktemp("previews") / "frontend"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    for command in ("ci --prefer-offline --no-audit --no-fund", "run build -- --base=./"):
        done = subprocess.run(
            ["npm", *command.split()], cwd=folder, capture_output=True, text=True, timeout=MINUTES
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


def preview(tree: Path, name: str) -> str:
    """Publish a tree as a preview; return the address in the report."""
    report = tree.with_name("deploy.json")
    options = ("--using", "site", "--yes", "--strict", "--verify", "--json", str(report))
    wx("wx_deploy", str(tree), "--preview", name, *options)
    return str(json.loads(report.read_text())["url"])


def wx(*command: str) -> str:
    return shell(f"from django.core.management import call_command; call_command(*{command!r})")


def deployments(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store/deployment/")


def choose_action(page: Page, name: str, folder: str) -> None:
    """Choose an action for the newest deployment of a folder."""
    row = page.locator("#result_list tbody tr", has_text=folder).first
    row.locator("[name=_selected_action]").check()
    page.locator("[name=action]").select_option(name)


def failures(page: Page) -> list[str]:
    """Return the list that will hold what the page could not load, and its errors."""
    found: list[str] = []

    def note(response: Response) -> None:
        if response.status >= 400 and not response.url.endswith("/favicon.ico"):
            found.append(f"{response.status} {response.url}")

    page.on("response", note)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_a_preview_of_a_build_is_opened_ended_and_blanked(
    chromium: Any, page: Page, site: Site, dist: Path
) -> None:
    before = site.published("app/index.html")
    address = preview(dist, "feature/new menu")
    key = address.removeprefix(f"{site.public}/")
    assert key.startswith("_preview/feature-new-menu-")

    visitor = chromium.new_page()
    wrong = failures(visitor)
    visitor.goto(address)
    expect(visitor.get_by_role("heading", name="Tea")).to_have_css("color", "rgb(0, 100, 60)")
    expect(visitor.locator("meta[name=robots]")).to_have_attribute("content", "noindex")
    assert visitor.get_by_alt_text("A leaf").evaluate("it => it.decode().then(() => true)")
    visitor.get_by_role("link", name="Menu").click()
    expect(visitor.get_by_role("listitem")).to_have_count(3)
    assert wrong == []
    assert site.published("app/index.html") == before

    deployments(page, site)
    choose_action(page, "end_previews", key)
    page.locator(".actions [type=submit]").click()  # called Go or Run, by the version of Django
    expect(page.locator(".messagelist")).to_contain_text("Previews with a new end: 1.")
    assert wx("wx_prune", "--releases", "100", "--yes") == "deleted: ended previews 1\n"
    visitor.goto(address)
    expect(visitor.locator("body")).to_have_text(DELETED.decode().strip())
    assert site.published("app/index.html") == before
    visitor.close()
    names = [path.relative_to(dist).as_posix() for path in dist.rglob("*") if path.is_file()]
    assert {name: site.published(key + name) for name in names} == dict.fromkeys(names, DELETED)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_preview_is_kept_until_a_day(
    browse: Callable[..., Any], site: Site, width: int, language: str
) -> None:
    key = f"_preview/kept-{width}-{language.lower()}-1a2b3c4d/"
    shell(
        "from django.utils.timezone import now\n"
        "from wx_static_store.models import Deployment, FolderState\n"
        "facts = Deployment.objects.filter(using='site').values('env', 'using', 'source')[0]\n"
        f"Deployment.objects.create(folder={key!r}, outcome='done', **facts)\n"
        f"FolderState.objects.in_folder({key!r}).update(ends=now())"
    )
    page = browse(locale=language, viewport={"width": width, "height": 844})
    deployments(page, site)
    day = page.locator("[name=until]")
    expect(day).to_be_hidden()
    choose_action(page, "keep_previews", key)
    expect(day).to_be_visible()
    day.fill(last := f"{date.today() + timedelta(days=12)}")
    shoot(page, f"keep-preview-{width}-{language}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".actions [type=submit]").click()
    row = page.locator("#result_list tbody tr", has_text=key).first
    expect(row).to_contain_text(f"{last} 23:59")
