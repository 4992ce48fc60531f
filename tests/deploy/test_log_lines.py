"""Where the project configures no logging, a command prints each sentence once, in its language."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ENV, slow_but
from tests.deploys import TREE, write
from tests.log.conftest import cloud as cloud
from wx_static_store.emulator import EmulatorServer

# A process without a database.
SETTINGS = """
import os, sys
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "wx_static_store"],
    STORAGES={"default": {"BACKEND": "wx_static_store.storage.WxStorage"}},
    WX_STATIC_STORE={
        "ENV": os.environ["WX_ENV"], "ACCESS_TOKEN": os.environ["WX_ACCESS_TOKEN"],
        "API_BASE_URL": os.environ["WX_API"],
    },
)
"""
COMMAND = """
import django
from django.core.management import execute_from_command_line
kind = "wx_static_store.staticfiles.WxStaticFilesStorage"
settings.LANGUAGE_CODE, settings.LOGGING = sys.argv.pop(1), {}
settings.STORAGES |= dict.fromkeys(("site", "staticfiles"), {"BACKEND": kind})
settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
settings.STATIC_URL, settings.STATICFILES_DIRS = "/static/", [sys.argv[1]]
settings.STATIC_ROOT = f"{sys.argv.pop(1)}-collected"
django.setup()
execute_from_command_line(["manage.py", *sys.argv[1:], "--skip-checks"])
"""
UNREAD = {"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None}
REFUSED = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    write(tmp_path / "dist", TREE)
    return tmp_path / "dist"


def manage(
    cloud: EmulatorServer, language: str, dist: Path, *words: str, code: str = COMMAND
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    names = {"WX_ENV": ENV, "WX_ACCESS_TOKEN": cloud.access_token, "WX_API": cloud.api_url}
    return subprocess.run(
        [sys.executable, "-c", SETTINGS + code, language, str(dist), *words],
        env=os.environ | names,
        capture_output=True,
        text=True,
        timeout=120,
    )


def deploy(
    cloud: EmulatorServer, language: str, dist: Path, code: str = COMMAND
) -> subprocess.CompletedProcess[str]:
    words = ("wx_deploy", str(dist), "--using", "site", "--yes")
    return manage(cloud, language, dist, *words, code=code)


def sentences(run: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what was printed, without its lines of progress and its table."""
    found = re.split(r"(?<=\.) |。|\n", run.stdout + run.stderr)
    return [text for each in found if len(text := each.strip()) > 12 and "MiB" not in text]


@pytest.mark.parametrize(
    "faults", slow_but([[UNREAD], [UNREAD, REFUSED]], [UNREAD]), ids=["list", "list and links"]
)
@pytest.mark.parametrize("language", slow_but(["en", "zh-hans"], "en"))
def test_no_sentence_is_printed_twice(
    cloud: EmulatorServer, dist: Path, language: str, faults: list[dict[str, object]]
) -> None:
    cloud.script(*faults)
    run = deploy(cloud, language, dist)
    assert run.returncode == len(faults) - 1, run.stdout + run.stderr
    printed = sentences(run)
    assert [text for text, count in Counter(printed).items() if count > 1] == []
    assert sum(cause in "".join(printed) for cause in ("so the log decided", "由上传日志判断")) == 1


def test_no_line_is_english_in_a_chinese_session(cloud: EmulatorServer, dist: Path) -> None:
    """This process has no database, which is a line of the log."""
    cloud.script(UNREAD)
    run = deploy(cloud, "zh-hans", dist)
    assert "无法使用上传日志" in run.stderr
    assert [line for line in (run.stdout + run.stderr).splitlines() if line.isascii()] == []


def test_collectstatic_says_in_its_language_that_the_log_decided(
    cloud: EmulatorServer, dist: Path
) -> None:
    cloud.script(UNREAD)
    run = manage(cloud, "zh-hans", dist, "collectstatic", "--no-input")
    assert run.returncode == 0, run.stdout + run.stderr
    assert [line for line in run.stderr.splitlines() if line.isascii()] == []
    assert run.stderr.count("无法读取文件列表，改由上传日志判断") == 1


def test_a_project_that_logs_warnings_gets_them_once(cloud: EmulatorServer, dist: Path) -> None:
    cloud.script(UNREAD)
    handlers = {"to stderr": {"class": "logging.StreamHandler"}}
    logs = {"version": 1, "root": {"handlers": [*handlers]}, "handlers": handlers}
    run = deploy(cloud, "en", dist, COMMAND.replace("{}\n", f"{logs}\n", 1))
    assert run.stderr.count("The list could not be read: ") == 1
    assert run.stderr.count("The upload log cannot be used") == 1
