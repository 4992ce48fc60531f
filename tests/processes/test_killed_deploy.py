"""A deploy that is killed, by a real SIGKILL, and what the deploys after it make of that."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import slow
from tests.processes.conftest import Project, copy_of, new_project
from tests.waiting import wait_for
from wx_static_store.core.types import DELETED

pytestmark = slow

OLD = {"app.css": b"A{}", "index.html": b"page", "site.css": b"1"}
NEW = OLD | {"app.css": b"B{}", "site.css": b"2"}


Deploy = Callable[..., tuple[int, str]]


def deploy_of(project: Project) -> Deploy:
    """Return `deploy(files, ...)`: exit code and output of one that runs to its end."""

    def run(files: dict[str, bytes], *more: str, **orders: Any) -> tuple[int, str]:
        given = {"last_put": 0.2} | orders
        return project.run(*command(project, files, *more)[2:], **given)

    return run


@pytest.fixture
def deploy(project: Project) -> Deploy:
    return deploy_of(project)


def command(project: Project, files: dict[str, bytes], *more: str) -> tuple[str, ...]:
    tree = project.folder / "tree"
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


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Leave the newer tree stored in ``docs/``, no row says so, and its deployment is not ended."""
    with new_project(tmp_path_factory.mktemp("killed")) as project:
        assert deploy_of(project)(OLD, "docs")[0] == 0
        with project.process(*command(project, NEW, "docs"), halt="in_insert") as process:
            process.wait_until_halted()
            process.popen.kill()
            process.finish()
        assert bodies(project, "docs/") == NEW
        assert len(project.rows()) == len(OLD)
        assert project.deployments() == ["done", "running"]
        yield project


@pytest.fixture
def killed(killed_once: Project, tmp_path: Path) -> Iterator[Project]:
    with copy_of(killed_once, tmp_path) as project:
        yield project


def test_the_run_after_a_killed_preview_completes_it_at_the_same_address(
    project: Project, deploy: Deploy
) -> None:
    line = command(project, NEW, "--preview=menu")
    with project.process(*line, halt="in_insert") as process:
        process.wait_until_halted()
        process.popen.kill()
        process.finish()
    (folder,) = {key.rpartition("/")[0] for key in project.cloud.objects()}
    assert deploy(NEW, "--preview=menu")[0] == 0
    assert bodies(project, f"{folder}/").keys() == NEW.keys()
    assert bodies(project).keys() == {f"{folder}/{name}" for name in NEW}
    assert project.deployments() == ["incomplete", "done"]


def test_first_runs_of_a_preview_at_once_settle_one_address(project: Project) -> None:
    line = command(project, NEW, "--preview=menu", "--dry-run")
    with ExitStack() as stack:
        running = [stack.enter_context(project.process(*line)) for _number in range(3)]
        ended = [process.finish() for process in running]
    assert [code for code, _said in ended] == [0, 0, 0]
    assert len({re.findall(r"_preview/menu-\w{8}/", said)[-1] for _code, said in ended}) == 1


PUBLISH = """
import sys, django
from django.core.management import call_command

django.setup()
for number in range(50):
    how = {"preview": f"pr-{number}", "using": "site", "yes": True, "verbosity": 0}
    call_command("wx_deploy", sys.argv[1], **how)
"""


def previews(project: Project) -> dict[str, dict[str, bytes]]:
    """Return the files of each preview, by the folder."""
    found: dict[str, dict[str, bytes]] = {}
    for key, body in bodies(project, "_preview/").items():
        folder, _slash, name = key.partition("/")
        found.setdefault(folder, {})[name] = body
    return found


def kill_as_soon(project: Project, line: tuple[str, ...], reached: Callable[[], bool]) -> None:
    with project.process(*line, last_put=0.2) as process:
        wait_for(reached)
        process.popen.kill()
        process.finish()


