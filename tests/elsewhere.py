"""A second database, which holds the tables of this app; users stay in the first."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

ALIAS = "elsewhere"
SQLITE = "django.db.backends.sqlite3"


class Router:
    """Reads and writes the tables of this app and of its callback elsewhere."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return ALIAS if model._meta.app_label.startswith("wx_static_store") else None

    db_for_write = db_for_read


class Elsewhere:
    """A database of its own in a file: `set_up(**changes)` changes its entry in DATABASES."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def set_up(self, **changes: Any) -> None:
        connections.settings[ALIAS] = {
            **connections.settings["default"],
            "ENGINE": SQLITE,
            "NAME": str(self.file),
            **changes,
        }

    def execute(self, statement: str) -> None:
        with sqlite3.connect(self.file) as connection:
            connection.execute(statement)
        connection.close()

    def count(self) -> int:
        connection = sqlite3.connect(self.file)
        [found] = connection.execute("SELECT count(*) FROM wx_static_store_uploadlog").fetchone()
        connection.close()
        return int(found)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Path]:
    """Make the tables once; each test takes a copy of the file."""
    elsewhere = Elsewhere(tmp_path_factory.mktemp("database") / "db.sqlite3")
    elsewhere.set_up()
    with django_db_blocker.unblock():
        call_command("migrate", database=ALIAS, verbosity=0)
        connections[ALIAS].close()
    yield elsewhere.file
    forget()


@pytest.fixture
def elsewhere(
    migrated: Path, tmp_path: Path, settings: Any, django_db_blocker: Any
) -> Iterator[Elsewhere]:
    forget()  # Django has forbidden the connection that it found
    made = Elsewhere(Path(shutil.copy(migrated, tmp_path)))
    made.set_up()
    settings.DATABASE_ROUTERS = [Router()]
    with django_db_blocker.unblock():  # Django lets a test reach the suite's own databases only
        yield made
    forget()


def forget() -> None:
    connections.settings.pop(ALIAS, None)
    if hasattr(connections._connections, ALIAS):
        connections[ALIAS].close()
        del connections[ALIAS]
