"""What an index and a newcomer read: README, changelog, the policies, setup.cfg."""

import re
import shlex
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import ci_package
from tests.nightly import NEWEST, PARTS
from wx_static_store import __version__
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload import get_store

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "SECURITY.rst").read_text("utf-8")
CI = (ROOT / ".ci/run").read_text("utf-8")

PAGES = ["README.rst", "README.zh.rst", "CHANGELOG.rst", "SECURITY.rst"]
# As an index renders: it reads no other file, takes no HTML, and each warning ends it.
OF_AN_INDEX = {"file_insertion_enabled": False, "raw_enabled": False, "halt_level": 2}


def classifiers(kind: str) -> list[str]:
    """Return what follows `kind` in the classifiers that end with a version."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return re.findall(rf"^{kind} :: (\d\.\d+)$", parser["metadata"]["classifiers"], re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_renders_on_an_index_and_needs_no_file_beside_it(name: str) -> None:
    docutils = ci_package("docutils.core")
    page = (ROOT / name).read_text("utf-8")
    html = docutils.publish_string(page, writer="html5", settings_overrides=OF_AN_INDEX).decode()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html.partition("<main")[2])
    assert [address for address in addresses if not address.startswith(("https://", "#"))] == []


def test_the_newest_section_of_the_changelog_is_the_version_with_its_date() -> None:
    text = (ROOT / "CHANGELOG.rst").read_text("utf-8")
    newest = re.findall(r"^(.+)\n=+$", text, re.MULTILINE)[1]
    assert re.fullmatch(rf"{re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)", newest)


def test_the_policy_names_every_django_and_python_of_the_classifiers() -> None:
    rows = re.findall(r"^(\d\.\d)(?: LTS)?  +((?:3\.\d+(?:, )?)+)", SECURITY, re.MULTILINE)
    assert [django for django, _ in rows] == classifiers("Framework :: Django")
    pythons = {python for _, named in rows for python in named.split(", ")}
    assert sorted(pythons) == classifiers("Programming Language :: Python")


def test_ci_runs_the_pairs_that_the_policy_names() -> None:
    said = re.findall(r"Django (\d\.\d)\s+on Python (3\.\d+)", SECURITY)
    ran = re.findall(r'environment "\$python3(\d+)" .*"Django~=(\d\.\d)\.0', CI)
    ran += re.findall(r'environment "\$python3(\d+)" (\.venv-lowest)', CI)
    ran += re.findall(r'python3\.(\d+).*"Django~=(\d\.\d)\.0', NEWEST)
    [lowest] = re.findall(r"^    Django>=(\d\.\d)", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    pairs = {(django.replace(".venv-lowest", lowest), f"3.{python}") for python, django in ran}
    assert sorted(said) == sorted(pairs)


def test_ci_sends_random_requests_runs_bandit_and_in_some_runs_sends_random_bytes() -> None:
    for part in (
        "WX_REQUIRE_SCHEMATHESIS",
        "in_main lint audit",
        'nightly PART="${1:-$(git rev-parse HEAD)}"',
    ):
        assert part in CI
    assert any("make fuzz FOR=20" in commands for commands in PARTS.values())


def test_five_packages_are_needed_at_run_time() -> None:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = parser["options"]["install_requires"].split("\n")
    assert len([line for line in lines if line and not line.startswith("#")]) == 5
    assert "Five packages at run time" in (ROOT / "docs/explanation/threats.rst").read_text("utf-8")


def test_the_command_of_the_policy_ends_the_token_and_fetches_the_next(
    configure: Any, emulator: EmulatorServer
) -> None:
    account = emulator.state.account
    own = {"COMPONENT_APPID": account.appid, "COMPONENT_APPSECRET": account.appsecret}
    fast = {"TOKEN_MIN_INTERVAL": 1e-6, "VERIFY_TICKET": account.ticket}
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None, **own, **fast})
    leaked = get_store("default").tokens.get()
    (line,) = re.findall(r"^    \$ python manage\.py (shell .+)$", SECURITY, re.MULTILINE)
    call_command(*shlex.split(line))
    assert get_store("default").tokens.get() != leaked
