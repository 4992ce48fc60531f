"""Deadlocks, locks, broken and rolled-back transactions: the upload counts, and the line stays."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from tests.databases.conftest import (
    IMPATIENT,
    TABLE,
    TROUBLE,
    VENDOR,
    LogLines,
    Refusals,
    another_connection,
    run,
)
from tests.waiting import wait_for
from wx_static_store.core.types import UploadContext, UploadResult, UploadStatus
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed
from wx_static_store.models import UploadLog
from wx_static_store.upload import database
from wx_static_store.upload.presence import from_log
from wx_static_store.upload.recorder import record_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("impatient")]

CONTEXT = UploadContext(source="test")
# Statement-wide refusals, of which the caller's transaction knows nothing; MariaDB ends the whole
# of it at the others (see the real deadlock below).
MILD = ["lock timeout", "held lock"] if VENDOR == "mysql" else list(TROUBLE)
WHERE = [(trouble, nullcontext) for trouble in TROUBLE]
WHERE += [(trouble, transaction.atomic) for trouble in MILD]
in_both = pytest.mark.parametrize(
    ("trouble", "around"),
    WHERE,
    ids=[f"{trouble}, {around.__name__}" for trouble, around in WHERE],
)
only_servers = pytest.mark.only_on("postgresql", "mysql")

Around = Callable[[], AbstractContextManager[Any]]


def save(name: str = "a.txt") -> str:
    return default_storage.save(name, ContentFile(b"x"))


def rows() -> list[str]:
    return list(UploadLog.objects.order_by("id").values_list("key", flat=True))


def result(key: str) -> UploadResult:
    return UploadResult(key, key, UploadStatus.STORED, env="env-1")


# --- what passes (P12, X7) --------------------------------------------------------------------


@in_both
def test_a_row_that_was_refused_once_is_written(
    cloud: EmulatorServer, logged: LogLines, trouble: str, around: Around
) -> None:
    refusals = Refusals(trouble, lambda number: number == 1)
    with around(), connection.execute_wrapper(refusals):
        save()
    assert (rows(), refusals.asked, logged.troubles) == (["a.txt"], 2, [])


@in_both
def test_a_row_that_was_refused_twice_is_a_log_line_until_the_next_upload(
    cloud: EmulatorServer, logged: LogLines, trouble: str, around: Around
) -> None:
    refusals = Refusals(trouble, lambda number: True)
    with around(), connection.execute_wrapper(refusals):
        assert save() == "a.txt"
    assert set(cloud.objects()) == {"a.txt"}
    assert [line["key"] for line in logged.uploads] == ["a.txt"]
    assert (rows(), refusals.asked, len(logged.troubles)) == ([], 2, 1)
    assert "uploads go on without it" in logged.troubles[0]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_the_next_upload_writes_the_row_that_was_refused_twice(
    cloud: EmulatorServer, trouble: str
) -> None:
    with connection.execute_wrapper(Refusals(trouble, lambda number: True)):
        save("a.txt")
    save("b.txt")
    assert rows() == ["a.txt", "b.txt"]


@pytest.mark.parametrize("trouble", MILD)
def test_what_the_caller_wrote_before_and_after_is_kept(
    cloud: EmulatorServer, trouble: str
) -> None:
    # SQLite has one writer: had the caller written before, nobody else could hold the lock.
    before = [] if VENDOR == "sqlite" else ["before"]
    with transaction.atomic():
        Group.objects.bulk_create(Group(name=name) for name in before)
        with connection.execute_wrapper(Refusals(trouble, lambda number: True)):
            save()
        Group.objects.create(name="after")
    assert list(Group.objects.order_by("id").values_list("name", flat=True)) == [*before, "after"]
    assert rows() == []


@pytest.mark.parametrize("trouble", TROUBLE)
def test_whatever_was_refused_every_upload_has_one_row_in_the_end(
    cloud: EmulatorServer, logged: LogLines, trouble: str
) -> None:
    dice = random.Random(7)  # half of the attempts, the same in each run
    names = {f"{number}.txt" for number in range(24)}
    with connection.execute_wrapper(Refusals(trouble, lambda number: dice.random() < 0.5)):
        for name in names:
            save(name)
    assert logged.troubles
    save("last.txt")
    assert set(cloud.objects()) == names | {"last.txt"}
    assert (
        sorted(line["key"] for line in logged.uploads) == sorted(rows()) == sorted(cloud.objects())
    )


# A lock keeps only SQLite from reading.
@pytest.mark.parametrize("trouble", [name for name in TROUBLE if TROUBLE[name]] or TROUBLE)
def test_a_plan_repeats_a_query_that_was_refused_once(logged: LogLines, trouble: str) -> None:
    record_one(result("a"), CONTEXT)
    refusals = Refusals(trouble, lambda number: number == 1, verb="SELECT")
    with connection.execute_wrapper(refusals):
        found = from_log("env-1", ["a"])
    assert [*found] == ["a"]
    assert (refusals.asked, logged.troubles) == (3, [])  # the first of two queries, and then both


@pytest.mark.only_on("sqlite")  # the suite's own is in memory, and says «locked» of its tables
def test_a_locked_sqlite_file_is_a_temporary_error(tmp_path: Path) -> None:
    with another_connection() as theirs, another_connection() as ours:
        for each in (theirs, ours):
            each.settings_dict["NAME"] = str(tmp_path / "log.sqlite3")
        run(theirs, "BEGIN IMMEDIATE")
        run(ours, IMPATIENT)
        with pytest.raises(OperationalError, match="database is locked") as caught:
            run(ours, "BEGIN IMMEDIATE")
    assert database._passes(caught.value)


SERIALIZABLE = {
    "sqlite": "PRAGMA read_uncommitted = 0",  # it knows no other isolation
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "mysql": "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
}[VENDOR]


def test_serializable_writers_lose_no_row(logged: LogLines) -> None:
    taken: list[int | None] = []

    def write(writer: int) -> None:
        run(connection, SERIALIZABLE)
        for number in range(10):
            from_log("env-1", [f"{number}"])
            taken.append(record_one(result(f"{number}"), CONTEXT))

    in_threads(write, range(4))
    assert len(logged.uploads) == len(taken) == 40
    assert taken.count(None) <= len(logged.troubles)
    record_one(result("last"), CONTEXT)
    assert Counter(rows()) == dict.fromkeys(map(str, range(10)), 4) | {"last": 1}


def in_threads(work: Callable[[int], None], arguments: range) -> None:
    """Each with a connection of its own."""
    errors: list[BaseException] = []

    def alone(argument: int) -> None:
        try:
            work(argument)
        except BaseException as error:  # noqa: BLE001 -- raised in the test below
            errors.append(error)
        finally:
            connections["default"].connection.close()

    threads = [threading.Thread(target=alone, args=(n,)) for n in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors
    assert not any(thread.is_alive() for thread in threads)


# --- a real deadlock --------------------------------------------------------------------------

# A lock that two hold at once, and that keeps each from adding a row beside the other.
SHARED = {
    "postgresql": f"LOCK TABLE {TABLE} IN SHARE MODE",
    "mysql": f"SELECT id FROM {TABLE} FORCE INDEX (PRIMARY) LOCK IN SHARE MODE",
}.get(VENDOR, "")
PREPARED = {
    "postgresql": ["SET lock_timeout = '20s'"],
    "mysql": [
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",  # else no gap is locked
        "SET SESSION innodb_lock_wait_timeout = 20",
    ],
}.get(VENDOR, [])
# Who looks first is the victim, so the rival must wait already; MariaDB chooses who has written
# least.
HASTY, SLOW = {
    "postgresql": ("SET deadlock_timeout = '50ms'", "SET deadlock_timeout = '20s'"),
}.get(VENDOR, ("SELECT 1", "SELECT 1"))
WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())",
}.get(VENDOR, "SELECT 1")


class Rival(threading.Thread):
    """Holds what we wait for, waits for what we hold, and is not the victim."""

    def __init__(self) -> None:
        super().__init__()
        self.holds, self.may_write = threading.Event(), threading.Event()

    def run(self) -> None:
        run(connection, *PREPARED, SLOW)
        try:
            with transaction.atomic():
                Group.objects.bulk_create(Group(name=f"rival {n}") for n in range(20))
                run(connection, SHARED)
                self.holds.set()
                self.may_write.wait(20)
                UploadLog.objects.create(env="rival", key="theirs", key_digest="d")
        finally:
            connection.connection.close()

    def entangle(self) -> None:
        """From here to the end of the caller's transaction, a row of ours is a deadlock."""
        run(connection, SHARED)
        self.may_write.set()
        wait_for(lambda: ask(WAITING) > 0)


