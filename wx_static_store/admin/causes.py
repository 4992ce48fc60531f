"""Uploads that failed, as cards: one for each cause, with what to do and some of the files."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from ..causes import Text, cause_of
from ..i18n import gettext as _, ngettext
from ..log.failing import FailureCause
from ..log.retry import why_gone
from ..models import UploadLogQuerySet
from .columns import UploadColumns, lines

SHOWN = 10  # files of a card


def cards(
    request: HttpRequest,
    causes: Sequence[FailureCause],
    rows: UploadLogQuerySet,
    *,
    look: bool = False,
) -> list[dict[str, Any]]:
    """Return a card for each cause, with some of its files out of `rows`."""
    shown = [pk for cause in causes for pk in cause.rows[:SHOWN]]
    # In one query: a card for each cause would else ask for its own files.
    found = {row.pk: row for row in rows.filter(pk__in=shown).order_by()}
    gone = why_gone(found.values()) if look else {}
    columns, names = UploadColumns(request), ("store", "size", "time", "source", "user")
    made = []
    for cause in causes:
        files = [found[pk] for pk in cause.rows[:SHOWN] if pk in found]
        if files:  # else wx_prune deleted them meanwhile
            made.append(_card(cause, lines(files, columns, *names), gone, columns))
    return made


def retry_label(cards: Sequence[dict[str, Any]], of_all: Text) -> Text:
    """Return the text of a button that sends what can be sent; empty if nothing can."""
    ready, count = (sum(card[name] for card in cards) for name in ("ready", "count"))
    if any(card["more"] for card in cards):  # of these nobody knows yet
        return _("Upload again what can be sent")
    if 0 < ready < count:
        return _("Upload again what can be sent (%(ready)d of %(count)d)", ready=ready, count=count)
    return of_all if ready else ""


def _card(
    cause: FailureCause, files: list[Any], gone: Mapping[int, Text], columns: UploadColumns
) -> dict[str, Any]:
    newest, count = files[0]["row"], len(cause.rows)
    for file in files:
        row = file["row"]
        file["key"] = row.key or row.name
        if row.pk in gone:
            file |= {"gone": gone[row.pk], "choose": columns.choose_again(row)}
    card = {
        "code": cause.code,
        "number": newest.errcode or newest.cos_code,
        "title": cause_of(cause.code).title,
        "hint": columns.hint(newest),
        "count": count,
        "newest": newest.pk,
        "time": columns.time(newest),
        "more": count - len(files),
        "ready": sum("gone" not in file for file in files),
        "files": sorted(files, key=lambda file: "gone" in file),  # first what can be done
    }
    these = ngettext("Upload this file again", "Upload these %(count)s files again", count)
    return card | {"retry_all": retry_label([card], these)}
