"""The site is killed in the middle of uploads, and the upload page goes on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.demo import EXAMPLE, VAR, Site
from tests.waiting import wait_for

from .conftest import rows, shoot
from .upload_page import FAILED, STORED, SUBMIT, choose, opened, states

LEASE = 6  # seconds, in place of half a minute
CODE = f"""
import django, sys
django.setup()
from django.core.management import call_command
from wx_static_store.submit import submission
submission.LEASE = {LEASE}
call_command("runserver", sys.argv[1], use_reloader=False)
"""
SAID = "#wx-said"
UNKNOWN = ".wx-result.wx-unknown"


def free_address() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


@dataclass
class Twin:
    """Another process of the demo's site, which may be killed and started again."""

    demo: Site
    address: str = field(default_factory=free_address)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "EXAMPLE_VAR": str(VAR),
            "EMULATOR_API": self.demo.control.removesuffix("/__emulator__"),
            "EMULATOR_SITE": self.demo.public,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, self.address],
            cwd=EXAMPLE,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.answers, "an answer of the site")

    def answers(self) -> bool:
        try:
            return requests.get(f"http://{self.address}/admin/login/", timeout=5).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None


@pytest.fixture
def twin(site: Site) -> Iterator[Twin]:
    found = Twin(site)
    found.start()
    yield found
    found.kill()


def test_after_a_kill_the_page_goes_on_and_looks_up_what_was_under_way_by_one_call(
    twin: Twin, site: Site, browse: Callable[..., Any], folder: str
) -> None:
    page: Page = browse()
    opened(page, site._replace(site=f"http://{twin.address}"))
    keys = {name: f"media/{folder}{name}.txt" for name in "abcdef"}
    site.script(
        {"on": "put_object", "key": keys["a"], "do": "delay", "seconds": 60},
        {"on": "put_object", "key": keys["b"], "do": "delay", "seconds": 60},
        {"on": "put_object", "key": keys["c"], "do": "hang", "seconds": 60},
    )
    choose(page, folder, *((f"{name}.txt", b"tea") for name in keys))
    states(page)
    page.click(SUBMIT)
    wait_for(lambda: all(site.puts(keys[name]) for name in "abc"), "three files under way")
    twin.kill()
    expect(page.locator(SAID)).to_contain_text("does not answer")
    assert site.puts(keys["d"]) == 0
    shoot(page, "upload-killed-silent")
    lists = site.lists()
    twin.start()
    # The others are public before anybody can know what became of the first three.
    expect(page.locator(SAID)).to_contain_text("the outcome of 3 files is looked up")
    expect(page.locator(STORED)).to_have_count(3)
    shoot(page, "upload-killed-looking")
    expect(page.locator(SAID)).to_contain_text("Public now 5")
    shoot(page, "upload-killed-ended")
    assert site.lists() == lists + 3 + 1  # for each of the others whether its name is free
    assert [row["status"] for row in rows(key=keys["a"])] == ["stored"]
    assert [row["status"] for row in rows(key=keys["c"])] == ["unknown"]
    expect(page.locator(UNKNOWN)).to_contain_text("Interrupted")
    page.locator(UNKNOWN).get_by_role("button", name="Try again").click()
    expect(page.locator(STORED)).to_have_count(6)
    expect(page.locator(FAILED)).to_have_count(0)
    assert [site.puts(key) for key in keys.values()] == [1, 1, 2, 1, 1, 1]
