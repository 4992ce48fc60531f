"""
Make rows of the lines that `upload.JsonLinesFormatter` wrote where there was no database.

A line becomes a row only if the log has no row of its key, or if the newest row has other bytes and
the environment's list shows those of the line. A repeated line adds nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from ..conf.settings import aliases, setting
from ..core.facts import COLUMNS
from ..core.match import Match, match
from ..core.types import RemoteFile, UploadStatus
from ..exceptions import WxStaticStoreError
from ..i18n import gettext as _, listed
from ..models import UploadLog, fitting, key_digest
from ..upload.database import log
from ..upload.listing import Lookup, most_calls
from ..upload.store import get_store
from ..upload.workers import WorkerPool

LINES_AT_ONCE = 500

Place = tuple[str, str]  # an environment, and the digest of a key


def import_lines(
    lines: Iterable[bytes], broken: Callable[[int, str], object], own: set[Place] | None = None
) -> Iterator[Counter[str]]:
    """
    Add rows with the time of their lines; yield the counts after each batch.

    ``added``; ``known``: the log has the row; ``left_out``: the log has another row of the key, and
    the list does not prove the line; ``broken``: no line of an upload, or one from the future.
    `broken` is called with the number of the line and the reason. `own` has the keys that only
    lines have, for the next file.
    """
    numbered, own = enumerate(lines, 1), set() if own is None else own
    while batch := list(islice(numbered, LINES_AT_ONCE)):
        rows, counts = [], Counter[str]()
        for number, line in batch:
            try:
                rows += [_row(line)] if line.strip() else []
            except ValueError as error:
                counts["broken"] += 1
                broken(number, str(error))
        yield counts + _add(rows, own)


def _row(line: bytes) -> UploadLog:
    """Return the row of an upload; raise ValueError, which does not quote the line."""
    members: Any = None
    # Deep nesting ends in a RecursionError.
    with suppress(ValueError, RecursionError):
        members = json.loads(line)
    if not isinstance(members, dict):
        raise ValueError(_("not a JSON object"))
    columns = {
        column.name: members[column.name]
        for column in COLUMNS
        if column.imported and members.get(column.name) is not None
    }
    # Django would turn these values into texts.
    odd = [name for name, value in columns.items() if isinstance(value, list | dict)]
    if odd or not isinstance(key := columns.get("key", ""), str) or "\0" in key:
        raise ValueError(_("not the line of an upload (%(wrong)s)", wrong=listed(odd or ["key"])))
    columns |= {"id": None, "created": _moment(members.get("time"))}
    row = UploadLog(**fitting(UploadLog, columns))
    try:
        # A refused name has no key, and may be empty.
        row.clean_fields(exclude={"key_digest", *(n for n in ("key", "name") if n not in columns)})
    except (ValidationError, OverflowError) as error:
        wrong = listed(getattr(error, "message_dict", [_("a number")]))
        raise ValueError(_("not the line of an upload (%(wrong)s)", wrong=wrong)) from None
    if row.stored_at and row.stored_at > timezone.now():
        raise ValueError(_("not the line of an upload (%(wrong)s)", wrong="stored_at"))
    row.key_digest = key_digest(row.key)
    return row


def _moment(seconds: Any) -> datetime:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise ValueError(_("not the line of an upload (%(wrong)s)", wrong="time")) from None
    if moment > datetime.now(UTC):
        text = _(
            "from the future (%(time)s): set the clock of the machine that wrote it", time=moment
        )
        raise ValueError(text)
    return moment if setting("USE_TZ") else timezone.make_naive(moment)


def _add(rows: list[UploadLog], own: set[Place]) -> Counter[str]:
    counts = Counter[str]()
    newest = log().newest_of(rows)
    own |= {_place(row) for row in rows} - newest.keys()
    # The newest row is the state of a file. The clock of another machine cannot prove a line newer.
    proved = _find_proved(rows, newest)
    with transaction.atomic(using=log().db):
        # The newest row of a key has the highest id, and lines of several machines are mixed.
        for row in sorted(rows, key=lambda row: row.created):
            place = _place(row)
            last = newest.get(place)
            if last and last.created == row.created:
                counts["known"] += 1
            elif (place in own and not (last and last.created > row.created)) or id(row) in proved:
                # Raw, as for fixtures: else `created` becomes the time of the import.
                row.save_base(raw=True, force_insert=True, using=log().db)
                newest[place] = row
                counts["added"] += 1
            else:
                counts["left_out"] += 1
    return counts


def _place(row: UploadLog) -> Place:
    return row.env, row.key_digest


def _find_proved(rows: Iterable[UploadLog], newest: dict[Place, UploadLog]) -> set[int]:
    """Return the `id` of rows that the list proves right against the newest row."""
    contested = defaultdict(list)
    for row in rows:
        claims, last = row.status == UploadStatus.STORED and row.md5, newest.get(_place(row))
        if claims and last and (last.status, last.md5) != (row.status, row.md5):
            contested[row.env].append(row)
    proved = set[int]()
    for env, wanted in contested.items():
        files = _list_files(env, sorted({row.key for row in wanted}))
        proved |= {id(row) for row in wanted if match(row, files.get(row.key)) is Match.SAME}
    return proved


def _list_files(env: str, keys: list[str]) -> dict[str, RemoteFile]:
    """Return the listed objects; none if the list fails, which then proves nothing."""
    with suppress(WxStaticStoreError, IndexError), WorkerPool(1) as pool:
        lookup = Lookup(get_store(aliases()[0], env), pool, most_calls(keys))
        return lookup.end(lookup.begin(keys)).files
    return {}
