"""The MD5 that the browser computes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.demo import Site


@pytest.fixture(scope="module")
def hashing(demo: Site, chromium: Any) -> Iterator[Page]:
    """Open a page of the public site with md5.js and nothing else of the upload page."""
    script = Path(__file__).parents[2] / "wx_static_store/static/wx_static_store/md5.js"
    browser = chromium.new_context()
    page = browser.new_page()
    page.goto(f"{demo.public}/app/index.html")
    page.add_script_tag(path=script)
    yield page
    browser.close()


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 3 * 2**20, 5 * 2**20 + 7])
def test_the_md5_that_the_browser_computes_is_right(hashing: Page, size: int) -> None:
    """Bytes that follow a simple rule on both sides; the largest come in pieces."""
    content = bytes((i * 7 + (i >> 8)) % 256 for i in range(size))
    make = (
        "(size) => wxMd5(new Blob([Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >> 8))]))"
    )
    found = hashing.evaluate(make, size)
    assert found == hashlib.md5(content, usedforsecurity=False).hexdigest()
