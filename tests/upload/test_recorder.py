"""The log neither breaks an upload nor is broken by one, and no row is forgotten."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from tests.conftest import ENV
from tests.deploys import configure_storages
from wx_static_store.core.types import UploadContext, UploadResult, UploadStatus
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    CosRefused,
    IntegrityError,
    ResponseLost,
    SourceError,
    WxStaticStoreError,
)
from wx_static_store.i18n import gettext_lazy as _
from wx_static_store.models import Deployment, Release, UploadLog
from wx_static_store.signals import deployment_finished, upload_finished
from wx_static_store.upload import database, recorder as recorders
from wx_static_store.upload.database import is_away, rest
from wx_static_store.upload.recorder import JsonLinesFormatter, Recorder, record_one

CONTEXT = UploadContext(source="test")
TABLE = UploadLog._meta.db_table
ODD_TEXTS = {"NUL": "a\0b", "surrogate": "\udcff", "too long": "😀" * 2000}


def result(name: str = "a.txt", **details: Any) -> UploadResult:
    return UploadResult(name, name, UploadStatus.STORED, env="env-1", errcode=0, **details)


def write(*results: UploadResult) -> bool:
    """As a run does it; whether the database took all rows."""
    recorder = Recorder(CONTEXT)
    for each in results:
        recorder.add(each)
    return recorder.close()


def save(name: str = "a.txt", body: bytes = b"x") -> str:
    return default_storage.save(name, ContentFile(body))


def keys() -> list[str]:
    """Of all rows, the oldest first."""
    return list(UploadLog.objects.order_by("id").values_list("key", flat=True))


def failing(make: Callable[[], BaseException]) -> AbstractContextManager[None]:
    """Let the database fail with this error at each new row."""

    def execute(query: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("INSERT") and TABLE in sql:
            raise make()
        return query(sql, *args)

    return connection.execute_wrapper(execute)


def refusing() -> AbstractContextManager[None]:
    return failing(lambda: OperationalError("disk full"))


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(STORAGES=configure_storages())
    return server


@pytest.fixture
def site(cloud: EmulatorServer, tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_bytes(b"page")
    (folder / "app.css").write_bytes(b"sheet")
    return folder


def deploy(site: Path) -> None:
    call_command("wx_deploy", str(site), yes=True, verbosity=0)


@pytest.mark.django_db
def test_an_unchanged_file_gets_no_row(site: Path) -> None:
    deploy(site)
    deploy(site)
    assert keys() == ["app.css", "index.html"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a\0b", r"a\x00b"),
        ("\udcff.txt", r"\udcff.txt"),
        ("😀", "😀"),
        ("图/文 档.txt", "图/文 档.txt"),
        ("x" * 2000, "x" * 850),
        ("😀" * 2000, "😀" * 850),
    ],
    ids=["NUL", "surrogate", "emoji", "Chinese", "too long", "too long in bytes"],
)
def test_any_name_fits_into_a_row(name: str, kept: str) -> None:
    assert record_one(result(name), CONTEXT) is not None
    assert UploadLog.objects.get().key == kept


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["rid", "request_id", "stage", "md5"])
@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_no_odd_text_of_an_answer_takes_the_other_rows_along(column: str, text: str) -> None:
    assert write(result("good"), result("odd", **{column: text}))
    assert UploadLog.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_a_deployment_keeps_any_label(text: str) -> None:
    context = UploadContext(source="test", source_ref=text)
    assert recorders.start_deployment("env-1", context) is not None


@pytest.mark.django_db
def test_an_upload_inside_a_broken_transaction_counts(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        default_storage.save("a.txt", ContentFile(b"x"))
        assert "a.txt" in cloud.objects()
        assert "transaction is broken" in caplog.text
        transaction.set_rollback(False)
    assert not UploadLog.objects.exists()


@pytest.mark.django_db
def test_a_failing_row_leaves_the_callers_transaction_usable(cloud: EmulatorServer) -> None:
    with transaction.atomic():
        assert record_one(result(size=-1), CONTEXT) is None
        UploadLog.objects.create(env="env-1", key="k", key_digest="d", status="stored")
    assert UploadLog.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_table_there_is_one_warning(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    table = UploadLog._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        for name in ("a.txt", "b.txt"):
            default_storage.save(name, ContentFile(b"x"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert set(cloud.objects()) == {"a.txt", "b.txt"}
    assert caplog.text.count("upload log cannot be used") == 1


@pytest.mark.django_db
def test_an_upload_in_an_async_context_counts(cloud: EmulatorServer) -> None:
    async def view() -> str:
        return default_storage.save("a.txt", ContentFile(b"x"))

    assert async_to_sync(view)() == "a.txt"
    assert "a.txt" in cloud.objects()


# --- what a row and a line say ------------------------------------------------------------------

REFUSED = CosRefused("COS refused it", cos_code="Odd", http_status=402, errmsg="pay first")


def ended(status: UploadStatus, error: WxStaticStoreError) -> UploadResult:
    return UploadResult("a.txt", "a.txt", status, env="env-1", errcode=0, error=error)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (result(verified=True), ("INFO", "stored 'a.txt'")),
        (result(), ("INFO", "stored 'a.txt' (unverified: COS named no MD5)")),
        (
            ended(UploadStatus.FAILED, SourceError("gone", hint="")),
            ("ERROR", "failed 'a.txt': gone"),
        ),
        (
            ended(UploadStatus.UNKNOWN, ResponseLost("lost", hint="")),
            ("ERROR", "unknown 'a.txt': lost"),
        ),
        (
            ended(UploadStatus.UNKNOWN, IntegrityError("other bytes", hint="")),
            ("CRITICAL", "unknown 'a.txt': other bytes"),
        ),
    ],
    ids=["stored", "unverified", "failed", "unknown", "wrong bytes"],
)
def test_every_outcome_is_a_line_of_the_logger(
    caplog: pytest.LogCaptureFixture, given: UploadResult, line: tuple[str, str]
) -> None:
    with caplog.at_level("INFO", "wx_static_store.uploads"):
        record_one(given, CONTEXT)
    ours = [record for record in caplog.records if record.name == "wx_static_store.uploads"]
    assert [(record.levelname, record.getMessage()) for record in ours] == [line]


@pytest.mark.django_db
def test_a_row_says_why_an_upload_failed() -> None:
    record_one(ended(UploadStatus.FAILED, REFUSED), CONTEXT)
    row = UploadLog.objects.get()
    assert (row.message, row.cos_code, row.http_status) == ("COS refused it: pay first", "Odd", 402)


@pytest.mark.django_db
def test_a_row_of_a_stored_file_says_no_more_than_its_note() -> None:
    record_one(result(note=_("seen in the list"), seconds=1.5), CONTEXT)
    row = UploadLog.objects.get()
    assert (row.message, row.cos_code, row.http_status) == ("seen in the list", "", None)
    assert row.duration_ms == 1500


@pytest.mark.django_db
@pytest.mark.parametrize(("own", "written"), [("row 7", "row 7"), ("", "the run")])
def test_a_file_s_own_source_ref_is_written_before_that_of_the_run(own: str, written: str) -> None:
    record_one(result(source_ref=own), UploadContext("test", source_ref="the run"))
    assert UploadLog.objects.get().source_ref == written


@pytest.mark.django_db
@pytest.mark.parametrize(("own", "written"), [({"source": "list"}, "list"), ({}, "test")])
def test_a_result_of_a_run_may_have_a_source_of_its_own(
    lines: list[dict[str, Any]], own: dict[str, str], written: str
) -> None:
    recorder = Recorder(UploadContext("test", source_ref="v1"))
    recorder.add(result(), **own)
    recorder.close()
    assert UploadLog.objects.values_list("source", "source_ref").get() == (written, "v1")
    assert (lines[0]["source"], lines[0]["source_ref"]) == (written, "v1")


def test_a_name_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "wx_static_store.uploads"):
        record_one(result("a\nstored 'b'"), CONTEXT)
    assert all("\n" not in record.getMessage() for record in caplog.records)


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Collect the lines that a handler with the formatter writes."""
    written: list[dict[str, Any]] = []
    handler = logging.Handler()
    handler.setFormatter(JsonLinesFormatter())
    handler.emit = lambda record: written.append(json.loads(handler.format(record)))  # type: ignore[method-assign]
    recorders.uploads.addHandler(handler)
    level = recorders.uploads.level
    recorders.uploads.setLevel(logging.INFO)
    yield written
    recorders.uploads.removeHandler(handler)
    recorders.uploads.setLevel(level)


