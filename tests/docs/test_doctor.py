"""docs/howto/doctor.rst: its commands are run from the top, and print what the page shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.fresh_project import FreshProject
from wx_static_store.emulator import EmulatorServer

ENV = "tenant-a-1x2y"
PAGE = "howto/doctor"

pytestmark = slow


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=(ENV,)) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project with the store `site`, and a built page."""
    project = FreshProject.with_site(tmp_path / "project", cloud)
    project.append("dist/index.html", "<h1>Hello</h1>\n")
    return project


def test_the_commands_of_the_page_print_what_it_shows(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    for one in blocks(DOCS / f"{PAGE}.rst"):
        project.follow(one)
    built, *deleted = sorted(cloud.objects())
    assert built == "index.html"
    assert {key.split("/")[1] for key in deleted} == {".wx-doctor"}
