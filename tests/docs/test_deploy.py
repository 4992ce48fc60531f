"""docs/howto/deploy.rst: its commands are run from the top, and print what the page shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, Block, blocks, matches
from tests.docs.fresh_project import FreshProject
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
BEFORE = """
INSTALLED_APPS += ["wx_static_store"]
STORAGES = {{
    "default": {{
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {{"location": "media", "base_url": "{site}"}},
    }},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}}
WX_STATIC_STORE = {{"ENV": "{env}", "ACCESS_TOKEN": "{token}", "API_BASE_URL": "{api}"}}
"""


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=(ENV,)) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project that has the app, and a front end without a configuration of its own."""
    project = FreshProject(tmp_path / "project")
    site, api, token = cloud.site_url(), cloud.api_url, cloud.access_token
    before = BEFORE.format(env=ENV, site=site, api=api, token=token)
    project.append("config/settings.py", before)
    project.append("bin/npm", NPM)
    (project.folder / "bin/npm").chmod(0o755)
    project.append("frontend/vite.config.js", "export default {};\n")
    project.run("python manage.py migrate")
    return project


def follow(project: FreshProject, block: Block, site: str) -> None:
    """Do what a reader does with the block, whose site is the emulator's."""
    if path := block.caption:
        project.append(path, block.text.replace("https://www.example.com", site))
    elif block.language == "console":
        for command, shown in block.commands:
            printed = project.run(f"PATH=$PWD/bin:$PATH; {command}")
            assert matches(shown, printed), f"line {block.line}: {command}\n{printed}"


def test_the_commands_of_the_page_work_and_print_what_it_shows(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    for block in blocks(PAGE):
        follow(project, block, cloud.site_url())
    files = ["assets/index-CLj3BHz1.js", "index.html"]
    assert sorted(cloud.objects()) == [*files, *(f"shop/{name}" for name in files)]