def test_the_formatter_gives_one_json_object_a_line(lines: list[dict[str, Any]]) -> None:
    record_one(result("文.txt", size=5), CONTEXT)
    [line] = lines
    assert (line["key"], line["status"], line["size"], line["source"]) == (
        "文.txt",
        "stored",
        5,
        "test",
    )
    assert (line["verified"], line["in_atomic"]) == (False, False)


def test_a_line_leaves_out_what_is_empty(lines: list[dict[str, Any]]) -> None:
    record_one(result(), CONTEXT)
    assert not {"error", "message", "cos_code", "http_status", "stored_at"} & {*lines[0]}


def test_a_line_of_a_failure_has_its_whole_error(lines: list[dict[str, Any]]) -> None:
    record_one(ended(UploadStatus.FAILED, REFUSED), CONTEXT)
    assert lines[0]["error"] == str(REFUSED)


@pytest.mark.django_db
def test_a_line_says_whether_its_row_may_be_rolled_back(lines: list[dict[str, Any]]) -> None:
    record_one(result(), CONTEXT)  # each test of the database is a transaction
    assert lines[0]["in_atomic"] is True


@pytest.mark.parametrize(("name", "shown"), [("文.txt", '"文.txt"'), ("\udcff", r'"\udcff"')])
def test_a_line_is_utf8_in_which_only_surrogates_are_escaped(name: str, shown: str) -> None:
    record = logging.makeLogRecord({"upload": {"key": name}})
    line = JsonLinesFormatter().format(record)
    assert f'"key": {shown}' in line
    assert line.encode()


