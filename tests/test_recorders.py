"""The log neither breaks an upload nor is broken by one."""

import json
import logging
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from wx_static_store import recorders
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.recorders import JsonLinesFormatter
from wx_static_store.transfers import UploadContext, UploadResult, UploadStatus

CONTEXT = UploadContext(source="test")
ODD_TEXTS = {"NUL": "a\0b", "surrogate": "\udcff", "too long": "😀" * 2000}


def result(name: str = "a.txt", **details: Any) -> UploadResult:
    return UploadResult(name, name, UploadStatus.STORED, env="env-1", errcode=0, **details)


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


@pytest.mark.django_db
def test_a_skipped_file_is_no_row() -> None:
    recorders.record([UploadResult("a", "a", UploadStatus.SKIPPED, env="env-1")], CONTEXT)
    assert not UploadLog.objects.exists()


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
    assert recorders.record([result(name)], CONTEXT) == 1
    assert UploadLog.objects.get().key == kept


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["rid", "request_id", "stage", "md5"])
@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_no_odd_text_of_an_answer_takes_the_other_rows_along(column: str, text: str) -> None:
    results = [result("good"), result("odd", **{column: text})]
    assert recorders.record(results, CONTEXT) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_a_deployment_keeps_any_label(text: str) -> None:
    context = UploadContext(source="test", source_ref=text)
    assert recorders.start_deployment("env-1", context) is not None


@pytest.mark.django_db
def test_inside_a_broken_transaction_the_upload_counts(
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
        assert recorders.record([result(size="no number")], CONTEXT) == 0
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
def test_in_an_async_context_the_upload_counts(cloud: EmulatorServer) -> None:
    async def view() -> str:
        return default_storage.save("a.txt", ContentFile(b"x"))

    assert async_to_sync(view)() == "a.txt"
    assert "a.txt" in cloud.objects()


def test_every_outcome_is_a_line_of_the_logger(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "wx_static_store.uploads"):
        recorders.record([result("a.txt", verified=True)], CONTEXT)
    lines = [r.getMessage() for r in caplog.records if r.name == "wx_static_store.uploads"]
    assert lines == ["stored 'a.txt'"]


def test_a_name_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "wx_static_store.uploads"):
        recorders.record([result("a\nstored 'b'")], CONTEXT)
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_the_formatter_gives_one_json_object_a_line() -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(JsonLinesFormatter())
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    recorders.uploads.addHandler(handler)
    level, recorders.uploads.level = recorders.uploads.level, logging.INFO
    try:
        recorders.record([result("文.txt", size=5)], CONTEXT)
    finally:
        recorders.uploads.removeHandler(handler)
        recorders.uploads.setLevel(level)
    told = json.loads(lines[0])
    assert (told["key"], told["status"], told["size"], told["source"]) == (
        "文.txt",
        "stored",
        5,
        "test",
    )


def test_a_database_that_is_down_is_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = []

    def query() -> int:
        asked.append(1)
        raise RuntimeError("no database here")

    for _ in range(3):
        assert recorders.in_database(query, otherwise=0) == 0
    assert caplog.text.count("upload log cannot be used") == 1


def test_after_the_rest_it_is_asked_again() -> None:
    recorders.rest(30)
    assert recorders.in_database(lambda: 1, otherwise=0) == 0
    recorders.rest(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorders, "_atomically", lambda work, otherwise: work())
        assert recorders.in_database(lambda: 1, otherwise=0) == 1
