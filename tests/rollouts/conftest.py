"""A store whose releases are kept, tenants, and a broker in memory that this process empties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from celery import Celery, _state

from tests.deploys import TREE, configure_releases, run, tenants, write
from tests.submit.conftest import user_with
from wx_static_store.deploy.environments import site_uploader
from wx_static_store.deploy.plan import hash_items
from wx_static_store.deploy.records import Records, find_deployment
from wx_static_store.deploy.tree import read_tree
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release
from wx_static_store.rollouts import advance, environment
from wx_static_store.rollouts.models import Rollout
from wx_static_store.upload.workers import WorkerPool

__all__ = ["user_with"]
COUNTED = ("waiting", "under_way", "done", "failed")
OLD = {name: body + b" <!-- old -->" for name, body in TREE.items()}


class Broker:
    """What was sent to workers, and the one worker that does it."""

    def __init__(self, app: Celery) -> None:
        self.app = app

    def take(self) -> list[Any]:
        """Take the messages from the queue."""
        found: list[Any] = []
        with self.app.connection_for_read() as connection, connection.SimpleQueue("celery") as all_:
            while True:
                try:
                    found.append(all_.get_nowait())
                except Empty:
                    return found
                found[-1].ack()

    def messages(self) -> list[int]:
        """Take the messages from the queue; return the rows that they name."""
        return [message.payload[0][0] for message in self.take()]

    def time_limits(self) -> list[float]:
        """Take the messages; return after how many seconds Celery ends each task."""
        return [message.headers["timelimit"][0] for message in self.take()]

    def work(self) -> int:
        """Deploy what the queue holds, until nothing more comes; return how many messages came."""
        number = 0
        while asked := self.messages():
            number += len(asked)
            for pk in asked:
                environment.deploy(pk)
        return number


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    # A test is a transaction, which never ends.
    monkeypatch.setattr(advance, "on_commit", lambda send, using: send())
    before, default = _state._tls.current_app, _state.default_app
    app = Celery("shop", broker="memory://", set_as_current=True)
    found = Broker(app)
    found.messages()  # the memory is the process's
    yield found
    app.close()
    _state._tls.current_app = before
    _state.set_default_app(default)


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    settings = configure_releases(tmp_path / "releases")
    settings["WX_STATIC_STORE"] |= {"MAX_ATTEMPTS": 1}
    found: EmulatorServer = configure(**settings)
    return found


@pytest.fixture
def envs(cloud: EmulatorServer) -> list[str]:
    return tenants(10, cloud)


def deployed(folder: Path, files: dict[str, bytes], env: str, label: str) -> Release:
    """Deploy a tree by hand; return its release."""
    write(folder, files)
    run(folder, "--using", "site", "--env", env, "--label", label)
    release = find_deployment(label).release
    assert release
    return release


@pytest.fixture
def release(cloud: EmulatorServer, tmp_path: Path) -> Release:
    """Keep a release as a deploy to another environment does, without the deploy: it takes long."""
    write(tmp_path / "dist", TREE)
    records, items = Records("site"), hash_items(read_tree(tmp_path / "dist").items)
    with WorkerPool(1) as pool:
        columns = records.record(site_uploader("site", "tenant-b"), items, None, pool)
    where = {"env": "tenant-b", "source": "wx_deploy", "label": "v2"}
    Deployment.objects.create(outcome="done", **where, **columns)
    found: Release = columns["release"]
    return found


def counters(rollout: Rollout) -> dict[str, int]:
    """Return how many environments are in each state, as the rollout counts them."""
    found: dict[str, int] = Rollout.objects.values(*COUNTED).get(pk=rollout.pk)
    return found


def counts_of_rows(rollout: Rollout) -> dict[str, int]:
    """Return the same by the environments' own rows."""
    found = Counter(row.state for row in rollout.environments.all())
    found["under_way"] = found["queued"] + found["running"]
    return {name: found[name] for name in COUNTED}


def states(rollout: Rollout) -> str:
    """Return a letter for each environment of it, in order."""
    found = rollout.environments.order_by("position").values_list("state", flat=True)
    return "".join(state[0] for state in found)