def test_the_formatter_takes_the_lines_of_other_loggers_too() -> None:
    record = logging.makeLogRecord({"msg": "hello %s", "args": ("you",)})
    line = json.loads(JsonLinesFormatter().format(record))
    assert line == {"time": record.created, "message": "hello you"}


# --- rows of single uploads that were refused -----------------------------------------------------


@pytest.mark.django_db
def test_a_row_that_the_database_refused_is_written_with_the_next_upload(
    cloud: EmulatorServer,
) -> None:
    with refusing():
        save("a.txt")
    assert keys() == []
    save("b.txt")
    assert keys() == ["a.txt", "b.txt"]


@pytest.mark.django_db
def test_a_row_that_was_written_late_is_not_written_again(cloud: EmulatorServer) -> None:
    with refusing():
        save("a.txt")
    for name in ("b.txt", "c.txt"):
        save(name)
    assert keys() == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.django_db
def test_a_row_that_is_written_late_keeps_its_values(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    with refusing(), suppress(OSError):
        save("a.txt")
    record_one(result("b.txt"), CONTEXT)
    row = UploadLog.objects.get(key="a.txt")
    assert (row.status, row.errcode, row.source, row.env) == ("failed", 40097, "storage", ENV)


@pytest.mark.django_db
def test_a_row_that_is_written_late_is_not_newer_than_a_later_upload_of_its_file(
    configure: Any,
) -> None:
    configure(WX_STATIC_STORE={"FILE_OVERWRITE": True})
    with refusing():
        save("a.txt", b"old")
    save("a.txt", b"new")
    newest = UploadLog.objects.newest(ENV, ["a.txt"])["a.txt"]
    assert (keys(), newest.md5) == (["a.txt"] * 2, md5(b"new").hexdigest())


@pytest.mark.django_db
def test_a_row_of_a_broken_transaction_is_written_with_the_next_upload(
    cloud: EmulatorServer,
) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        save("a.txt")
        transaction.set_rollback(False)
    save("b.txt")
    assert keys() == ["a.txt", "b.txt"]


@pytest.mark.django_db
def test_a_row_of_a_database_at_rest_is_written_when_that_is_over(cloud: EmulatorServer) -> None:
    rest(60)
    save("a.txt")
    rest(0)
    save("b.txt")
    assert keys() == ["a.txt", "b.txt"]


@pytest.mark.django_db
def test_an_interrupt_while_a_row_is_written_keeps_it_for_the_next_upload(
    cloud: EmulatorServer,
) -> None:
    with failing(lambda: SystemExit(1)), pytest.raises(SystemExit):
        save("a.txt")
    save("b.txt")
    assert keys() == ["a.txt", "b.txt"]


@pytest.mark.django_db
def test_an_interrupt_while_late_rows_are_written_keeps_all_of_them(cloud: EmulatorServer) -> None:
    with refusing():
        save("a.txt")
    with failing(lambda: SystemExit(1)), pytest.raises(SystemExit):
        save("b.txt")
    save("c.txt")
    assert keys() == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.django_db
def test_a_row_that_is_always_refused_keeps_no_other_from_the_log() -> None:
    record_one(result("bad", size=-1), CONTEXT)
    for name in ("a.txt", "b.txt"):
        record_one(result(name), CONTEXT)
    assert keys() == ["a.txt", "b.txt"]


@pytest.mark.django_db
def test_the_last_thousand_rows_are_kept_of_those_that_were_refused() -> None:
    rest(60)
    for number in range(1001):
        record_one(result(f"{number}"), CONTEXT)
    rest(0)
    record_one(result("next"), CONTEXT)
    assert keys() == [*(f"{number}" for number in range(1, 1001)), "next"]


def test_kept_rows_can_be_forgotten_on_demand() -> None:
    rest(60)
    record_one(result("of another test"), CONTEXT)
    recorders.reset()
    assert not recorders._unwritten_rows


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Return the clock of `locked()`; each wait for the lock adds a time."""
    times = [0.0]
    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=lambda: times[-1]))
    recorders.reset()
    yield times
    recorders.reset()


def locked(clock: list[float]) -> AbstractContextManager[None]:
    def after_a_time_out() -> OperationalError:
        clock.append(clock[-1] + 5)
        return OperationalError("database is locked")

    return failing(after_a_time_out)


@pytest.mark.django_db
def test_forty_uploads_wait_for_a_locked_database_once_and_none_is_forgotten(
    clock: list[float],
) -> None:
    with locked(clock):
        for number in range(40):
            record_one(result(f"{number}"), CONTEXT)
    assert (clock, keys()) == ([0, 5], [])
    clock.append(25)
    record_one(result("last"), CONTEXT)
    assert keys() == [*map(str, range(40)), "last"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "times"), [(ValueError, [0, 5, 10]), (KeyboardInterrupt, [0, 5])]
)
def test_the_end_of_a_deployment_waits_for_a_lock_once_more_unless_ctrl_c_ended_it(
    clock: list[float], error: type[BaseException], times: list[float]
) -> None:
    recorder = Recorder(UploadContext("test", deployment_id=7))
    recorder.add(result())
    with locked(clock), suppress(error):
        try:
            raise error
        finally:
            recorder.close()
    assert clock == times


# --- rows of a run that were refused --------------------------------------------------------------


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that a test sets."""
    clock = [1000.0]
    monkeypatch.setattr(recorders, "time", SimpleNamespace(monotonic=lambda: clock[-1]))
    return clock


@pytest.mark.django_db
def test_rows_of_a_run_are_written_after_a_second(seconds: list[float]) -> None:
    recorder = Recorder(CONTEXT)
    recorder.add(result("a"))
    seconds.append(1000.9)
    recorder.write_if_due()
    assert keys() == []
    seconds.append(1001.0)
    recorder.write_if_due()
    assert keys() == ["a"]


@pytest.mark.django_db
def test_a_hundred_rows_of_a_run_are_written_at_once(seconds: list[float]) -> None:
    recorder = Recorder(CONTEXT)
    for number in range(99):
        recorder.add(result(f"{number}"))
    assert keys() == []
    recorder.add(result("99"))
    assert len(keys()) == 100


@pytest.mark.django_db
def test_a_run_without_rows_does_not_ask_the_database(
    django_assert_num_queries: Callable[[int], AbstractContextManager[None]],
) -> None:
    with django_assert_num_queries(0):
        assert Recorder(CONTEXT).close()


@pytest.mark.django_db
def test_rows_refused_in_mid_run_are_written_with_the_next_ones() -> None:
    recorder = Recorder(CONTEXT)
    with refusing():
        for number in range(100):
            recorder.add(result(f"{number}"))
    assert keys() == []
    for number in range(100, 200):
        recorder.add(result(f"{number}"))
    assert keys() == [f"{number}" for number in range(200)]


@pytest.mark.django_db
def test_rows_refused_in_mid_run_are_written_once() -> None:
    recorder = Recorder(CONTEXT)
    with refusing():
        recorder.add(result("a"))
        assert not recorder.write()
    recorder.add(result("b"))
    assert recorder.write()
    assert recorder.close()
    assert keys() == ["a", "b"]


@pytest.mark.django_db
def test_rows_refused_in_mid_run_are_written_at_the_end() -> None:
    recorder = Recorder(CONTEXT)
    with refusing():
        recorder.add(result("a"))
        assert not recorder.write()
    assert recorder.close()
    assert keys() == ["a"]


@pytest.mark.django_db
def test_the_end_of_a_deployment_asks_a_database_at_rest_once_more() -> None:
    recorder = Recorder(UploadContext("test", deployment_id=7))
    rest(60)
    recorder.add(result("a"))
    assert recorder.close()
    assert keys() == ["a"]


@pytest.mark.django_db
def test_rows_of_a_deployment_that_are_refused_to_the_end_are_an_error_with_their_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = Recorder(UploadContext("test", deployment_id=7))
    with refusing():
        for name in ("a", "b", "c"):
            recorder.add(result(name))
        assert not recorder.close()
    [error] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert error.getMessage() == (
        "3 rows of deployment 7 could not be written. Run the deploy again, or "
        "wx_reconcile --fix: the cloud's list says what is there"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("size", "context", "errors"),
    [
        (-1, UploadContext("test", deployment_id=7), 1),
        (-1, CONTEXT, 0),
        (5, UploadContext("test", deployment_id=7), 0),
    ],
)
def test_rows_are_an_error_only_if_those_of_a_deployment_are_missing(
    caplog: pytest.LogCaptureFixture, size: Any, context: UploadContext, errors: int
) -> None:
    recorder = Recorder(context)
    recorder.add(result(size=size))
    assert recorder.close() is (size == 5)
    assert [record.levelname for record in caplog.records].count("ERROR") == errors


@pytest.mark.django_db
def test_rows_that_a_database_that_is_away_did_not_take_are_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with refusing():
        write(result("a"))
    [error] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert error.getMessage().startswith("1 rows of deployment - could not be written.")


@pytest.mark.django_db
def test_rows_of_a_run_that_were_refused_are_written_with_the_next_upload() -> None:
    with refusing():
        assert not write(result("a"), result("b"))
    record_one(result("c"), CONTEXT)
    assert keys() == ["a", "b", "c"]


@contextmanager
def refused_until_the_site_is_stored(cloud: EmulatorServer) -> Iterator[None]:
    """Let the database refuse all rows before COS has all files."""

    def execute(query: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("INSERT") and TABLE in sql and len(cloud.objects()) < 2:
            raise OperationalError("disk full")
        return query(sql, *args)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.django_db
def test_a_deployment_whose_rows_are_refused_for_a_while_is_done(
    cloud: EmulatorServer, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "RECORD_SECONDS", 0.0)
    with refused_until_the_site_is_stored(cloud):
        deploy(site)
    assert (keys(), Deployment.objects.get().outcome) == (["app.css", "index.html"], "done")


@pytest.mark.django_db
def test_a_deployment_whose_rows_are_refused_to_the_end_is_incomplete(
    cloud: EmulatorServer, site: Path
) -> None:
    with refusing():
        deploy(site)
    assert set(cloud.objects()) == {"app.css", "index.html"}
    assert (keys(), Deployment.objects.get().outcome) == ([], "incomplete")


# --- which deployments are unfinished -------------------------------------------------------------


def start(env: str = "env-1") -> int:
    number = recorders.start_deployment(env, CONTEXT)
    assert number is not None
    return number


@pytest.mark.django_db
def test_a_deployment_that_still_runs_when_the_next_one_begins_is_incomplete() -> None:
    killed, elsewhere = start(), start("env-2")
    running = start()
    outcomes = dict(Deployment.objects.values_list("id", "outcome"))
    assert outcomes == {killed: "incomplete", elsewhere: "running", running: "running"}


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["done", "failed"])
def test_a_deployment_that_has_ended_stays_as_it_ended(outcome: str) -> None:
    ended = start()
    recorders.finish_deployment(ended, outcome=outcome)
    start()
    assert Deployment.objects.get(pk=ended).outcome == outcome


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["running", "incomplete"])
def test_rows_are_trusted_from_the_newest_deployment_that_is_not_finished(outcome: str) -> None:
    older, unfinished, done, elsewhere = start(), start(), start(), start("env-2")
    for number, ends in ((older, "incomplete"), (unfinished, outcome), (done, "done")):
        recorders.finish_deployment(number, outcome=ends)
    assert elsewhere > done > unfinished
    assert recorders.trusted_from("env-1") == unfinished


