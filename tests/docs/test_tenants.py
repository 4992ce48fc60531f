"""docs/howto/tenants.rst: its commands are run from the top, and print what the page shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.fresh_project import FreshProject, block, typed
from wx_static_store.emulator import EmulatorServer

PAGE = "howto/tenants"
ENVS = ("tenant-a-1x2y", "tenant-b-3z4w", "tenant-c-5a6b")
DEPLOY = "python manage.py wx_deploy frontend/dist --using site --yes --json deploy.json"

pytestmark = slow


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=ENVS) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project with the alias `site`, and a front end that is built."""
    project = FreshProject.with_site(tmp_path / "project", cloud)
    project.append("frontend/dist/index.html", "page")
    project.append("tenants.txt", "".join(f"{env}\n" for env in ENVS))
    return project


def test_the_commands_of_the_page_work_and_print_what_it_shows(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    for one in blocks(DOCS / f"{PAGE}.rst"):
        # Three tenants are enough, the emulator never ends, no cache is shared, nothing failed.
        if one.name not in ("tenants-file", "emulator", "rate", "broken", "again"):
            project.follow(one)
    assert [sorted(cloud.objects(env)) for env in ENVS] == [["index.html"]] * 3


def test_the_list_of_the_platform_is_offered(project: FreshProject, cloud: EmulatorServer) -> None:
    project.follow(block(PAGE, "of-platform"))
    project.run(f"{DEPLOY} --all")
    assert [sorted(cloud.objects(env)) for env in ENVS] == [["index.html"]] * 3


def test_the_file_of_the_page_has_two_hundred_tenants(project: FreshProject) -> None:
    project.run(typed(block(PAGE, "tenants-file")))
    envs = (project.folder / "tenants.txt").read_text("utf-8").split()
    assert len({*envs}) == 200
    assert envs[:2] == [*ENVS[:2]]


def test_a_tenant_that_was_broken_is_published_again(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    project.follow(block(PAGE, "of-platform"))
    project.follow(block(PAGE, "not_done.py"))
    close, deploy, reopen = (
        command.replace("tenant-077", ENVS[1]).replace("http://127.0.0.1:8900", cloud.api_url)
        for command, _printed in block(PAGE, "broken").commands
    )
    project.run(close)
    code, printed = project.try_to_run(deploy)
    assert (code, "85088" in printed) == (1, True)
    project.run(f"{reopen}\n{typed(block(PAGE, 'again'))}")
    assert [sorted(cloud.objects(env)) for env in ENVS] == [["index.html"]] * 3
    assert (project.folder / "again.txt").read_text("utf-8") == f"{ENVS[1]}\n"


def test_the_emulator_is_given_each_environment_of_the_file(project: FreshProject) -> None:
    shown = typed(block(PAGE, "emulator"))
    printed = project.run(shown.replace("python -m wx_static_store.emulator", "echo"))
    assert printed.split()[2:] == [word for env in ENVS for word in ("--env", env)]


def test_only_the_environments_that_failed_are_published_again(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "env": ENVS[1]})
    code, _printed = project.try_to_run(f"{DEPLOY} --env {' '.join(ENVS)}")
    assert code == 1
    before = len(cloud.journal)
    project.follow(block(PAGE, "not_done.py"))
    project.follow(block(PAGE, "again"))
    about_one = [call for call in cloud.journal[before:] if call.name != "quota_get"]
    assert {call.env for call in about_one} == {ENVS[1]}
    assert sorted(cloud.objects(ENVS[1])) == ["index.html"]
