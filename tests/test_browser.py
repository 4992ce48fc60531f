"""The example project in a real browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

EXAMPLE = Path(__file__).parent.parent / "example_project"
CHROMIUM = shutil.which("chromium")
REQUIRED = "WX_REQUIRE_BROWSER" in os.environ

pytestmark = pytest.mark.skipif(
    not CHROMIUM and not REQUIRED, reason="needs Debian's chromium on the PATH"
)

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """The demo, serving; where its site and its emulator are."""
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    with subprocess.Popen(
        [sys.executable, "-u", "demo.py"],
        cwd=EXAMPLE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C ends it" in line:
                break
        found = dict(re.findall(r"^(The \S+).*?(http://\S+?)/?(?:\s|$)", "".join(lines), re.M))
        try:
            assert {"The site", "The public", "The emulator's"} <= set(found), "".join(lines)
            yield found
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=20)
    assert demo.returncode == 0


@pytest.fixture(scope="module")
def fetched(addresses: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What Chromium loaded from the public site for a page: «destination: key»."""
    picture = tmp_path_factory.mktemp("browser") / "page.png"
    profile = tmp_path_factory.mktemp("profile")
    assert CHROMIUM, "chromium is required here and missing"
    subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={profile}", f"--screenshot={picture}",
         addresses["The site"] + "/1/"],
        check=True,
        capture_output=True,
        timeout=60,
    )  # fmt: skip
    journal = requests.get(addresses["The emulator's"] + "/journal?name=get_object", timeout=10)
    entries = json.loads(journal.content)
    return {
        f"{entry['headers']['sec-fetch-dest']}: {entry['key']} {entry['status']}"
        for entry in entries
        if "sec-fetch-dest" in entry["headers"]
    }


def test_the_page_loads_its_style_sheet_from_the_public_site(fetched: set[str]) -> None:
    assert any(re.fullmatch(r"style: static/documents/style\.\w{12}\.css 200", f) for f in fetched)


def test_the_page_loads_the_documents_image_from_the_public_site(fetched: set[str]) -> None:
    assert "image: media/images/tea_hills.png 200" in fetched


def test_nothing_of_the_page_is_missing(fetched: set[str]) -> None:
    assert all(f.endswith(" 200") for f in fetched), fetched
