"""A store with a log, and builds in processes without a database."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ENV
from tests.deploys import TREE, configure_storages, write
from tests.log.conftest import cloud as cloud
from wx_static_store.emulator import EmulatorServer

# A process without a database; its lines of uploads go to the file `WX_LINES`.
BUILD = """
import os, sys
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "wx_static_store"],
    STORAGES={"default": {"BACKEND": "wx_static_store.storage.WxStorage"}},
    WX_STATIC_STORE={
        "ENV": os.environ["WX_ENV"], "ACCESS_TOKEN": os.environ["WX_ACCESS_TOKEN"],
        "API_BASE_URL": os.environ["WX_API"],
    },
    LOGGING={
        "version": 1,
        "formatters": {"lines": {"()": "wx_static_store.upload.JsonLinesFormatter"}},
        "handlers": {"file": {
            "class": "logging.FileHandler", "filename": os.environ["WX_LINES"],
            "formatter": "lines", "encoding": "utf-8",
        }},
        "loggers": {"wx_static_store.uploads": {"handlers": ["file"], "level": "INFO"}},
    },
)
"""


class Build:
    """Runs parts of a build in processes without a database."""

    def __init__(self, cloud: EmulatorServer, folder: Path) -> None:
        self.lines = folder / "uploads.jsonl"
        names = {"WX_ENV": ENV, "WX_ACCESS_TOKEN": cloud.access_token, "WX_API": cloud.api_url}
        self.environment = os.environ | names | {"WX_LINES": str(self.lines)}

    def run(self, part: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", BUILD + part, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def build(cloud: EmulatorServer, tmp_path: Path) -> Build:
    return Build(cloud, tmp_path)


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of the machine that runs these tests."""
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "GITHUB_STEP_SUMMARY"):
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