@pytest.mark.django_db
def test_all_rows_are_trusted_where_every_deployment_is_finished() -> None:
    recorders.finish_deployment(start(), outcome="done")
    start("env-2")
    assert recorders.trusted_from("env-1") is None


@pytest.mark.django_db
def test_a_deployment_seems_to_run_in_its_environment_until_it_is_finished() -> None:
    number = start()
    assert recorders.OtherDeployments("env-1").running == [number]
    assert recorders.OtherDeployments("env-2").running == []
    recorders.finish_deployment(number, outcome="incomplete")
    assert recorders.OtherDeployments("env-1").running == []


@pytest.mark.django_db
def test_no_deployment_seems_to_run_where_the_database_is_not_asked() -> None:
    start()
    rest(60)
    others = recorders.OtherDeployments("env-1")
    assert (others.running, others.wrote(7)) == ((), None)


def began(folder: str, env: str = "env-1") -> int:
    return Deployment.objects.create(env=env, folder=folder).pk


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("folder", "is_seen"), [("", True), ("app/", True), ("app/docs/", True), ("media/", False)]
)
def test_a_deployment_that_begins_beside_one_of_app_is_seen_where_their_folders_meet(
    folder: str, is_seen: bool
) -> None:
    others = recorders.OtherDeployments("env-1")
    mine = began("app/")
    other = began(folder)
    assert others.wrote(mine) == (other if is_seen else None)


