"""Trouble of the log's database costs nothing but rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError, transaction

from tests.tables import each
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.upload import database
from wx_static_store.upload.database import (
    after_commit,
    flag,
    forget,
    in_database,
    is_away,
    rest,
    write,
)

WARNING = "The upload log cannot be used; uploads go on without it (%s)"


class Query:
    """A query that fails with each of these errors in turn, then gives 5."""

    def __init__(self, *errors: Exception, before: Callable[[], object] = lambda: None) -> None:
        self.errors, self.before, self.asked = list(errors), before, 0

    def __call__(self) -> int:
        self.asked += 1
        self.before()
        if self.errors:
            raise self.errors.pop(0)
        return 5


def outcome(query: Query) -> tuple[int, int]:
    """Return what came of it, and how often the database was asked."""
    return in_database(query, otherwise=0), query.asked


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Return a clock that a test sets."""
    seconds = [0.0]
    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=lambda: seconds[-1]))
    forget()
    yield seconds
    forget()


# --- errors that pass -----------------------------------------------------------------------


class Cause(Exception):
    """The error of a driver: each has its code in another place."""

    def __init__(self, *args: Any, **codes: str) -> None:
        super().__init__(*args)
        vars(self).update(codes)


def caused(cause: Exception | None, kind: type[Exception] = OperationalError) -> Exception:
    error = kind("no")
    error.__cause__ = cause
    return error


PASSING = [
    *(Cause(sqlstate=state) for state in ("40P01", "40001", "55P03")),
    Cause(pgcode="40P01"),
    *(Cause(number, "of MariaDB") for number in (1213, 1205, 1020)),
    *(Cause(sqlite_errorname=f"SQLITE_{name}") for name in ("BUSY", "LOCKED", "BUSY_SNAPSHOT")),
]


@pytest.mark.django_db
@each("cause", PASSING)
def test_a_query_is_repeated_after_an_error_that_passes(cause: Exception) -> None:
    assert outcome(Query(caused(cause))) == (5, 2)


@pytest.mark.django_db
def test_a_query_is_repeated_once_only() -> None:
    assert outcome(Query(*(caused(PASSING[0]) for _ in range(2)))) == (0, 2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cause",
    [None, Cause(sqlstate="42P01"), Cause(sqlite_errorname="SQLITE_FULL"), Cause(1064, 1213)],
)
def test_a_query_is_not_repeated_after_an_error_that_stays(cause: Exception | None) -> None:
    assert outcome(Query(caused(cause))) == (0, 1)
    assert is_away() is True


@pytest.mark.django_db
def test_a_query_is_not_repeated_after_an_error_of_its_own() -> None:
    assert outcome(Query(caused(PASSING[0], ValueError))) == (0, 1)


@pytest.mark.django_db
def test_a_missing_app_is_the_reason_that_is_logged(settings: Any, caplog: Any) -> None:
    settings.INSTALLED_APPS = []
    assert outcome(Query(RuntimeError("Model class …"))) == (0, 1)
    assert caplog.messages == [WARNING % "wx_static_store is not in INSTALLED_APPS"]


# --- a lock that does not come ----------------------------------------------------------------


class Locked(Query):
    """A query that waits so many seconds for a lock before each of its errors."""

    def __init__(self, clock: list[float], seconds: float, times: int) -> None:
        errors = [caused(PASSING[0]) for _ in range(times)]
        super().__init__(*errors, before=lambda: self.errors and clock.append(clock[-1] + seconds))


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "asked"), [(0.9, 2), (1.0, 1)])
def test_a_lock_is_not_waited_for_twice(clock: list[float], seconds: float, asked: int) -> None:
    assert outcome(Locked(clock, seconds, times=2)) == (0, asked)


@pytest.mark.django_db
def test_after_a_wait_for_a_lock_without_success_nothing_is_written_four_times_as_long(
    clock: list[float],
) -> None:
    assert write(Locked(clock, 5, times=1), otherwise=0) == 0
    for seconds, written in ((5, 0), (24.9, 0), (25, 5)):
        clock.append(seconds)
        assert write(Query(), otherwise=0) == written
    assert write(Query(), otherwise=0) == 5


