"""Uploads that failed, as cards: one for each cause, with what to do and some of the files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from ..causes import cause_of
from ..log.failing import FailureCause
from ..log.retry import RetryResult, retryable
from ..models import UploadLog, UploadLogQuerySet
from ..submit.access import Act, may
from .columns import UploadColumns, admin_url
from .places import places_for

SHOWN = 10  # files of a card


def cards(
    request: HttpRequest,
    causes: Iterable[FailureCause],
    rows: UploadLogQuerySet,
    *,
    look: bool = False,
) -> list[dict[str, Any]]:
    """Return a card for each cause, with some of its files out of `rows`."""
    causes = list(causes)
    shown = [pk for cause in causes for pk in cause.rows[:SHOWN]]
    # In one query: a card for each cause would else ask for its own files.
    found = {row.pk: row for row in rows.filter(pk__in=shown).order_by()}
    columns = UploadColumns(request)
    made = []
    for cause in causes:
        files = [found[pk] for pk in cause.rows[:SHOWN] if pk in found]
        if not files:  # wx_prune deleted them meanwhile
            continue
        card = _card(cause, files, columns)
        # Costly: for each file it is asked whether its bytes can still be read.
        if look:
            card["files"] = [line | _look(request, line["row"]) for line in card["files"]]
            card["can_retry"] = card["more"] or any("gone" not in line for line in card["files"])
        made.append(card)
    return made


def _card(cause: FailureCause, files: list[UploadLog], columns: UploadColumns) -> dict[str, Any]:
    newest, names = files[0], ("store", "size", "time", "source", "user")
    return {
        "code": cause.code,
        "number": newest.errcode or newest.cos_code,
        "title": cause_of(cause.code).title,
        "hint": columns.hint(newest),
        "count": len(cause.rows),
        "newest": newest.pk,
        "time": columns.time(newest),
        "more": len(cause.rows) - len(files),
        "files": [
            {"row": row, "key": row.key or row.name}
            | {name: getattr(columns, name)(row) for name in names}
            for row in files
        ],
    }


def _look(request: HttpRequest, row: UploadLog) -> dict[str, Any]:
    """Return why the file cannot be sent again, and where to choose it anew."""
    found = retryable(row)
    if not isinstance(found, RetryResult) or found.reason is None:
        return {}
    return {"gone": found.reason.what, "choose": choose_again(request, row)}


def choose_again(request: HttpRequest, row: UploadLog) -> str:
    """Return the address of the upload page with the row's store, folder and name; "" if none."""
    using = places_for(request).using(row)
    if not (using and may(request.user, Act.UPLOAD)):
        return ""
    folder, slash, name = row.name.rpartition("/")
    query = {"store": f"{using}@{row.env}", "folder": folder + slash, "name": name}
    return f"{admin_url(request, 'uploadlog_upload')}?{urlencode(query)}"
