"""The example project in a real browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

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
        wanted = {"The site", "The public", "The emulator's", "The front"}
        try:
            assert wanted <= set(found), "".join(lines)
            yield found
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=20)
    assert demo.returncode == 0


@pytest.fixture(scope="module")
def fetched(addresses: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What Chromium loaded from the public site for a page: «destination: key»."""
    before = len(fetches(addresses))
    browse(addresses["The site"] + "/1/", tmp_path_factory.mktemp("profile"))
    return set(fetches(addresses)[before:])


def browse(url: str, profile: Path) -> "subprocess.CompletedProcess[str]":
    """The page as scripts left it, on stdout; what Chromium and the page's console say of it."""
    assert CHROMIUM, "chromium is required here and missing"
    return subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom",
         url],
        check=True,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )  # fmt: skip


def fetches(addresses: dict[str, str]) -> list[str]:
    """What browsers have got of the public site until now."""
    journal = requests.get(addresses["The emulator's"] + "/journal?name=get_object", timeout=10)
    return [
        f"{entry['headers']['sec-fetch-dest']}: {entry['key']} {entry['status']}"
        for entry in json.loads(journal.content)
        if "sec-fetch-dest" in entry["headers"]
    ]


def test_the_page_loads_its_style_sheet_from_the_public_site(fetched: set[str]) -> None:
    assert any(re.fullmatch(r"style: static/documents/style\.\w{12}\.css 200", f) for f in fetched)


def test_the_page_loads_the_documents_image_from_the_public_site(fetched: set[str]) -> None:
    assert "image: media/images/tea_hills.png 200" in fetched


def test_nothing_of_the_page_is_missing(fetched: set[str]) -> None:
    assert all(f.endswith(" 200") for f in fetched), fetched


# --- the front end that wx_deploy published -------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """A page of the front end as its script left it, and what was fetched and said meanwhile."""

    page: str
    source: str
    shown: str
    fetched: list[str]
    console: list[str]


@pytest.fixture(scope="module", params=["index.html", "teas.html"])
def visit(
    request: pytest.FixtureRequest,
    addresses: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Visit:
    before, url = len(fetches(addresses)), urljoin(addresses["The front"], request.param)
    chromium = browse(url, tmp_path_factory.mktemp("profile"))
    return Visit(
        page=request.param,
        source=(EXAMPLE / "frontend" / "dist" / request.param).read_text("utf-8"),
        shown=chromium.stdout,
        fetched=fetches(addresses)[before:],
        console=[line for line in chromium.stderr.splitlines() if ":CONSOLE:" in line],
    )


def test_a_page_of_the_front_end_gets_all_that_it_names(visit: Visit) -> None:
    named = set(re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="\./([^"]+)"', visit.source))
    assert {f"app/{name} 200" for name in {visit.page, *named}} == {
        fetch.partition(": ")[2] for fetch in visit.fetched
    }
    assert {"document", "script", "style", "image"} == {f.partition(":")[0] for f in visit.fetched}


def test_a_page_of_the_front_end_has_nothing_to_complain_of(visit: Visit) -> None:
    assert visit.console == []


def test_the_script_of_a_page_has_run(visit: Visit) -> None:
    """It sets the clock of the timer, and fills the list of teas."""
    script = {"index.html": r'id="clock"[^>]*>\d\d:\d\d<', "teas.html": r'<a class="card"'}
    assert not re.search(script[visit.page], visit.source)
    assert re.search(script[visit.page], visit.shown)
