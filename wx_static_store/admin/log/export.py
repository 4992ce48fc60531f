"""The log as CSV and JSON: streamed, however long it is."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from types import SimpleNamespace
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from ...core import types
from ...models import UploadLog, UploadLogQuerySet
from ...submit.download import download

COLUMNS = ("id", "created", *(column.name for column in types.COLUMNS))
ROWS_AT_ONCE, LINES_AT_ONCE = 2000, 100  # of a query, of what is sent

# A spreadsheet runs a cell that begins so as a formula; the wide signs in Chinese and Japanese.
_FORMULA = "=+-@＝＋－＠"
_BEGINS = tuple(_FORMULA + "\t\r\n")
# Some programs split cells at these characters, not at the comma.
_PARTED = re.compile(rf"([;|\t\r\n][\s\"]*)(?=[{re.escape(_FORMULA)}])")
_BOM = "\ufeff"  # without it, Excel reads Chinese as something else

Row = tuple[Any, ...]


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the line of names, then the rows; no text becomes a formula."""
    writer = csv.writer(SimpleNamespace(write=str))  # a file that gives back what it gets
    yield _BOM + writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = _PARTED.sub(r"\1'", value)
    return f"'{text}" if text.startswith(_BEGINS) else text


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield one array, an object in each line."""
    before = "[\n"
    for row in rows:
        facts = dict(zip(COLUMNS, row, strict=True))
        yield before + json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


FORMATS = {"csv": (csv_lines, "text/csv; charset=utf-8"), "json": (json_lines, "application/json")}


def _in_parts(rows: UploadLogQuerySet) -> Iterator[Row]:
    """Read the newest first, in parts: MySQL's drivers load the whole answer of one query."""
    rest = values = rows.order_by("-id").values_list(*COLUMNS)
    while part := list(rest[:ROWS_AT_ONCE]):
        yield from part
        rest = values.filter(id__lt=part[-1][0])


def export(request: HttpRequest, rows: UploadLogQuerySet, extension: str) -> StreamingHttpResponse:
    """Return the rows as a download that is read while it is sent."""
    lines_of, content_type = FORMATS[extension]
    lines = lines_of(_in_parts(rows))
    parts = iter(lambda: "".join(islice(lines, LINES_AT_ONCE)), "")
    name = f"{UploadLog._meta.model_name}-{timezone.now():%Y%m%d-%H%M%S}.{extension}"
    return download(request, parts, content_type, name)
