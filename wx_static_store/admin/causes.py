"""Uploads that failed, as cards: one for each cause, with what to do and some of the files."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest

from ..causes import Text, cause_of
from ..i18n import gettext as _, ngettext
from ..log.failing import FailureCause
from ..log.retry import why_gone
from ..models import UploadLog, UploadLogQuerySet
from .columns import UploadColumns, lines

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
    gone = why_gone(found.values()) if look else {}
    columns = UploadColumns(request)
    made = []
    for cause in causes:
        files = [found[pk] for pk in cause.rows[:SHOWN] if pk in found]
        if not files:  # wx_prune deleted them meanwhile
            continue
        card = _card(cause, files, columns)
        if look:
            for line in card["files"]:
                if (row := line["row"]).pk in gone:
                    line |= {"gone": gone[row.pk], "choose": columns.choose_again(row)}
            # First what can be done.
            card["files"].sort(key=lambda line: "gone" in line)
            card["ready"] = sum("gone" not in line for line in card["files"])
            these = ngettext(
                "Upload this file again", "Upload these %(count)s files again", card["count"]
            )
            card["retry_all"] = retry_label([card], these)
        made.append(card)
    return made


def retry_label(cards: Sequence[dict[str, Any]], of_all: Text) -> Text:
    """Return the text of a button that sends what can be sent; empty if nothing can."""
    ready, count = (sum(card[name] for card in cards) for name in ("ready", "count"))
    if any(card["more"] for card in cards):  # of these nobody knows yet
        return _("Upload again what can be sent")
    if 0 < ready < count:
        return _("Upload again what can be sent (%(ready)d of %(count)d)", ready=ready, count=count)
    return of_all if ready else ""


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
            line | {"key": line["row"].key or line["row"].name}
            for line in lines(files, columns, *names)
        ],
    }
