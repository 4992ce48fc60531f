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
# Stands for npm: builds a page that refers to its script by the base.
NPM = """#!/bin/sh
case "$*" in
  "--prefix frontend run build") base=/ out=frontend/dist ;;
  "--prefix frontend run build -- --base=/shop/ --outDir dist-shop")
    base=/shop/ out=frontend/dist-shop ;;
  *) exit 1 ;;
esac
mkdir -p $out/assets
echo "<script src='${base}assets/index-CLj3BHz1.js'></script>" >$out/index.html
echo "alert(1)" >$out/assets/index-CLj3BHz1.js
echo built
"""

pytestmark = slow


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=(ENV,)) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project that has the app, and an `npm` that builds its front end."""
    project = FreshProject(tmp_path / "project")
    project.use(cloud)
    project.add_command("npm", NPM)
    return project


def test_the_commands_of_the_page_work_and_print_what_it_shows(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    for one in [*blocks(PAGE), block("howto/log", "reconcile")]:
        project.follow(one, {"https://www.example.com": cloud.site_url()})
    assert sorted(cloud.objects()) == ["assets/index-CLj3BHz1.js", "index.html"]