def test_kills_among_fifty_previews_leave_the_site_alone_and_each_ends_whole(
    project: Project, deploy: Deploy
) -> None:
    deploy(OLD)
    site = bodies(project)
    publish = ("-c", PUBLISH, command(project, NEW)[3])
    for number in (1, 20, 40):
        kill_as_soon(project, publish, lambda number=number: len(previews(project)) >= number)
    with project.process(*publish, last_put=0.2) as process:
        assert process.finish()[0] == 0
    whole = previews(project)
    assert len(whole) == 50
    assert all(files.keys() == NEW.keys() for files in whole.values())

    over = sorted(whole)[:25]
    with sqlite3.connect(project.database) as database:
        ended = "UPDATE wx_static_store_folderstate SET ends = '2026-01-01' WHERE folder = ?"
        database.executemany(ended, [(f"_preview/{name}/",) for name in over])

    def blanked() -> int:
        return sum({*files.values()} == {DELETED} for files in previews(project).values())

    prune = ("-m", "django", "wx_prune", "--releases", "100", "--yes")
    for number in (1, 10, 20):
        kill_as_soon(project, prune, lambda number=number: blanked() >= number)
    code, said = project.run(*prune[2:], last_put=0.2)
    assert (code, blanked()) == (0, 25), said
    left = previews(project)
    assert {name: left[name] for name in whole if name not in over} == {
        name: whole[name] for name in whole if name not in over
    }
    assert {key: body for key, body in bodies(project).items() if "/" not in key} == site


HOW = pytest.mark.parametrize("how", [(), ("--trust-log",)], ids=["list", "log"])


@HOW
def test_after_a_kill_and_a_deploy_of_another_tree_the_old_tree_comes_back_whole(
    killed: Project, how: tuple[str, ...]
) -> None:
    """The other one knows nothing of the files that the killed one stored."""
    deploy = deploy_of(killed)
    assert deploy({"index.html": b"another site"}, *how)[0] == 0
    assert deploy(OLD, "docs", *how)[0] == 0
    assert bodies(killed, "docs/") == OLD


@HOW
def test_after_a_kill_and_a_deploy_of_less_to_the_same_folder_the_old_tree_comes_back_whole(
    killed: Project, how: tuple[str, ...]
) -> None:
    deploy = deploy_of(killed)
    assert deploy({"index.html": b"page", "site.css": b"3"}, "docs", *how)[0] == 0
    assert deploy(OLD, "docs", *how)[0] == 0
    assert bodies(killed, "docs/") == OLD


@HOW
def test_after_a_kill_while_it_blanked_the_next_deploy_brings_back_what_is_gone(
    project: Project, deploy: Deploy, how: tuple[str, ...]
) -> None:
    """All was published; but the rows of what was blanked are missing, so it is not done."""
    deploy(OLD)
    less = {name: body for name, body in OLD.items() if name != "site.css"}
    with project.process(*command(project, less, "--blank-stale"), halt="in_insert") as process:
        process.wait_until_halted()
        process.popen.kill()
        process.finish()
    assert bodies(project)["site.css"] == DELETED
    assert project.deployments() == ["done", "running"]
    code, output = deploy(OLD, *how)
    assert (code, bodies(project)) == (0, OLD)
    assert "was killed: waiting" in output


def test_an_interrupted_deploy_says_once_how_far_it_came(project: Project) -> None:
    with project.process(*command(project, OLD), halt="body_handed_over") as process:
        process.wait_until_halted()
        process.popen.send_signal(signal.SIGINT)
        code, output = process.finish()
    assert code == 130, output
    assert output.count(": interrupted in ") == 1
    assert output.count("stored 0, unchanged 0, ") == 1


@HOW
def test_what_a_killed_deploy_had_sent_and_what_lands_late_does_not_stay(
    project: Project, deploy: Deploy, how: tuple[str, ...]
) -> None:
    """Its last PUT is with the system, and COS takes its time for it."""
    deploy(OLD)
    late = {"do": "delay", "late": True, "seconds": 1.5}
    project.cloud.script({"on": "put_object", "key": "app.css", **late})
    newer = OLD | {"app.css": b"B{}"}
    with project.process(*command(project, newer), halt="body_handed_over") as process:
        process.wait_until_halted()
        process.popen.kill()
        process.finish()
    assert bodies(project) == OLD, "it has not landed yet"
    assert deploy(OLD, *how, last_put=2.5)[0] == 0, "the late one takes 1.5"
    wait_for(lambda: project.cloud.calls("put_object", key="app.css")[1:])
    assert bodies(project) == OLD


@HOW
def test_a_roll_back_is_planned_by_the_database_that_is_written_to_though_a_replica_is_behind(
    project: Project, deploy: Deploy, how: tuple[str, ...]
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
