"""The pages with the most scripts, once each, in Firefox; each ends by reading what is public."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo import Site
from wx_static_store.core.types import DELETED

from .firefox import Firefox, firefox
from .test_publish import KEYS, TREE, published, zipped


@pytest.fixture(scope="module")
def browser(demo: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Return Firefox, in which the superuser is logged in."""
    with firefox(tmp_path_factory.mktemp("firefox")) as found:
        found.open(f"{demo.admin}/")
        found.write("//*[@name='username']", "demo")
        found.write("//*[@name='password']", "demo")
        found.click("//*[@type='submit']")
        found.find("//*[@id='user-tools']")
        yield found


def upload(browser: Firefox, path: Path) -> None:
    """Choose a file on the page that is open, and send it."""
    path.write_bytes(b"tea")
    browser.write("//*[@id='wx-upload']//*[@name='file']", path)
    browser.find("//*[@id='wx-queue']//*[contains(@class, 'wx-new')]")
    browser.click("//*[@id='wx-upload']//*[@type='submit']")
    browser.find("//*[contains(@class, 'wx-result') and contains(@class, 'wx-stored')]")


def test_firefox_uploads_a_file(browser: Firefox, site: Site, folder: str, tmp_path: Path) -> None:
    browser.open(f"{site.log}/upload/?store=default&folder={folder}")
    upload(browser, tmp_path / "a.txt")
    assert site.published(f"media/{folder}a.txt") == b"tea"


def test_firefox_uploads_into_a_folder_of_the_cloud_and_makes_the_file_unpublic(
    browser: Firefox, site: Site, folder: str, tmp_path: Path
) -> None:
    key = f"media/{folder}a.txt"
    browser.open(f"{site.log}/files/?folder=media/{folder}")
    upload(browser, tmp_path / "a.txt")
    assert site.published(key) == b"tea"
    browser.open(f"{site.log}/files/?folder=media/{folder}")
    browser.click("//*[@name='key']")
    browser.click("//*[@value='Make unpublic…']")
    browser.click("//*[@type='submit'][@value='Yes, make them unpublic']")
    browser.find("//*[@class='success'][contains(., '1 file is not public')]")
    assert site.published(key) in (DELETED, None)


def test_firefox_publishes_a_site(
    browser: Firefox, site: Site, folder: str, tmp_path: Path
) -> None:
    (tmp_path / "dist.zip").write_bytes(zipped(TREE))
    browser.open(f"{site.admin}/wx_static_store/deployment/publish/")
    browser.write("//*[@name='folder']", folder)
    browser.write("//form//*[@type='file']", tmp_path / "dist.zip")
    browser.click("//*[@type='submit'][@value='Show what would be sent']")
    browser.click("//*[@type='submit'][@value='Publish now']")
    browser.find("//*[@class='success'][contains(., 'is live:')]")
    assert published(site, folder) == [*KEYS]
