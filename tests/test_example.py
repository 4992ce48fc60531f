"""The example project without a browser: its Chinese, and what ``make demo`` leaves to look at."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polib
import pytest

import wx_static_store
from tests.conftest import slow
from tests.demo import EXAMPLE

MESSAGES = EXAMPLE / "locale/zh_Hans/LC_MESSAGES"
CATALOGUE = polib.pofile(str(MESSAGES / "django.po"))
PACKAGE = Path(wx_static_store.__file__).parent / "locale/zh_Hans/LC_MESSAGES/django.po"

# As `demo.main`, without what it publishes and compares before.
CODE = """
import json, os, sys, demo, showcase
from pathlib import Path
from example.tenants import HANGZHOU, SUZHOU
demo.VAR = Path(sys.argv[1])
with demo.EmulatorServer(envs=[HANGZHOU, SUZHOU]) as emulator:
    demo.prepare(emulator, two_shops=True)
    with demo.closing_databases(), demo.served() as site:
        demo.receive_ticket(emulator, site)
        problem = showcase.fill(emulator, demo.VAR)
        with demo.translation.override("zh-hans"):
            sights = list(showcase.sights())
        pages = [
            demo.requests.get(f"{emulator.site_url(env)}/app/index.html").text
            for env in (HANGZHOU, SUZHOU)
        ]
        demo.call_command("wx_deploy", "--using", "site", "--env", HANGZHOU, "--prefix", demo.APP,
                          "--rollback", "v1.0", "--yes", stdout=open(os.devnull, "w"))
        after = demo.requests.get(f"{emulator.site_url(HANGZHOU)}/app/index.html").text
found = {"problem": problem, "sights": sights, "pages": pages, "after": after}
print(json.dumps(found))
"""
NEWS = "The new teas are here"


def run(code: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in the folder of the example."""
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=EXAMPLE,
        env={k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the demo left, and what the sites of the shops show."""
    folder = tmp_path_factory.mktemp("demo")
    done = run(CODE, str(folder / "var"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@slow
def test_the_demo_leaves_the_failures_that_it_tells_of(left: dict[str, Any]) -> None:
    assert left["problem"] == ""


@slow
def test_one_shop_has_the_second_release_and_the_other_the_first(left: dict[str, Any]) -> None:
    assert [NEWS in page for page in left["pages"]] == [True, False]


@slow
def test_a_roll_back_of_the_demo_brings_the_first_release(left: dict[str, Any]) -> None:
    assert left["after"] == left["pages"][1]


@slow
def test_the_demo_tells_in_chinese_what_it_did(left: dict[str, Any]) -> None:
    assert ["杭州" in left["sights"][0][0], "45009" in left["sights"][2][0]] == [True, True]


@slow
def test_a_demo_that_ends_at_once_prints_no_address_that_nobody_answers(tmp_path: Path) -> None:
    """And no progress of its deploys among what it says."""
    code = f"""
import demo, sys
from pathlib import Path
demo.VAR = Path({str(tmp_path / "var")!r})
demo.TABLE, demo.HERE = demo.VAR / "uploaded.txt", demo.VAR / "here"
sys.argv.append("--once")
sys.exit(demo.main())
"""
    done = run(code)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it worked." in done.stdout
    assert "http://" not in done.stdout
    assert " files, " not in done.stderr


def test_every_text_of_the_example_is_translated() -> None:
    assert [entry.msgid for entry in CATALOGUE if not entry.translated()] == []


def test_the_compiled_texts_of_the_example_are_those_of_its_catalogue() -> None:
    compiled = {e.msgid: e for e in polib.mofile(str(MESSAGES / "django.mo"))}
    for entry in CATALOGUE:
        found = compiled[entry.msgid]
        assert (found.msgstr, found.msgstr_plural) == (entry.msgstr, entry.msgstr_plural)


def test_the_example_changes_no_text_of_the_package() -> None:
    """Texts of a project come before those of its apps."""
    theirs = {entry.msgid: entry.msgstr for entry in polib.pofile(str(PACKAGE))}
    same = [entry for entry in CATALOGUE if theirs.get(entry.msgid)]
    assert [entry.msgid for entry in same if entry.msgstr != theirs[entry.msgid]] == []