@pytest.mark.django_db
@pytest.mark.parametrize("ask", [in_database, partial(write, at_once=True)])
def test_reads_and_what_must_be_written_at_once_do_not_spare_the_lock(
    clock: list[float], ask: Callable[..., int]
) -> None:
    write(Locked(clock, 5, times=1), otherwise=0)
    assert ask(Query(), otherwise=0) == 5


@pytest.mark.django_db
def test_a_write_ends_the_pause_after_a_lock_and_a_read_does_not(clock: list[float]) -> None:
    write(Locked(clock, 5, times=1), otherwise=0)
    in_database(Query(), otherwise=0)
    assert write(Query(), otherwise=0) == 0
    write(Query(), otherwise=0, at_once=True)
    assert write(Query(), otherwise=0) == 5


@pytest.mark.django_db
def test_the_pause_after_a_lock_is_half_a_minute_at_most(clock: list[float]) -> None:
    write(Locked(clock, 50, times=1), otherwise=0)
    for seconds, written in ((79.9, 0), (80, 5)):
        clock.append(seconds)
        assert write(Query(), otherwise=0) == written


@pytest.mark.django_db
def test_an_error_that_comes_at_once_makes_no_pause() -> None:
    assert write(Query(OperationalError("disk full")), otherwise=0) == 0
    assert write(Query(), otherwise=0) == 5


# --- connections that break -----------------------------------------------------------------


@dataclass
class Wrapper:
    """A connection as Django shows it."""

    usable: bool = False
    connection: object | None = field(default_factory=object)
    needs_rollback: bool = False
    alias: str = "default"

    def is_usable(self) -> bool:
        assert self.connection, "Django asks the driver"
        return self.usable

    def close(self) -> None:
        self.connection = None

    def reopen(self) -> None:
        self.connection, self.usable = object(), True


@pytest.fixture
def wrapper(monkeypatch: pytest.MonkeyPatch) -> Wrapper:
    wrapper = Wrapper()
    monkeypatch.setattr(database, "_connection", lambda: wrapper)
    return wrapper


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_query_is_repeated_on_a_connection_that_broke(
    wrapper: Wrapper, kind: type[Exception]
) -> None:
    assert outcome(Query(kind("gone"))) == (5, 2)
    assert wrapper.connection is None


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["close", "reopen"])
def test_a_query_is_repeated_on_a_connection_that_django_closed_or_opened_again(
    wrapper: Wrapper, step: str
) -> None:
    query = Query(OperationalError("gone"), before=getattr(wrapper, step))
    assert outcome(query) == (5, 2)


@pytest.mark.django_db
def test_a_query_is_not_repeated_on_a_connection_that_is_good(wrapper: Wrapper) -> None:
    wrapper.usable = True
    assert outcome(Query(OperationalError("no"))) == (0, 1)


