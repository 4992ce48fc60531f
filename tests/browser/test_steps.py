"""A long action in small steps, stopped and left in the middle; objects and rows are read back."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.demo import VAR, Site, shell

from .conftest import shoot
from .upload_page import wait_for

SLOW = {"on": "put_object", "do": "delay", "seconds": 1, "times": None}
NAMES = [f"{number}.txt" for number in range(6)]
SAID, STOP = "#wx-said", "#wx-stop"


@pytest.fixture
def folder(site: Site) -> str:
    return failed_folder()


def failed_folder(var: Path = VAR) -> str:
    """Return the key of a folder of six public files, of which the newest rows failed."""
    folder = f"uploads/{uuid4().hex}/"
    code = (
        "from io import BytesIO\n"
        "from wx_static_store.core.types import UploadContext, UploadItem\n"
        "from wx_static_store.models import UploadLog\n"
        "from wx_static_store.upload.uploader import get_uploader\n"
        f"names = [{folder!r} + name for name in {NAMES!r}]\n"
        "items = [UploadItem(name, open=lambda: BytesIO(b'tea')) for name in names]\n"
        "list(get_uploader().upload_many(items, UploadContext(source='admin')))\n"
        f"for row in UploadLog.objects.filter(name__startswith={folder!r}).order_by('-key'):\n"
        "    row.pk, row.status, row.errcode, row.source = None, 'failed', 45009, 'admin'\n"
        "    row.cause = '45009'\n"
        "    row.save(force_insert=True)"
    )
    shell(code, var)
    return f"media/{folder}"


def begin(page: Page, site: Site, folder: str) -> None:
    page.goto(f"{site.log}/?q=/{folder}&status=failed")
    for box in page.locator("#result_list .action-select").all():
        box.check()
    page.select_option("[name=action]", value="upload_again")
    page.click("#changelist-form [name=index]")


def sent(site: Site, folder: str) -> list[str]:
    """Return the names that were sent again."""
    return [name for name in NAMES if site.puts(f"{folder}{name}") == 2]


def newest(folder: str, var: Path = VAR) -> dict[str, str]:
    """Return the status of the newest row of each file."""
    code = (
        "import json; from wx_static_store.models import UploadLog\n"
        f"rows = UploadLog.objects.filter(key__startswith={folder!r}).order_by('id')\n"
        "print(json.dumps({row.key.rpartition('/')[2]: row.status for row in rows}))"
    )
    found: dict[str, str] = json.loads(shell(code, var))
    return found


@pytest.mark.parametrize("width", [1280, 390])
def test_a_stop_in_the_middle_leaves_the_rest_untouched(
    page: Page, site: Site, folder: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    site.script(SLOW)
    begin(page, site, folder)
    expect(page.get_by_text("under way…")).to_have_count(4)
    page.click(STOP)
    expect(page.locator(SAID)).to_have_text(
        "Stopped. The rest is untouched. 4 files were uploaded again. Still to be done: 2 rows."
    )
    shoot(page, f"steps-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert sent(site, folder) == NAMES[:4]
    assert newest(folder) == {name: "stored" if name in NAMES[:4] else "failed" for name in NAMES}
    page.get_by_role("button", name="Go on with the rest").click()
    expect(page.locator(SAID)).to_have_text("6 files were uploaded again.")
    assert sent(site, folder) == NAMES


def test_a_page_that_is_closed_in_the_middle_ends_with_what_is_under_way(
    page: Page, site: Site, folder: str
) -> None:
    site.script(SLOW)
    begin(page, site, folder)
    expect(page.get_by_text("under way…")).to_have_count(4)
    wait_for(lambda: site.links(folder) == len(NAMES) + 4, page)
    other = page.context.new_page()
    page.close()  # nothing asks whether to leave
    wait_for(lambda: [*newest(folder).values()].count("stored") == 4, other)
    assert sent(site, folder) == NAMES[:4]
