"""A deploy that is killed, by a real SIGKILL, and what the deploys after it make of that."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.processes.conftest import Project
from tests.waiting import wait_for

OLD = {"app.css": b"A{}", "index.html": b"page", "site.css": b"1"}
NEW = OLD | {"app.css": b"B{}", "site.css": b"2"}


@pytest.fixture
def deploy(project: Project, tmp_path: Path) -> Any:
    """`deploy(files, ...)`: exit code and output of one that runs to its end."""

    def run(files: dict[str, bytes], *more: str, **orders: Any) -> tuple[int, str]:
        return project.run(*command(tmp_path, files, *more)[2:], **orders)

    return run


def command(folder: Path, files: dict[str, bytes], *more: str) -> tuple[str, ...]:
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    for name, body in files.items():
        (tree / name).write_bytes(body)
    return ("-m", "django", "wx_deploy", str(tree), *more, "--using", "site", "--yes")


def bodies(project: Project, folder: str = "") -> dict[str, bytes]:
    return {
        key.removeprefix(folder): found.body
        for key, found in project.cloud.objects().items()
        if key.startswith(folder)
    }


@pytest.fixture
def killed(project: Project, deploy: Any, tmp_path: Path) -> None:
    """Leave the newer tree stored in ``docs/``, no row says so, and its deployment is not ended."""
    assert deploy(OLD, "docs")[0] == 0
    with project.process(*command(tmp_path, NEW, "docs"), halt="in_insert") as process:
        process.wait_until_halted()
        process.popen.kill()
        process.finish()
    assert bodies(project, "docs/") == NEW
    assert len(project.rows()) == len(OLD)
    assert project.deployments() == ["done", "running"]


HOW = pytest.mark.parametrize("how", [(), ("--trust-log",)], ids=["list", "log"])


@HOW
@pytest.mark.usefixtures("killed")
def test_after_a_kill_and_a_deploy_of_another_tree_the_old_tree_comes_back_whole(
    project: Project, deploy: Any, how: tuple[str, ...]
) -> None:
    """The other one knows nothing of the files that the killed one stored."""
    assert deploy({"index.html": b"another site"}, *how)[0] == 0
    assert deploy(OLD, "docs", *how)[0] == 0
    assert bodies(project, "docs/") == OLD


@HOW
@pytest.mark.usefixtures("killed")
def test_after_a_kill_and_a_deploy_of_less_to_the_same_folder_the_old_tree_comes_back_whole(
    project: Project, deploy: Any, how: tuple[str, ...]
) -> None:
    assert deploy({"index.html": b"page", "site.css": b"3"}, "docs", *how)[0] == 0
    assert deploy(OLD, "docs", *how)[0] == 0
    assert bodies(project, "docs/") == OLD


@HOW
def test_what_a_killed_deploy_had_sent_and_what_lands_late_does_not_stay(
    project: Project, deploy: Any, tmp_path: Path, how: tuple[str, ...]
) -> None:
    """Its last PUT is with the system, and COS takes its time for it."""
    deploy(OLD)
    late = {"do": "delay", "late": True, "seconds": 1.5}
    project.cloud.script({"on": "put_object", "key": "app.css", **late})
    newer = OLD | {"app.css": b"B{}"}
    with project.process(*command(tmp_path, newer), halt="body_handed_over") as process:
        process.wait_until_halted()
        process.popen.kill()
        process.finish()
    assert bodies(project) == OLD, "it has not landed yet"
    assert deploy(OLD, *how)[0] == 0
    wait_for(lambda: project.cloud.calls("put_object", key="app.css")[1:])
    assert bodies(project) == OLD


@HOW
def test_a_roll_back_is_planned_by_the_database_that_is_written_to_though_a_replica_is_behind(
    project: Project, deploy: Any, how: tuple[str, ...]
) -> None:
    def replicate() -> None:
        shutil.copy(project.shared / "db.sqlite3", project.shared / "replica.sqlite3")

    replicate()
    deploy(OLD, replica=True)
    replicate()
    deploy(NEW, replica=True)
    assert bodies(project) == NEW
    assert deploy(OLD, *how, replica=True)[0] == 0
    assert bodies(project) == OLD