@pytest.mark.django_db
def test_a_deployment_of_before_or_of_another_environment_is_not_seen() -> None:
    began("app/")
    others = recorders.OtherDeployments("env-1")
    mine = began("app/")
    began("app/", "env-2")
    assert others.wrote(mine) is None


@pytest.mark.django_db
def test_a_row_that_a_deployment_of_another_environment_adds_is_not_seen() -> None:
    elsewhere = began("app/", "env-2")
    others = recorders.OtherDeployments("env-1")
    mine = began("app/")
    record_one(result(), UploadContext("test", deployment_id=elsewhere))
    assert others.wrote(mine) is None


@pytest.mark.django_db
def test_a_run_without_a_row_sees_no_other_deployment() -> None:
    others = recorders.OtherDeployments("env-1")
    began("app/")
    assert others.wrote(None) is None


@pytest.mark.django_db
def test_a_deployment_whose_row_was_deleted_may_write_anywhere() -> None:
    others = recorders.OtherDeployments("env-1")
    mine, other = began("media/"), began("app/")
    Deployment.objects.get(pk=mine).delete()
    assert others.wrote(mine) == other


@pytest.mark.django_db
def test_no_other_deployment_is_seen_once_the_database_is_away() -> None:
    others = recorders.OtherDeployments("env-1")
    mine = began("app/")
    began("app/")
    rest(60)
    assert others.wrote(mine) is None


