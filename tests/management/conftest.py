"""A store with a log, and a folder to deploy."""

from pathlib import Path
from typing import Any

import pytest

from tests.deploys import TREE, configure_storages, write
from tests.log.conftest import cloud as cloud
from wx_static_store.emulator import EmulatorServer


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of the machine that runs these tests."""
    names = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")
    for name in names:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stores(configure: Any) -> EmulatorServer:
    """Start the emulator for the stores of `configure_storages`."""
    cloud: EmulatorServer = configure(STORAGES=configure_storages())
    return cloud


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    write(folder, TREE)
    return folder
