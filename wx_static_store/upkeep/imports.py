"""
Lines that `recorders.JsonLinesFormatter` wrote where there was no database, made into rows.

The newest row of a key says how the file stands, so a line becomes a row only if the log has
nothing as new of its key: the lines of an old build must not hide what was stored since. That rule
also makes a line that comes again add nothing. It needs no column of its own, and it knows the
lines of uploads that were recorded by the database as well, whose rows are a little younger.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from ..conf import setting
from ..models import UploadLog, fitting, key_digest
from ..texts import gettext as _
from . import log

__all__ = ["import_lines"]

LINES_AT_ONCE = 500

Times = dict[tuple[str, str], datetime]


def import_lines(
    lines: Iterable[bytes], broken: Callable[[int, str], object]
) -> Iterator[Counter[str]]:
    """
    Add rows with the time of their lines; after each batch come its counts.

    ``added``; ``known``: the log has that row; ``older``: it has a newer one of that key;
    ``broken``: no line of ours, each of which `broken` is told with its number and why. Users and
    deployments are left out: their ids belong to the database of whoever wrote the line.
    """
    numbered = enumerate(lines, 1)
    while batch := list(islice(numbered, LINES_AT_ONCE)):
        rows, counts = [], Counter[str]()
        for number, line in batch:
            try:
                rows += [_row(line)] if line.strip() else []
            except ValueError as error:
                counts["broken"] += 1
                broken(number, str(error))
        yield counts + _add(rows)


def _row(line: bytes) -> UploadLog:
    """Raises ValueError, whose text shows nothing of the line, where it is none of ours."""
    told = _object(line)
    columns = {
        field.name: told[field.name]
        for field in UploadLog._meta.concrete_fields
        if not field.is_relation and told.get(field.name) is not None
    }
    columns |= {"id": None, "created": _moment(told.get("time"))}
    row = UploadLog(**fitting(UploadLog, columns))
    try:
        # A name that was refused has no key, and may be empty.
        row.clean_fields(exclude={"key_digest", *(n for n in ("key", "name") if n not in columns)})
    except (ValidationError, OverflowError) as error:
        wrong = ", ".join(getattr(error, "message_dict", [_("a number")]))
        raise ValueError(_("not the line of an upload (%(wrong)s)", wrong=wrong)) from None
    row.key_digest = key_digest(row.key)
    return row


def _object(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise ValueError(_("not a JSON object"))
    return told


def _moment(seconds: Any) -> datetime:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise ValueError(_("not the line of an upload (%(wrong)s)", wrong="time")) from None
    return moment if setting("USE_TZ") else timezone.make_naive(moment)


def _add(rows: list[UploadLog]) -> Counter[str]:
    counts = Counter[str]()
    newest = _newest_times(rows)
    with transaction.atomic(using=log().db):
        for row in sorted(rows, key=lambda row: row.created):
            last = newest.get((row.env, row.key_digest))
            if last is None or last < row.created:
                # Raw, as for fixtures: else `created` would become the time of the import.
                row.save_base(raw=True, force_insert=True, using=log().db)
                newest[row.env, row.key_digest] = row.created
                counts["added"] += 1
            else:
                counts["known" if last == row.created else "older"] += 1
    return counts


def _newest_times(rows: Iterable[UploadLog]) -> Times:
    keys = defaultdict(set)
    for row in rows:
        keys[row.env].add(row.key)
    return {
        (env, row.key_digest): row.created
        for env, wanted in keys.items()
        for row in log().newest(env, wanted).values()
    }
