"""What the three commands on the log have in common."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.databases.conftest import TABLE, run as execute
from tests.log.conftest import run
from tests.management.conftest import Build
from wx_static_store.emulator import EmulatorServer

COMMANDS = {
    "wx_reconcile": ["wx_reconcile", "--fix"],
    "wx_prune": ["wx_prune", "--days=1", "--yes"],
}
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)

COMMAND = """
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


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