@pytest.mark.django_db
def test_a_deployment_that_was_running_is_seen_once_it_adds_a_row() -> None:
    running = began("app/")
    context = UploadContext("test", deployment_id=running)
    record_one(result(), context)
    others = recorders.OtherDeployments("env-1")
    mine = began("app/")
    assert others.wrote(mine) is None
    record_one(result(), context)
    assert others.wrote(mine) == running


@pytest.mark.django_db
def test_a_deployment_asks_a_database_that_was_away_at_once() -> None:
    with refusing():
        record_one(result(), CONTEXT)
    assert is_away()
    assert start()


@pytest.mark.django_db
def test_a_deployment_belongs_to_the_user_who_started_it() -> None:
    user = User.objects.create_user("ada")
    recorders.start_deployment("env-1", UploadContext("test", "v1", user_id=user.pk))
    row = Deployment.objects.get()
    assert (row.source, row.label, row.user_id) == ("test", "v1", user.pk)


@pytest.mark.django_db
def test_a_deployment_begins_with_what_its_caller_knows_of_it() -> None:
    recorders.start_deployment("env-1", CONTEXT, folder="app/")
    row = Deployment.objects.get()
    assert (row.env, row.folder, row.outcome) == ("env-1", "app/", "running")


@pytest.fixture
def release() -> Release:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    return Release.objects.create(digest="d" * 64, files=b"", count=0, size=0, used=old)


