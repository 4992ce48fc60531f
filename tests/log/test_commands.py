"""What the three commands have in common, and a build without a database from end to end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.conftest import ENV
from tests.databases.conftest import TABLE, run as execute
from tests.log.conftest import run
from wx_static_store.core.types import UploadItem
from wx_static_store.deploy.plan import make_plan
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload import database
from wx_static_store.upload.uploader import get_uploader
from wx_static_store.upload.workers import WorkerPool

COMMANDS = {
    "wx_reconcile": ["wx_reconcile", "--fix"],
    "wx_prune": ["wx_prune", "--days=1", "--yes"],
    "wx_import_log": ["wx_import_log", os.devnull],
}
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)

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
COMMAND = """
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
SAVE = """
import django
django.setup()
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
for name in sys.argv[1:]:
    default_storage.save(name, ContentFile(name.encode()))
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


@each_command
def test_without_a_database_a_command_ends_with_2_and_says_so(
    build: Build, command: list[str]
) -> None:
    done = build.run(COMMAND, *command)
    assert done.returncode == 2
    assert "There is no upload log to work on (ImproperlyConfigured: " in done.stderr
    assert "Look at DATABASES" in done.stderr


@pytest.fixture
def no_table() -> Iterator[None]:
    execute(connection, f"ALTER TABLE {TABLE} RENAME TO elsewhere")
    yield
    execute(connection, f"ALTER TABLE elsewhere RENAME TO {TABLE}")


@pytest.mark.django_db(transaction=True)
@each_command
def test_without_the_table_a_command_ends_with_2_and_says_how_to_make_it(
    cloud: EmulatorServer, no_table: None, command: list[str]
) -> None:
    code, said = run(*command)
    assert (code, "migrate wx_static_store" in said) == (2, True)


@pytest.mark.django_db
@each_command
def test_a_database_that_fails_later_ends_a_command_with_1(
    cloud: EmulatorServer, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "lines").write_bytes(
        b'{"time": 1, "env": "e", "status": "stored", "source": "test"}\n'
    )
    cloud.put_object("a", b"x")
    asked = 0

    def fail(execute: Any, sql: str, *more: Any) -> Any:
        nonlocal asked
        asked += TABLE in sql
        if asked > 1:
            raise OperationalError("the server went away")
        return execute(sql, *more)

    command = [str(tmp_path / "lines") if part == os.devnull else part for part in command]
    with connection.execute_wrapper(fail):
        code, said = run(*command)
    assert (code, "the server went away" in said) == (1, True)
    assert "what is done stays: " in said


@pytest.mark.django_db
def test_a_deploy_after_a_build_without_a_database_sends_nothing_again(
    cloud: EmulatorServer, build: Build
) -> None:
    names = ["a.css", "图/文 档.txt", "b.js"]
    assert build.run(SAVE, *names).returncode == 0
    assert run("wx_import_log", str(build.lines)) == (0, "added 3, known 0, left out 0, broken 0\n")
    items = [UploadItem(n, open=lambda: None, md5=cloud.objects()[n].md5) for n in names]  # type: ignore[arg-type,return-value]
    with WorkerPool(1) as pool:
        plan = make_plan(get_uploader(), items, pool=pool)
    assert (len(plan.unchanged), len(plan)) == (3, 0)


@pytest.mark.django_db
def test_rows_are_read_where_they_are_written(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Router()]
    assert (UploadLog.objects.all().db, database.log().db) == ("copy", "default")


class Router:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "copy"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"
