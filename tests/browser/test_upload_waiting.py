"""The upload page of a store whose files wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.demo import VAR, Site, serving

from .upload_page import SUBMIT, choose, opened, states

OWN = VAR.with_name(f"{VAR.name}-waiting")
WAITING = "; ".join(
    [
        'settings.STORAGES["kept"] = {"BACKEND": "django.core.files.storage.InMemoryStorage"}',
        'settings.STORAGES["default"]["OPTIONS"]["wait"] = "outage"',
        'settings.WX_STATIC_STORE["WAITING_STORAGE"] = "kept"',
    ]
)


@pytest.fixture(scope="module")
def demo(build: Path) -> Iterator[Site]:
    with serving(WAITING, build, OWN) as site:
        yield site


def test_files_that_wait_are_counted_and_are_no_failures(page: Page, site: Site) -> None:
    quota = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None}
    site.script(quota)
    opened(page, site)
    choose(page, "uploads/waiting", ("a.txt", b"tea"), ("b.txt", b"sea"))
    states(page)
    page.click(SUBMIT)
    said = "Public now 0, waiting 2, skipped 0, not uploaded 0."
    expect(page.locator("#wx-said")).to_have_text(said)
    expect(page.locator(".wx-result.wx-waiting strong")).to_have_text(["Waits", "Waits"])
    expect(page.locator(".wx-retry:visible, #wx-again:visible")).to_have_count(0)
