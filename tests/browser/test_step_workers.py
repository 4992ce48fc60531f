"""*Upload again* by a worker of Celery, a process of its own: handed over, stopped, done."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.demo import EXAMPLE, VAR, Site, serving
from tests.waiting import wait_for

from .conftest import IMPATIENT, shoot
from .test_steps import NAMES, SAID, STOP, begin, failed_folder, newest, sent

OWN = VAR.with_name(f"{VAR.name}-workers")
WHERE = {"EXAMPLE_VAR": str(OWN), "DJANGO_SETTINGS_MODULE": "example.settings"}


@pytest.fixture(scope="module")
def demo(build: Path) -> Iterator[Site]:
    """Run a demo whose project has a Celery app, with messages as files."""
    with serving(f"{IMPATIENT}; import example.celery", build, OWN) as site:
        yield site


@contextmanager
def worker(site: Site) -> Iterator[None]:
    emulator = {"EMULATOR_API": site.control.rpartition("/")[0], "EMULATOR_SITE": site.public}
    command = [sys.executable, "-m", "celery", "--app", "example.celery", "worker"]
    command += ["--pool", "solo", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    said = OWN / "worker.log"
    with said.open("wb") as log:
        running = subprocess.Popen(
            command, cwd=EXAMPLE, env=os.environ | WHERE | emulator, stdout=log, stderr=log
        )
        try:
            wait_for(lambda: b" ready." in said.read_bytes(), "a worker")
            yield
        finally:
            running.terminate()
            running.wait(20)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_a_worker_has_is_named_when_one_stops_and_ends_when_one_goes_on(
    page: Page, site: Site, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    folder = failed_folder(OWN)
    begin(page, site, folder)
    expect(page.locator(".wx-state", has_text="with a worker")).to_have_count(4)
    page.click(STOP)
    expect(page.locator(SAID)).to_have_text(
        "Stopped. The rest is untouched. 4 files are with workers: their rows will be in the log. "
        "Still to be done: 2 rows."
    )
    shoot(page, f"steps-workers-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert sent(site, folder) == []
    with worker(site):
        page.get_by_role("button", name="Go on with the rest").click()
        expect(page.locator(SAID)).to_have_text("6 files were uploaded again.")
    assert sent(site, folder) == NAMES
    assert newest(folder, OWN) == dict.fromkeys(NAMES, "stored")


def test_what_no_worker_takes_is_uploaded_from_the_page(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    folder = failed_folder(OWN)
    begin(page, site, folder)
    expect(page.locator(".wx-state", has_text="with a worker")).to_have_count(4)
    from_here = page.get_by_role("button", name="Upload from this page")
    expect(from_here).to_be_hidden()
    page.click(STOP)
    go_on = page.get_by_role("button", name="Go on with the rest")
    expect(go_on).to_be_visible()
    handed = page.locator("[name=handed]")
    handed.evaluate("(field) => { field.value = field.value.replace(/:[0-9]+/g, ':1'); }")
    go_on.click()  # a minute later, as it were
    expect(page.locator("#wx-error")).to_contain_text("A file was not sent within a minute.")
    shoot(page, "steps-no-worker-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    from_here.click()
    expect(page.locator(SAID)).to_have_text("6 files were uploaded again.")
    expect(from_here).to_be_hidden()
    assert sent(site, folder) == NAMES
    assert newest(folder, OWN) == dict.fromkeys(NAMES, "stored")