def ask(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


@pytest.fixture
def rival(cloud: EmulatorServer) -> Iterator[Rival]:
    run(connection, *PREPARED, HASTY)
    rival = Rival()
    rival.start()
    assert rival.holds.wait(20)
    yield rival
    rival.join(30)
    connection.close()  # and with it what was set
    run(connection, "SELECT 1")
    assert rows()[-1:] == ["theirs"]


@pytest.mark.only_on("postgresql")  # which rolls back to the savepoint
def test_after_a_deadlock_the_callers_transaction_goes_on(
    cloud: EmulatorServer, rival: Rival, logged: LogLines
) -> None:
    with transaction.atomic():
        Group.objects.create(name="before")
        rival.entangle()
        save()
        Group.objects.create(name="after")
    assert set(Group.objects.values_list("name", flat=True)) >= {"before", "after"}
    assert set(cloud.objects()) == {"a.txt"}
    assert len(logged.troubles) == 1
    assert "deadlock detected" in logged.troubles[0]


@pytest.mark.only_on("mysql")  # which rolls back the whole transaction
def test_a_deadlock_that_ended_the_callers_transaction_is_raised(
    cloud: EmulatorServer, rival: Rival, logged: LogLines
) -> None:
    @transaction.atomic
    def request() -> None:
        Group.objects.create(name="before")
        rival.entangle()
        assert save() == "a.txt"
        Group.objects.create(name="after")  # Django lets nobody write into what is lost

    with pytest.raises(TransactionManagementError):
        request()
    assert not Group.objects.filter(name__in=["before", "after"]).exists()
    assert set(cloud.objects()) == {"a.txt"}
    assert [line["in_atomic"] for line in logged.uploads] == [True]
    assert len(logged.troubles) == 1
    assert "ended the caller's whole transaction" in logged.troubles[0]
    assert "Deadlock" in logged.troubles[0]


# --- a connection that breaks (P11) -----------------------------------------------------------

KILL, OWN_NUMBER = {
    "postgresql": ("SELECT pg_terminate_backend({}, 5000)", "SELECT pg_backend_pid()"),
    "mysql": ("KILL {}", "SELECT connection_id()"),
}.get(VENDOR, ("", ""))


def break_connection() -> None:
    number = ask(OWN_NUMBER)
    with another_connection() as other:
        run(other, KILL.format(number))


@only_servers
def test_a_broken_connection_is_opened_again(cloud: EmulatorServer, logged: LogLines) -> None:
    break_connection()
    save()
    assert (rows(), logged.troubles) == (["a.txt"], [])


@only_servers
def test_a_connection_that_breaks_in_the_callers_transaction_is_raised(
    cloud: EmulatorServer, logged: LogLines
) -> None:
    with transaction.atomic():
        break_connection()
        assert save() == "a.txt"
    assert set(cloud.objects()) == {"a.txt"}
    ended, broken = logged.troubles  # for the look, and for the row
    assert "ended the caller's whole transaction" in ended
    assert "The transaction is broken" in broken


@only_servers
def test_a_server_that_is_gone_is_asked_once(
    cloud: EmulatorServer, logged: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    with monkeypatch.context() as gone:
        gone.setitem(connection.settings_dict, "PORT", "1")
        for name in ("a.txt", "b.txt"):
            save(name)
    assert set(cloud.objects()) == {"a.txt", "b.txt"}
    assert len(logged.troubles) == 1


# --- a transaction that is broken already (P13) -----------------------------------------------


def test_a_broken_transaction_is_asked_nothing(cloud: EmulatorServer, logged: LogLines) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with CaptureQueriesContext(connection) as queries:
            save()
    assert set(cloud.objects()) == {"a.txt"}
    assert [line["key"] for line in logged.uploads] == ["a.txt"]
    assert (len(queries), len(logged.troubles)) == (0, 2)  # for the look, and for the row


def test_an_error_that_the_caller_swallowed_costs_no_row(
    cloud: EmulatorServer, logged: LogLines
) -> None:
    with transaction.atomic():
        with pytest.raises(DatabaseError):
            run(connection, "SELECT nonsense")
        save("a.txt")
    save("b.txt")
    assert set(cloud.objects()) == {"a.txt", "b.txt"}
    ends = VENDOR == "postgresql"  # which accepts no other statement then
    assert (rows(), len(logged.troubles)) == (["a.txt", "b.txt"], 2 * ends)


# --- the caller's transaction (P14, P15) ------------------------------------------------------


def test_a_rollback_takes_the_row_and_leaves_object_and_line(
    cloud: EmulatorServer, logged: LogLines
) -> None:
    with transaction.atomic():
        save()
        assert rows() == ["a.txt"]
        transaction.set_rollback(True)
    assert set(cloud.objects()) == {"a.txt"}
    assert rows() == []
    assert [(line["status"], line["in_atomic"]) for line in logged.uploads] == [("stored", True)]


def test_a_line_outside_a_transaction_says_so(cloud: EmulatorServer, logged: LogLines) -> None:
    save()
    assert [line["in_atomic"] for line in logged.uploads] == [False]


def refuse(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})


def test_a_failure_in_a_transaction_is_the_callers_and_keeps_its_line(
    cloud: EmulatorServer, logged: LogLines
) -> None:
    @transaction.atomic
    def request() -> None:
        Group.objects.create(name="before")
        save()

    refuse(cloud)
    with pytest.raises(UploadFailed):
        request()
    assert rows() == []
    assert not Group.objects.exists()
    facts = [(line["status"], line["errcode"], line["in_atomic"]) for line in logged.uploads]
    assert facts == [("failed", 40097, True)]


def test_a_failure_that_the_caller_handles_keeps_its_row(cloud: EmulatorServer) -> None:
    refuse(cloud)
    with transaction.atomic():
        Group.objects.create(name="before")
        with pytest.raises(UploadFailed):
            save()
    assert UploadLog.objects.get().status == "failed"
    assert Group.objects.exists()


def test_a_failure_outside_a_transaction_has_a_row(cloud: EmulatorServer) -> None:
    refuse(cloud)
    with pytest.raises(UploadFailed):
        save()
    assert UploadLog.objects.get().status == "failed"


# --- rows of others ---------------------------------------------------------------------------


def test_a_user_who_is_gone_breaks_no_commit() -> None:
    with transaction.atomic():
        record_one(result("a"), UploadContext(source="test", user_id=987654))
        Group.objects.create(name="kept")
    assert rows() == ["a"]
    assert Group.objects.exists()


@only_servers
def test_a_row_waits_for_no_lock_on_its_user(logged: LogLines) -> None:
    user = User.objects.create(username="editor")
    with another_connection() as other:
        run(other, "BEGIN", f"SELECT id FROM auth_user WHERE id = {user.pk} FOR UPDATE")
        record_one(result("a"), UploadContext(source="test", user_id=user.pk))
    assert (rows(), logged.troubles) == (["a"], [])


def test_a_deleted_user_leaves_the_row() -> None:
    user = User.objects.create(username="editor")
    record_one(result("a"), UploadContext(source="test", user_id=user.pk))
    user.delete()
    assert UploadLog.objects.get().user is None
