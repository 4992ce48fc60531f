"""docs/howto/releases.rst: its commands are run from the top, and print what the page shows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks, matches
from tests.docs.fresh_project import FreshProject, block
from wx_static_store.emulator import EmulatorServer

ENVS = ("tenant-a-1x2y", "tenant-b-3z4w", "tenant-c-5a6b")
PAGE = "howto/releases"
# Stands for npm: each run builds the front end that somebody has changed; the second has news.
NPM = """#!/bin/sh
test "$*" = "--prefix frontend run build" || exit 1
mkdir -p frontend
echo changed >>frontend/source
n=$(($(wc -l <frontend/source)))
script=assets/index-CLj3BHz$n.js
rm -rf frontend/dist
mkdir -p frontend/dist/assets
echo "<script src='/$script'></script>" >frontend/dist/index.html
echo "alert($n)" >frontend/dist/$script
echo "<svg/>" >frontend/dist/favicon.svg
test $n = 1 || echo "<p>news" >frontend/dist/news.html
echo built
"""
STATIC = ("static", "write-manifest")
COLLECTED = """
STATIC_ROOT, STATICFILES_DIRS = BASE_DIR / "static-root", [BASE_DIR / "own"]
STORAGES["staticfiles"] = {
    "BACKEND": "wx_static_store.staticfiles.WxManifestStaticFilesStorage",
    "OPTIONS": {"location": "static"},
}
"""
OFFERED = f"""
WX_STATIC_STORE["ENVIRONMENTS"] = lambda user: dict.fromkeys({ENVS}, "")
"""

pytestmark = slow


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=ENVS) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project with the alias `site`, and environments that it offers."""
    project = FreshProject.with_site(tmp_path / "project", cloud)
    project.append("config/settings.py", OFFERED)
    project.add_command("npm", NPM)
    return project


def test_the_commands_of_the_page_work_and_print_what_it_shows(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    for one in blocks(DOCS / f"{PAGE}.rst"):
        if one.name not in ("s3-install", *STATIC):  # nothing is installed here, nor is boto3
            project.follow(one, {"http://127.0.0.1:8900": cloud.api_url})


def test_static_files_are_rolled_back_with_their_manifest(project: FreshProject) -> None:
    project.follow(block(PAGE, "config/settings.py"))
    project.append("config/settings.py", COLLECTED)
    for color in ("red", "blue"):
        project.run(f"mkdir -p own; echo 'p {{ color: {color} }}' >own/site.css")
        project.run("python manage.py collectstatic --no-input")
    manifest = project.folder / "static-root" / "staticfiles.json"
    newest = manifest.read_text("utf-8")
    ((command, shown),) = block(PAGE, STATIC[0]).commands
    printed = project.run(command)
    assert matches(shown, printed)
    assert manifest.read_text("utf-8") == newest
    (digest,) = re.findall(r"--rollback (\S+) .*--write-manifest", printed)
    project.follow(block(PAGE, STATIC[1]), {"0a7c19de71": digest})
    assert manifest.read_text("utf-8") != newest
