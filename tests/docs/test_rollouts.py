"""docs/howto/rollouts.rst: its commands are followed from the top, with a worker and a schedule."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.docs.blocks import DOCS, Block, blocks
from tests.docs.fresh_project import PATIENCE, FreshProject, block, typed
from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer

PAGE = "howto/rollouts"
OLD, NEW = b"1.0", b"1.1"
ENVS = [f"tenant-{number:02}" for number in range(1, 11)]
BROKEN = ENVS[3]
TENANTS = f"""
def environments(user):
    rings = ["ring/early"] * 2 + ["ring/main"] * 8
    return {{env: {{"label": env, "tags": [ring]}} for env, ring in zip({ENVS}, rings)}}
"""
SET_UP = ("rollouts-app", "config/celery.py", "config/__init__.py", "celery")
GUEST = "guest:guest@127.0.0.1:5672//"
START = "python manage.py wx_rollout start frontend/dist --using site --all"
NIGHTLY = """
import inspect
from config import celery_app as app

app.loader.import_default_modules()
for each in app.conf.beat_schedule.values():
    inspect.signature(app.tasks[each["task"]].run).bind(**each.get("kwargs", {}))
    print(each["task"])
"""

pytestmark = slow


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=ENVS) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project with a store, a release storage, tenants, a front end, and Celery."""
    project = FreshProject.with_site(tmp_path / "project", cloud)
    project.follow(block("howto/releases", "config/settings.py"))
    project.append("config/tenants.py", TENANTS)
    offered = 'WX_STATIC_STORE["ENVIRONMENTS"] = "config.tenants.environments"'
    project.append("config/settings.py", offered)
    project.append("frontend/dist/index.html", OLD.decode())
    for name in SET_UP:
        project.follow(block(PAGE, name))
    return project


@contextmanager
def running(project: FreshProject, command: str) -> Iterator[Callable[[], str]]:
    """Run a program of Celery beside the block; give what returns what it has printed."""
    printed = project.folder / f"{len([*project.folder.glob('*.log')])}.log"
    # Whoever runs the tests may be root, of which Celery warns.
    environment = project.variables() | {"PYTHONWARNINGS": "default"}
    with printed.open("wb") as file:
        words = [sys.executable, "-m", *shlex.split(command)]
        process = subprocess.Popen(
            words, cwd=project.folder, env=environment, stdout=file, stderr=file
        )
    try:
        yield partial(printed.read_text, "utf-8")
    finally:
        process.terminate()
        process.wait(PATIENCE)


def shown_commands() -> list[Block]:
    """Return the blocks about rollouts, below all that is set up."""
    found = blocks(DOCS / f"{PAGE}.rst")
    first = next(place for place, one in enumerate(found) if "wx_rollout start" in one.text)
    return [one for one in found[first:] if one.language == "console"]


def pages(cloud: EmulatorServer) -> list[bytes]:
    return [cloud.objects(env)["index.html"].body for env in ENVS]


def test_the_commands_of_the_page_work_and_print_what_it_shows(
    project: FreshProject, cloud: EmulatorServer
) -> None:
    def change_the_page_and_break_a_tenant() -> None:
        (project.folder / "frontend/dist/index.html").write_bytes(NEW)
        refusal = {"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "times": None}
        cloud.script(refusal | {"env": BROKEN})

    def wait_until_it_stopped() -> None:
        status = "python manage.py wx_rollout status 3"
        wait_for(lambda: ": stopped" in project.run(status))

    before = {
        "stops": change_the_page_and_break_a_tenant,
        "stopped": wait_until_it_stopped,
        "retry": cloud.state.script.clear,
    }
    live = {"stopped": [NEW] * 3 + [OLD] * 7, "retry": [NEW] * 10, "rollback": [OLD] * 10}
    project.follow(block(PAGE, "laptop"))
    with running(project, typed(block(PAGE, "worker"))):
        for one in shown_commands():
            before.get(one.name, lambda: None)()
            project.follow(one, {"--bake 600": "--bake 1"})
            if one.name in live:
                assert pages(cloud) == live[one.name], one.name
        cloud.put_object("index.html", b"somebody else", env=BROKEN)
        project.run(typed(block(PAGE, "drift")).splitlines()[1])
        wait_for(lambda: pages(cloud) == [OLD] * 10, "a repair")


def unit(caption: str) -> str:
    """Return the command that a unit starts, with programs and folders that are here."""
    found = ConfigParser(interpolation=None)
    found.read_string(block(PAGE, caption).text)
    service = found["Service"]
    command = service["ExecStart"].removeprefix(f"{service['WorkingDirectory']}/.venv/bin/")
    return command.replace(f"/var/lib/{service.get('StateDirectory')}/", "")


def test_the_units_of_systemd_start_a_worker_and_a_schedule(project: FreshProject) -> None:
    project.follow(block(PAGE, "laptop"))
    project.append("config/settings.py", 'CELERY_BEAT_SCHEDULE["rollouts"]["schedule"] = 1.0')
    worker, beat = (unit(f"/etc/systemd/system/site-{name}.service") for name in ("worker", "beat"))
    with running(project, worker) as worked, running(project, beat):
        wait_for(lambda: re.search(r"advance_rollout\S+ succeeded", worked()), "a scheduled task")


def test_the_nightly_tasks_are_there_and_take_their_arguments(project: FreshProject) -> None:
    for name in ("laptop", "nightly"):
        project.follow(block(PAGE, name))
    project.append("nightly.py", NIGHTLY)
    assert project.run("python nightly.py").split() == [
        "wx_static_store.rollouts.tasks.advance_rollout",
        "wx_static_store.rollouts.tasks.reconcile_all",
        "wx_static_store.tasks.prune",
    ]


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_a_rollout_works_on_a_broker_of_the_page(
    project: FreshProject, cloud: EmulatorServer, broker: str
) -> None:
    if not os.environ.get("WX_REQUIRE_SERVICES"):
        pytest.skip("WX_REQUIRE_SERVICES=1 runs it, on Redis and RabbitMQ of this machine")
    project.follow(block(PAGE, "laptop"))
    project.append("config/settings.py", "CELERY_BROKER_TRANSPORT_OPTIONS = {}")
    for name in (broker, "cache", "queue"):
        project.follow(block(PAGE, name), {"site:password@127.0.0.1:5672/site": GUEST})
    with running(project, typed(block(PAGE, "queue-worker"))):
        project.run(f"{START} --waves 100% --tolerate 100% --wait")
    assert pages(cloud) == [OLD] * 10


def test_every_member_of_the_json_is_documented(project: FreshProject) -> None:
    project.follow(block(PAGE, "laptop"))
    project.run(f"{START} --json rollout.json")
    [rollout] = json.loads((project.folder / "rollout.json").read_text("utf-8"))["rollouts"]
    page = (DOCS / "reference/commands.rst").read_text("utf-8")
    text = page.split(".. _wx-rollout-json:")[1].split("\n.. _")[0]
    assert re.findall(r"^``(\w+)`` ", text, re.MULTILINE) == [*rollout]
