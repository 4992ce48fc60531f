"""The same trouble on each database: its own errors, a second connection, locks that are held."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

TABLE = UploadLog._meta.db_table
VENDOR = connection.vendor

# A lock that no row can be added beside.
HOLD = {
    "sqlite": ["BEGIN IMMEDIATE", f"DELETE FROM {TABLE} WHERE id = 0"],
    "postgresql": ["BEGIN", f"LOCK TABLE {TABLE} IN SHARE MODE"],
    "mysql": [
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",  # else no gap is locked
        "BEGIN",
        f"SELECT id FROM {TABLE} FOR UPDATE",
    ],
}[VENDOR]
# A connection that waits for no lock, and how it becomes patient again.
IMPATIENT, PATIENT = {
    "sqlite": ("PRAGMA busy_timeout = 0", "PRAGMA busy_timeout = 5000"),
    "postgresql": ("SET lock_timeout = '20ms'", "RESET lock_timeout"),
    "mysql": (
        "SET SESSION innodb_lock_wait_timeout = 0",
        "SET SESSION innodb_lock_wait_timeout = DEFAULT",
    ),
}[VENDOR]
# Statements that the server answers as if it had met the trouble.
TROUBLE = {
    "sqlite": {},
    "postgresql": {
        name: f"DO $$ BEGIN RAISE EXCEPTION 'provoked' USING ERRCODE = '{code}'; END $$"
        for name, code in [
            ("deadlock", "40P01"),
            ("serialization failure", "40001"),
            ("lock timeout", "55P03"),
        ]
    },
    "mysql": {
        name: f"SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'provoked'"
        for name, state, code in [
            ("deadlock", "40001", 1213),
            ("serialization failure", "HY000", 1020),
            ("lock timeout", "HY000", 1205),
        ]
    },
}[VENDOR] | {"held lock": ""}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_on(*vendors): what no other database does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Leave out the tests of other databases.

    Without its server no test of this run can use the database, in whatever folder it is: those are
    skipped, and fail where ``WX_REQUIRE_SERVICES`` is set.
    """
    others = [item for item in items if not _is_of_this_database(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
    address = (connection.settings_dict["HOST"], connection.settings_dict["PORT"])
    if VENDOR == "sqlite" or os.environ.get("WX_REQUIRE_SERVICES") or _answers(*address):
        return
    reason = pytest.mark.skip(reason=f"no {VENDOR} answers at {':'.join(address)}")
    for item in items:
        if item.get_closest_marker("django_db"):
            item.add_marker(reason)


def _is_of_this_database(item: pytest.Item) -> bool:
    only_on = item.get_closest_marker("only_on")
    return only_on is None or VENDOR in only_on.args


def _answers(host: str, port: str) -> bool:
    try:
        with socket.create_connection((host, int(port)), 2):
            return True
    except OSError:
        return False


@contextmanager
def another_connection() -> Iterator[BaseDatabaseWrapper]:
    """To the same database; what it began and did not end is rolled back."""
    other = connection.copy()
    try:
        yield other
    finally:
        if other.connection is not None:
            other.connection.close()  # Django itself would keep one to a database in memory


def run(on: Any, *statements: str) -> None:
    with on.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Somebody else holds the lock until they leave, or until the function is called."""
    with another_connection() as other:
        run(other, *HOLD)
        yield lambda: run(other, "ROLLBACK")


class Refusals:
    """Lets the database refuse some statements on the log, counted from 1, as it does itself."""

    def __init__(
        self, trouble: str, refused: Callable[[int], bool], verb: str = "INSERT INTO"
    ) -> None:
        self.statement, self.refused, self.verb, self.asked = TROUBLE[trouble], refused, verb, 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not (sql.startswith(self.verb) and TABLE in sql):
            return execute(sql, params, many, context)
        self.asked += 1
        if not self.refused(self.asked):
            return execute(sql, params, many, context)
        if self.statement:
            return execute(self.statement, None, False, context)
        with held():
            return execute(sql, params, many, context)


@pytest.fixture
def impatient() -> Iterator[None]:
    """Our connection waits for no lock."""
    run(connection, IMPATIENT)
    yield
    if connection.connection is not None:
        run(connection, PATIENT)


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return server


class LogLines:
    """What the two loggers said."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "wx_static_store")
        self._caplog = caplog

    @property
    def uploads(self) -> list[dict[str, Any]]:
        """The facts of each line of ``wx_static_store.uploads``."""
        return [vars(r)["upload"] for r in self._caplog.records if "upload" in vars(r)]

    @property
    def troubles(self) -> list[str]:
        """What was said about the log itself."""
        wanted = "wx_static_store.recorder"
        return [r.getMessage() for r in self._caplog.records if r.name == wanted]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> LogLines:
    return LogLines(caplog)
