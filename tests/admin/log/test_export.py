"""The log as a file: every row, and nothing in it that a spreadsheet would run."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from hypothesis import given, strategies as st

from tests.conftest import slow_but, slow_on_sqlite
from tests.tables import each
from wx_static_store.admin.log.export import COLUMNS, ROWS_AT_ONCE, csv_lines, export, json_lines
from wx_static_store.models import UploadLog, key_digest

HERE = RequestFactory().get("/")
ASGI = AsyncRequestFactory().get("/")

HOSTILE = [
    "=cmd|'/c calc'!A1",
    "+1",
    "-1+2",
    "@x",
    "\tx",
    "\rx",
    "＝1",
    '<script>"onmouseover=',
    "图.txt",
]


def row(**facts: Any) -> tuple[Any, ...]:
    return tuple(facts.get(name) for name in COLUMNS)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@each("name", HOSTILE)
def test_a_name_is_text_to_a_spreadsheet(name: str) -> None:
    (found,) = read("".join(csv_lines([row(name=name)])))
    harmless = name[0] in "<图"
    assert found["name"] == (name if harmless else f"'{name}")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(name=st.text(alphabet="a =+-@＝＋－＠\"',;|\t\r\n"))
def test_no_exported_cell_is_a_formula_whatever_the_separator(delimiter: str, name: str) -> None:
    file = io.StringIO("".join(csv_lines([row(name=name)])).partition("\r\n")[2], newline="")
    cells = [cell for line in csv.reader(file, delimiter=delimiter) for cell in line]
    assert [cell for cell in cells if cell.startswith(tuple("=+-@＝＋－＠"))] == []


def test_a_name_with_a_formula_behind_a_semicolon_stays_readable() -> None:
    (found,) = read("".join(csv_lines([row(name="uploads/a;=1+1;b=2.png")])))
    assert found["name"] == "uploads/a;'=1+1;b=2.png"


def test_a_negative_errcode_stays_a_number() -> None:
    (found,) = read("".join(csv_lines([row(errcode=-1)])))
    assert found["errcode"] == "-1"


def test_an_exported_csv_begins_with_a_byte_order_mark() -> None:
    assert next(csv_lines([])).startswith("\ufeffid,")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_exported_json_is_an_array_of_any_length(count: int) -> None:
    created = datetime(2025, 1, 2, tzinfo=UTC)
    rows = [row(name="图 =1", created=created, errcode=-1)] * count
    found = json.loads("".join(json_lines(rows)))
    assert len(found) == count
    assert all(one["name"] == "图 =1" and one["errcode"] == -1 for one in found)


@pytest.mark.django_db
@pytest.mark.parametrize(("extension", "read_back"), [("csv", read), ("json", json.loads)])
def test_an_export_has_every_row(extension: str, read_back: Any) -> None:
    UploadLog.objects.bulk_create(
        UploadLog(env="e", key=f"{n}.txt", key_digest=key_digest(f"{n}.txt"), name="n")
        for n in range(3)
    )
    answer = export(HERE, UploadLog.objects.all(), extension)
    found = read_back(answer.getvalue().decode())
    assert [one["key"] for one in found] == ["2.txt", "1.txt", "0.txt"]
    assert f'.{extension}"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("lines", slow_but([csv_lines, json_lines], csv_lines))
def test_a_thousand_large_rows_take_no_more_memory_than_one(lines: Any) -> None:
    def many() -> Iterator[tuple[Any, ...]]:
        for n in range(1000):
            yield row(id=n, key=f"{n}.txt", name="x" * 10_000)

    tracemalloc.start()
    length = sum(len(line) for line in lines(many()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length > 10_000_000
    assert peak < 1_000_000


@slow_on_sqlite
@pytest.mark.django_db
def test_six_thousand_rows_of_the_log_are_not_in_memory_at_once() -> None:
    UploadLog.objects.bulk_create(
        (UploadLog(env="e", key=f"{n}", name="n", message="x" * 1000) for n in range(6000)),
        batch_size=1000,
    )
    answer = export(HERE, UploadLog.objects.all(), "csv")
    tracemalloc.start()
    length = sum(map(len, answer))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length > 6_000_000
    assert peak < 8_000_000


@pytest.mark.django_db
def test_the_rows_of_an_export_are_read_while_they_are_sent(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = export(HERE, UploadLog.objects.all(), "csv")
    assert answer.streaming
    with django_assert_num_queries(1):
        b"".join(answer)


# --- behind ASGI ----------------------------------------------------------------------------------


@async_to_sync
async def read_behind_asgi(answer: StreamingHttpResponse, most: int | None = None) -> list[bytes]:
    """Return the first parts of the body; a warning of Django is an error in these tests."""
    parts: list[bytes] = []
    async for part in answer:
        parts.append(part)
        if len(parts) == most:
            break
    return parts


@pytest.mark.django_db
@pytest.mark.parametrize(("extension", "read_back"), [("csv", read), ("json", json.loads)])
def test_an_export_behind_asgi_has_every_row(extension: str, read_back: Any) -> None:
    UploadLog.objects.bulk_create(
        UploadLog(env="e", key=f"{n}", key_digest=key_digest(f"{n}"), name="n") for n in range(3)
    )
    body = b"".join(read_behind_asgi(export(ASGI, UploadLog.objects.all(), extension)))
    assert [one["key"] for one in read_back(body.decode())] == ["2", "1", "0"]


@pytest.mark.django_db
def test_the_rows_of_an_export_behind_asgi_are_read_while_they_are_sent(
    django_assert_num_queries: Any,
) -> None:
    UploadLog.objects.bulk_create(
        UploadLog(env="e", key=f"{n}", key_digest=key_digest(f"{n}"), name="n")
        for n in range(3 * ROWS_AT_ONCE)
    )
    with django_assert_num_queries(1):
        [first] = read_behind_asgi(export(ASGI, UploadLog.objects.all(), "csv"), most=1)
    assert first.startswith(b"\xef\xbb\xbfid,")
