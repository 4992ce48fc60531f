"""Show that a rollout outlives an outage of WeChat or COS, also with a tree of many files."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import slow_but
from tests.deploys import bodies, configure_releases, tenants
from tests.rollouts.conftest import Broker, deployed, states
from tests.rollouts.test_lifecycle import begin
from wx_static_store.core.retry import Clock
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.upload import store, uploader

pytestmark = pytest.mark.django_db

SITE = {f"assets/{number}.css": b"/* %d */" % number for number in range(29)}
SITE["index.html"] = b"<link rel=stylesheet href=assets/0.css>"
FAULTS: dict[str, dict[str, Any]] = {
    "503 of WeChat": {"on": "staticuploadfile", "do": "status", "status": 503},
    "WeChat is busy": {"on": "staticuploadfile", "do": "errcode", "errcode": -1},
    "a throttle": {"on": "staticuploadfile", "do": "errcode", "errcode": 45011},
    "reset connections": {"on": "staticuploadfile", "do": "reset"},
    "links that never come": {"on": "staticuploadfile", "do": "hang", "seconds": 300},
    "nothing of WeChat answers": {"on": "*", "do": "status", "status": 503},
    "nothing connects": {"on": "*", "do": "reset"},
    "503 of COS": {
        "on": "put_object",
        "do": "cos_error",
        "status": 503,
        "code": "ServiceUnavailable",
    },
}


@pytest.fixture
def cloud(configure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmulatorServer:
    """Return a cloud for a store with its usual tries, whose pauses and time-outs are short."""
    monkeypatch.setattr(store, "Clock", lambda: Clock(sleep=lambda s: time.sleep(s / 100)))
    monkeypatch.setattr(uploader, "STUCK_SECONDS", 0.2)
    monkeypatch.setattr(uploader, "RECORD_SECONDS", 0.05)
    settings = configure_releases(tmp_path / "releases")
    settings["WX_STATIC_STORE"] |= {"READ_TIMEOUT": 0.2}
    found: EmulatorServer = configure(**settings)
    return found


@pytest.fixture
def release(cloud: EmulatorServer, tmp_path: Path) -> Release:
    return deployed(tmp_path / "dist", SITE, "tenant-b", "v2")


@pytest.mark.parametrize("name", slow_but(FAULTS, "503 of WeChat", "nothing connects"))
def test_an_outage_that_ends_after_the_first_try_is_outlived(
    cloud: EmulatorServer, broker: Broker, release: Release, name: str
) -> None:
    [env] = tenants(1, cloud)
    rollout = begin([env], release)
    cloud.script(FAULTS[name] | {"times": None})
    [pk] = broker.messages()
    assert environment.deploy(pk) == 15.0
    cloud.state.script.clear()
    RolloutEnvironment.objects.update(not_before=None)
    assert environment.deploy(pk) is None
    assert (states(rollout), bodies(cloud, env)) == ("d", SITE)
    assert Rollout.objects.get().state == "done"
