"""*Publish a site*: from an archive to its address; each ends by reading objects and rows."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from random import randbytes
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import Site, shell

from .conftest import shoot
from .upload_page import wait_for

WIDTHS = [1280, 390]
PAGE = b'<link rel="stylesheet" href="a.css"><script src="b.js"></script>'
TREE = {"dist/index.html": PAGE, "dist/a.css": b"a {}", "dist/b.js": randbytes(200_000)}
KEYS = ("a.css", "b.js", "index.html")
SAID, OUTCOME = ".messagelist", ".field-outcome"


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, page: Page) -> int:
    page.set_viewport_size({"width": request.param, "height": 844})
    return int(request.param)


@pytest.fixture
def folder() -> str:
    return f"{uuid4().hex}/"


def plan(page: Page, site: Site, folder: str, content: bytes, name: str = "dist.zip") -> None:
    """Choose an archive, and ask what would be sent."""
    page.goto(f"{site.admin}/wx_static_store/deployment/publish/")
    page.get_by_label("Folder").fill(folder)
    page.get_by_label("Label").fill("v1")
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.get_by_label("Archive").set_input_files([file])  # type: ignore[list-item]
    page.get_by_role("button", name="Show what would be sent").click()


def confirm(page: Page) -> None:
    page.get_by_role("button", name="Publish now").click()


def publish(page: Page, site: Site, folder: str, files: Mapping[str, bytes] = TREE) -> None:
    plan(page, site, folder, zipped(files))
    confirm(page)


def published(site: Site, folder: str) -> list[str]:
    """Return the names that everybody gets as they are in the archive."""
    return [name for name in KEYS if site.published(folder + name) == TREE[f"dist/{name}"]]


def deployments(folder: str) -> list[dict[str, Any]]:
    """Return the rows of this folder's deployments, the newest first, with those of their files."""
    code = (
        "import json; from wx_static_store.models import Deployment, UploadLog\n"
        f"found = Deployment.objects.filter(folder={folder!r}).order_by('-id')\n"
        "columns = ('pk', 'outcome', 'label', 'stored', 'skipped', 'failed', 'not_attempted')\n"
        "rows = [dict(row) for row in found.values(*columns)]\n"
        "for row in rows:\n"
        "    log = UploadLog.objects.filter(deployment_id=row.pop('pk')).order_by('key')\n"
        "    row['files'] = {one.name.rpartition('/')[2]: one.status for one in log}\n"
        "print(json.dumps(rows))"
    )
    rows: list[dict[str, Any]] = json.loads(shell(code))
    return rows


def fits(page: Page, width: int) -> bool:
    return int(page.evaluate("document.documentElement.scrollWidth")) <= width


def test_an_archive_becomes_a_site_with_an_address(
    page: Page, site: Site, folder: str, width: int
) -> None:
    links = TREE | {"dist/index.html": PAGE + b'<img src="gone.png">'}
    plan(page, site, folder, zipped(links))
    expect(page.locator(".wx-counts")).to_contain_text("3 to be sent")
    expect(page.locator(".wx-counts")).to_contain_text("0 unchanged")
    expect(page.locator(".messagelist .warning")).to_contain_text("gone.png")
    expect(page.locator(".wx-code .wx-qr")).to_be_visible()
    shoot(page, f"publish-plan-{width}")
    assert fits(page, width)
    assert published(site, folder) == []
    confirm(page)
    expect(page.locator(f"{SAID} .success")).to_contain_text("is live:")
    address = f"{site.public}/{folder}"
    expect(page.get_by_role("link", name=address)).to_have_attribute("target", "_blank")
    expect(page.locator(".wx-code .wx-qr")).to_be_visible()
    shoot(page, f"publish-done-{width}")
    assert fits(page, width)
    assert site.published(f"{folder}index.html") == links["dist/index.html"]
    assert published(site, folder) == ["a.css", "b.js"]
    [row] = deployments(folder)
    assert (row["outcome"], row["label"], row["stored"]) == ("done", "v1", 3)
    assert row["files"] == dict.fromkeys(KEYS, "stored")