@pytest.mark.django_db
def test_a_query_is_not_repeated_where_there_was_no_connection(wrapper: Wrapper) -> None:
    wrapper.close()
    assert outcome(Query(OperationalError("no"))) == (0, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [OperationalError("gone"), caused(PASSING[0])], ids=["gone", "passes"]
)
def test_a_query_is_not_repeated_if_the_caller_s_transaction_went_with_it(
    wrapper: Wrapper, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """MySQL ends the whole of it at a deadlock."""
    query = Query(error, before=lambda: setattr(wrapper, "needs_rollback", True))
    assert outcome(query) == (0, 1)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "ended the caller's whole transaction" in caplog.text


@pytest.mark.django_db
def test_a_database_is_not_asked_in_a_broken_transaction() -> None:
    query = Query()
    with transaction.atomic():
        transaction.set_rollback(True)
        assert in_database(query, otherwise=7) == 7
        transaction.set_rollback(False)
    assert query.asked == 0


# --- a database that is down ----------------------------------------------------------------

NO_TABLE = OperationalError("no such table: wx")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "rests"),
    [
        (NO_TABLE, True),
        (ProgrammingError("relation does not exist"), True),
        (InterfaceError("connection already closed"), True),
        (ImproperlyConfigured("no engine"), True),
        (RuntimeError("no database here"), True),
        (OperationalError("disk full"), False),
        (ValueError("no number"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_database_is_left_alone_for_half_a_minute_if_the_next_query_would_fail_alike(
    clock: list[float], error: Exception, rests: bool
) -> None:
    assert outcome(Query(error)) == (0, 1)
    assert outcome(Query()) == ((0, 0) if rests else (5, 1))
    clock.append(29.9)
    assert outcome(Query()) == ((0, 0) if rests else (5, 1))
    clock.append(30.0)
    assert outcome(Query()) == (5, 1)


@pytest.mark.django_db
def test_a_database_that_gives_no_connection_is_left_alone(
    clock: list[float], wrapper: Wrapper
) -> None:
    wrapper.close()
    assert outcome(Query(OperationalError("could not connect"))) == (0, 1)
    assert outcome(Query()) == (0, 0)


@pytest.mark.django_db
def test_a_database_that_stays_down_is_one_warning_until_it_works_again(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    counts = []
    for seconds, errors in ((0, [NO_TABLE]), (30, [NO_TABLE]), (60, []), (90, [NO_TABLE])):
        clock.append(seconds)
        in_database(Query(*errors), otherwise=0)
        counts.append(len(caplog.records))
    assert counts == [1, 1, 1, 2]


@pytest.mark.django_db
def test_each_error_that_passes_is_a_warning_with_its_first_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        in_database(Query(OperationalError("disk full\nDETAIL: of 5 GB")), otherwise=0)
    assert caplog.messages == [WARNING % "OperationalError: disk full"] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "away"),
    [(OperationalError("disk full"), True), (NO_TABLE, False), (ValueError("no number"), False)],
    ids=["database", "table", "value"],
)
def test_a_database_is_away_if_it_is_there_and_could_not_be_asked(
    error: Exception, away: bool
) -> None:
    in_database(Query(error), otherwise=0)
    assert is_away() is away
    rest(0)
    in_database(Query(), otherwise=0)
    assert not is_away()


@pytest.mark.django_db
def test_a_database_at_rest_is_asked_again_when_that_is_over(clock: list[float]) -> None:
    rest(5)
    clock.append(4.9)
    assert outcome(Query()) == (0, 0)
    rest(0)
    assert outcome(Query()) == (5, 1)


# --- where rows are -------------------------------------------------------------------------


class Router:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "copy"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default" if model in (UploadLog, Deployment) else "copy"


@pytest.mark.django_db
def test_rows_are_read_where_they_are_written(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Router()]
    assert (UploadLog.objects.all().db, database.log().db) == ("copy", "default")
    assert (database.log().model, database.deployments().db) == (UploadLog, "default")


@pytest.mark.django_db
@pytest.mark.parametrize("alive", [True, False])
def test_users_are_asked_for_apart(django_assert_num_queries: Any, *, alive: bool) -> None:
    alice = User.objects.create_user("alice")
    Deployment.objects.create(env="env-1", user_id=alice.pk if alive else alice.pk + 1)
    with django_assert_num_queries(2):
        [row] = database.with_users(Deployment.objects.all())
        assert row.user == (alice if alive else None)


@pytest.mark.django_db
def test_the_database_that_is_asked_is_the_one_that_rows_are_written_to(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Router()]
    assert outcome(Query()) == (5, 1)


@pytest.mark.django_db
def test_a_flag_of_the_connection_is_true_or_false() -> None:
    assert flag("in_atomic_block") is True
    assert flag("needs_rollback") is False


def test_a_flag_that_no_connection_has_is_false() -> None:
    assert flag("nonsense") is False


def test_a_view_can_be_exempt_from_the_transactions_of_all_databases() -> None:
    def view(request: object) -> None: ...

    assert database.outside_transactions(view) is view
    assert view._non_atomic_requests == {"default"}  # type: ignore[attr-defined]


# --- after the commit -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_work_waits_for_the_commit_of_the_caller() -> None:
    done: list[str] = []
    with transaction.atomic():
        after_commit(lambda: done.append("committed"))
        assert done == []
    assert done == ["committed"]


@pytest.mark.django_db(transaction=True)
def test_work_is_dropped_with_a_transaction_that_is_rolled_back() -> None:
    done: list[str] = []
    with transaction.atomic():
        after_commit(lambda: done.append("rolled back"))
        transaction.set_rollback(True)
    after_commit(lambda: done.append("at once"))
    assert done == ["at once"]


@pytest.mark.django_db
def test_work_does_not_wait_for_the_end_of_a_test_case() -> None:
    done: list[str] = []
    after_commit(lambda: done.append("at once"))
    assert done == ["at once"]
