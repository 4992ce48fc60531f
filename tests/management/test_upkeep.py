"""What the commands on the log have in common."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.databases.conftest import TABLE, run as execute
from tests.log.conftest import run
from wx_static_store.emulator import EmulatorServer

COMMANDS = {
    "wx_reconcile": ["wx_reconcile", "--fix"],
    "wx_prune": ["wx_prune", "--days=1", "--yes"],
}
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)

WITHOUT_DATABASE = f"""
import django
from django.conf import settings
from django.core.management import CommandError, call_command

apps = ["django.contrib.auth", "django.contrib.contenttypes", "wx_static_store"]
storages = {{"default": {{"BACKEND": "wx_static_store.storage.WxStorage"}}}}
platform = {{"ENV": "env-1", "ACCESS_TOKEN": "t"}}
settings.configure(INSTALLED_APPS=apps, STORAGES=storages, WX_STATIC_STORE=platform)
django.setup()
for command in {[*COMMANDS.values()]}:
    try:
        call_command(*command)
    except CommandError as error:
        print(error.returncode, error)
"""


def test_without_a_database_each_command_ends_with_2_and_says_so() -> None:
    process = [sys.executable, "-c", WITHOUT_DATABASE]
    done = subprocess.run(process, capture_output=True, text=True, timeout=120, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(COMMANDS)
    for line in lines:
        assert line.startswith("2 There is no log of uploads and releases")
        assert "Look at DATABASES" in line


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
    cloud: EmulatorServer, command: list[str]
) -> None:
    cloud.put_object("a", b"x")
    asked = 0

    def fail(execute: Any, sql: str, *more: Any) -> Any:
        nonlocal asked
        asked += TABLE in sql
        if asked > 1:
            raise OperationalError("the server went away")
        return execute(sql, *more)

    with connection.execute_wrapper(fail):
        code, said = run(*command)
    assert (code, "the server went away" in said) == (1, True)
    assert "what is done stays: " in said