def test_an_asset_that_wechat_refuses_holds_the_page_back(
    page: Page, site: Site, folder: str, width: int
) -> None:
    plan(page, site, folder, zipped(TREE))
    refused = {"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None}
    site.script(refused | {"key": "*/a.css"})
    confirm(page)
    said = page.locator(f"{SAID} .error")
    expect(said).to_contain_text("The deployment failed.")
    expect(said).to_contain_text("held back 1")
    expect(said).to_contain_text("40097")
    expect(said).to_contain_text("choose the archive again")
    expect(page.locator(OUTCOME)).to_contain_text("failed")
    expect(page.locator(".wx-cause")).to_contain_text(f"{folder}a.css")
    expect(page.locator(".wx-names")).to_contain_text(f"{folder}index.html")
    shoot(page, f"publish-refused-{width}")
    assert fits(page, width)
    assert published(site, folder) == ["b.js"]
    [row] = deployments(folder)
    assert (row["outcome"], row["failed"], row["not_attempted"]) == ("failed", 1, 1)
    assert row["files"] == {"a.css": "failed", "b.js": "stored"}
    site.script()
    publish(page, site, folder)
    expect(page.locator(f"{SAID} .success")).to_contain_text("is live:")
    assert published(site, folder) == [*KEYS]
    assert site.puts(f"{folder}b.js") == 1


def test_a_connection_that_is_cut_off_is_said_and_mended_by_another_publish(
    page: Page, site: Site, folder: str, width: int
) -> None:
    plan(page, site, folder, zipped(TREE))
    cut = {"on": "put_object", "do": "reset_after", "bytes": 1000, "times": None}
    site.script(cut | {"key": "*/b.js"})
    confirm(page)
    said = page.locator(f"{SAID} .error")
    expect(said).to_contain_text("The deployment failed.")
    expect(said).to_contain_text(f"{folder}b.js")
    assert fits(page, width)
    assert published(site, folder) == ["a.css"]
    [row] = deployments(folder)
    assert (row["outcome"], row["files"].keys()) == ("failed", {"a.css", "b.js"})
    assert row["files"]["b.js"] != "stored"
    site.script()
    plan(page, site, folder, zipped(TREE))
    expect(page.locator(".wx-counts")).to_contain_text("1 unchanged")
    confirm(page)
    expect(page.locator(f"{SAID} .success")).to_contain_text("is live:")
    assert published(site, folder) == [*KEYS]
    assert [row["outcome"] for row in deployments(folder)] == ["done", "failed"]


def test_a_slow_cloud_is_waited_for(page: Page, site: Site, folder: str, width: int) -> None:
    plan(page, site, folder, zipped(TREE))
    expect(page.locator(".wx-publish")).to_contain_text("at most 20 seconds")
    site.script({"on": "put_object", "do": "delay", "seconds": 2, "times": None})
    confirm(page)
    expect(page.locator(f"{SAID} .success")).to_contain_text("is live:")
    assert published(site, folder) == [*KEYS]
    assert [row["outcome"] for row in deployments(folder)] == ["done"]


def test_a_cloud_that_hangs_is_given_up_before_the_web_server_gives_up_the_request(
    page: Page, site: Site, folder: str
) -> None:
    plan(page, site, folder, zipped(TREE))
    hang = {"on": "put_object", "do": "hang", "seconds": 40, "times": None}
    site.script(hang | {"key": "*/a.css"})
    confirm(page)
    expect(page.locator(f"{SAID} .error")).to_contain_text("The deployment failed.", timeout=30_000)
    site.script()
    assert published(site, folder) == ["b.js"]
    [row] = deployments(folder)
    assert row["outcome"] in ("failed", "incomplete")
    publish(page, site, folder)
    expect(page.locator(f"{SAID} .success")).to_be_visible()
    assert published(site, folder) == [*KEYS]


def test_a_page_that_is_closed_in_mid_flight_leaves_a_whole_site(
    page: Page, site: Site, folder: str, width: int
) -> None:
    plan(page, site, folder, zipped(TREE))
    site.script({"on": "put_object", "do": "delay", "seconds": 1, "times": None})
    other = page.context.new_page()
    page.get_by_role("button", name="Publish now").click(no_wait_after=True)
    wait_for(lambda: site.links(folder) > 0, other)
    page.close()
    wait_for(lambda: [row["outcome"] for row in deployments(folder)] == ["done"], other)
    assert published(site, folder) == [*KEYS]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("dist.zip", b"no archive", "The archive cannot be unpacked"),
        ("dist.rar", b"no archive", "is no .zip and no .tar.gz"),
        ("dist.zip", zipped({"a.txt": b"0" * 2**24}), "unfolds to more than 200 times its size"),
        ("dist.zip", zipped({"../a.txt": b"a"}), "has a part '.' or '..'"),
        ("dist.zip", zipped({}), "The archive holds no file"),
    ],
    ids=["no archive", "another kind", "bomb", "outside", "empty"],
)
def test_an_archive_that_cannot_be_published_is_an_error_of_its_field(
    page: Page, site: Site, folder: str, width: int, name: str, content: bytes, error: str
) -> None:
    plan(page, site, folder, content, name)
    field = page.locator(".form-row.errors")
    expect(field).to_have_count(1)
    expect(field).to_contain_text(error)
    expect(field.get_by_label("Archive")).to_be_visible()
    expect(page.get_by_label("Folder")).to_have_value(folder)
    shoot(page, f"publish-error-{width}")
    assert fits(page, width)
    assert deployments(folder) == []


def test_without_a_script_a_site_is_published(
    browse: Callable[..., Any], site: Site, folder: str
) -> None:
    page = browse(java_script_enabled=False)
    publish(page, site, folder)
    expect(page.locator(f"{SAID} .success")).to_contain_text("is live:")
    assert published(site, folder) == [*KEYS]
