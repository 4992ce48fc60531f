"""docs/howto/tests.rst: a reader's project, whose tests are those of the page."""

from pathlib import Path

import pytest

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks, matches
from tests.docs.fresh_project import FreshProject

PAGE = DOCS / "howto" / "tests.rst"
SETTINGS = """
INSTALLED_APPS += ["wx_static_store"]
STORAGES = {
    "default": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"location": "media"},
    }
}
WX_STATIC_STORE = {"ENV": "prod-1a2b3c", "COMPONENT_APPID": "wx1"}
"""
# What a reader's pytest need not have: it takes longer to import than the tests take to run.
WITHOUT = "-p no:anyio -p no:hypothesispytest -p no:schemathesis -p no:xdist"


@pytest.fixture
def project(tmp_path: Path) -> FreshProject:
    made = FreshProject(tmp_path, PYTEST_ADDOPTS=WITHOUT)
    made.append("config/settings.py", SETTINGS)
    for block in blocks(PAGE):
        if block.caption:
            made.paste(block)
    return made


@slow
def test_the_command_of_the_page_prints_what_the_page_shows(project: FreshProject) -> None:
    (command, shown), *_ = (pair for block in blocks(PAGE) for pair in block.commands if pair[1])
    assert matches(shown, project.run(command))


@slow
def test_every_test_of_the_page_passes_with_the_settings_for_the_emulator(
    project: FreshProject,
) -> None:
    (own,) = (block.text for block in blocks(PAGE) if block.name == "with-the-emulator")
    project.append("config/settings_emulator.py", f"from config.settings import *\n\n{own}")
    assert "4 passed" in project.run("python -m pytest --ds=config.settings_emulator tests")


@slow
def test_every_test_of_the_page_passes(project: FreshProject) -> None:
    assert "4 passed" in project.run("python -m pytest tests")


def test_the_settings_without_a_cloud_keep_the_storage_that_waiting_files_need(
    project: FreshProject,
) -> None:
    (waiting,) = (
        block
        for block in blocks(DOCS / "howto" / "media-in-an-outage.rst")
        if block.caption == "config/settings.py"
    )
    project.paste(waiting)
    project.run("python manage.py check --settings=config.settings_test")


def test_the_storage_of_the_fixture_is_the_emulators_with_local_settings(
    project: FreshProject,
) -> None:
    project.run("python -m pytest --ds=config.settings_test tests/test_storage.py")
