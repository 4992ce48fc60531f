"""docs/howto/tests.rst: a reader's project, whose tests are those of the page."""

from pathlib import Path

import pytest

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks, matches
from tests.docs.fresh_project import FreshProject, block

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
WAITING = block("howto/media-in-an-outage", "config/settings.py")
# What a reader's pytest need not have: it takes longer to import than the tests take to run.
WITHOUT = "-p no:anyio -p no:hypothesispytest -p no:schemathesis -p no:xdist"


@pytest.fixture
def project(tmp_path: Path) -> FreshProject:
    made = FreshProject(tmp_path, PYTEST_ADDOPTS=WITHOUT)
    made.append("config/settings.py", SETTINGS)
    for one in blocks(PAGE):
        if one.caption:
            made.paste(one)
    return made


@slow
def test_the_command_of_the_page_prints_what_the_page_shows(project: FreshProject) -> None:
    (command, shown), *_ = (pair for one in blocks(PAGE) for pair in one.commands if pair[1])
    assert matches(shown, project.run(command))


@slow
def test_every_test_of_the_page_passes(project: FreshProject) -> None:
    assert "4 passed" in project.run("python -m pytest tests")


@slow
def test_every_test_of_the_page_passes_if_files_wait_in_an_outage(project: FreshProject) -> None:
    project.paste(WAITING)
    assert "4 passed" in project.run("python -m pytest tests")


def test_the_settings_without_a_cloud_keep_the_storage_that_waiting_files_need(
    project: FreshProject,
) -> None:
    project.paste(WAITING)
    project.run("python manage.py check --settings=config.settings_memory")


def test_the_storage_of_the_fixture_is_the_emulators_with_local_settings(
    project: FreshProject,
) -> None:
    project.follow(block("howto/tests", "in-memory"))
