"""docs/howto/deploy.rst: its commands are run from the top, and print what the page shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.fresh_project import FreshProject, block
from wx_static_store.emulator import EmulatorServer

ENV = "tenant-a-1x2y"
PAGE = DOCS / "howto" / "deploy.rst"
# Stands for npm: builds a page that refers to its script by the base of vite.config.js.
NPM = """#!/bin/sh
test "$*" = "--prefix frontend run build" || exit 1
base=$(sed -n 's/.*base: "\\(.*\\)".*/\\1/p' frontend/vite.config.js)
mkdir -p frontend/dist/assets
echo "<script src='${base:-/}assets/index-CLj3BHz1.js'></script>" >frontend/dist/index.html
echo "alert(1)" >frontend/dist/assets/index-CLj3BHz1.js
echo built
"""

pytestmark = slow


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=(ENV,)) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project that has the app, and a front end without a configuration of its own."""
    project = FreshProject(tmp_path / "project")
    project.use(cloud)
    project.add_command("npm", NPM)
    project.append("frontend/vite.config.js", "export default {};\n")
    return project


def test_the_commands_of_the_page_work_and_print_what_it_shows(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    for one in [*blocks(PAGE), block("howto/log", "reconcile")]:
        project.follow(one, {"https://www.example.com": cloud.site_url()})
    files = ["assets/index-CLj3BHz1.js", "index.html"]
    assert sorted(cloud.objects()) == [*files, *(f"shop/{name}" for name in files)]