@pytest.mark.django_db
def test_a_deployment_marks_its_release_and_no_other_as_used(release: Release) -> None:
    other = Release.objects.create(digest="e" * 64, files=b"", count=0, size=0, used=release.used)
    recorders.start_deployment("env-1", CONTEXT, release=release)
    used = dict(Release.objects.values_list("pk", "used"))
    assert used[other.pk] == release.used < used[release.pk]
    assert Deployment.objects.get().release == release


@pytest.mark.django_db
def test_a_deployment_of_a_release_that_was_pruned_does_not_begin(release: Release) -> None:
    running = start()
    Release.objects.all().delete()
    with pytest.raises(SourceError, match="was pruned before its deployment began"):
        recorders.start_deployment("env-1", CONTEXT, release=release)
    assert Deployment.objects.get().pk == running


# --- signals --------------------------------------------------------------------------------------


@pytest.fixture
def sent() -> Iterator[list[dict[str, Any]]]:
    """Collect what comes with each signal."""
    received = list[dict[str, Any]]()

    def receive(signal: object, sender: object, **facts: Any) -> None:
        received.append(facts)

    for each in (upload_finished, deployment_finished):
        each.connect(receive)
    yield received
    for each in (upload_finished, deployment_finished):
        each.disconnect(receive)


@pytest.mark.django_db
@pytest.mark.parametrize("state", [nullcontext, refusing])
def test_each_result_is_sent_once_whether_its_row_is_written_or_refused(
    sent: list[dict[str, Any]], state: Callable[[], AbstractContextManager[None]]
) -> None:
    first, second, third = (result(name) for name in "abc")
    with state():
        write(first, second)
        record_one(third, CONTEXT)
    assert sent == [{"result": each, "context": CONTEXT} for each in (first, second, third)]


@pytest.mark.parametrize(
    ("number", "ok", "logged", "outcome"),
    [
        (7, True, True, "done"),
        (7, False, True, "failed"),
        (7, True, False, "incomplete"),
        (None, False, True, "failed"),
    ],
)
def test_the_signal_of_a_deployment_names_it_and_how_it_ended(
    sent: list[dict[str, Any]], number: int | None, ok: bool, logged: bool, outcome: str
) -> None:
    recorders.announce_deployment("env-1", number, ok=ok, logged=logged)
    assert sent == [{"env": "env-1", "deployment_id": number, "outcome": outcome}]


def test_a_deployment_that_had_nothing_to_do_sends_no_signal(sent: list[dict[str, Any]]) -> None:
    recorders.announce_deployment("env-1", None, ok=True, logged=True)
    assert sent == []


# --- when COS stored it ---------------------------------------------------------------------------

YESTERDAY = "Tue, 14 Nov 2023 22:13:20 GMT"


def dated(cloud: EmulatorServer, date: str) -> None:
    """Give the next answer of COS this `Date`."""
    etag = md5(b"x").hexdigest()
    cloud.script(
        {"on": "put_object", "do": "status", "status": 200, "apply": True,
         "headers": {"Date": date, "ETag": etag}}
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("use_tz", [True, False])
def test_the_date_of_cos_answer_is_in_the_row(
    cloud: EmulatorServer, settings: Any, use_tz: bool
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Asia/Shanghai"
    dated(cloud, YESTERDAY)
    save()
    there = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    here = datetime(2023, 11, 15, 6, 13, 20)
    assert UploadLog.objects.get().stored_at == (there if use_tz else here)


@pytest.mark.django_db
@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 31 Dec 9999 23:59:59 -0100"])
def test_without_a_usable_date_of_cos_the_row_has_none(cloud: EmulatorServer, date: str) -> None:
    dated(cloud, date)
    save()
    row = UploadLog.objects.get()
    assert (row.status, row.stored_at) == ("stored", None)


@pytest.mark.django_db
def test_an_upload_that_failed_has_no_date_of_cos(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 402})
    with suppress(OSError):
        save()
    row = UploadLog.objects.get()
    assert (row.status, row.stored_at) == ("failed", None)


@pytest.mark.django_db
def test_the_date_of_cos_answer_is_in_the_json_line(
    cloud: EmulatorServer, lines: list[dict[str, Any]]
) -> None:
    dated(cloud, YESTERDAY)
    save()
    [line] = lines
    assert line["stored_at"] == "2023-11-14 22:13:20+00:00"
