"""The log of uploads: a list to search in, and a page for each upload."""

import re
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..core import qr
from ..core.naming import content_type
from ..log.retry import why_gone
from ..models import UploadLog, UploadLogQuerySet
from . import filters
from .base import ReadOnlyAdmin
from .cloud.page import FilesPage
from .columns import MAYBE_PUBLIC, UploadColumns, filled_fields, lines
from .log.diagnosis import DiagnosisPage
from .log.failing import FailingPage
from .places import places_for
from .upload.page import UploadPage

NEWEST = 20  # rows of the same key
_HISTORY = ("status", "size", "errcode", "source", "user", "time")
SEARCHED = 100_000  # rows in which a part of a name is looked for: 50 ms, MariaDB needs 110
_RID = re.compile(r"(?:rid:\s*)?([0-9a-f]{8}(?:-[0-9a-f]{8}){2})")


@admin.register(UploadLog)
class UploadLogAdmin(FilesPage, UploadPage, FailingPage, DiagnosisPage, ReadOnlyAdmin):
    """One row per upload."""

    list_filter: ClassVar[Any] = (
        filters.StatusFilter,
        filters.StoreFilter,
        filters.ErrcodeFilter,
        filters.SourceFilter,
        filters.TimeFilter,
        filters.DeploymentFilter,
        filters.CauseFilter,
    )
    search_fields: ClassVar[Any] = ("key",)  # shows the box; `search` does the search
    search_help_text: ClassVar[Any] = _(
        "Any part of a file's name; the beginning of a key after a slash: /static/; a whole key in "
        "double quotes; a rid."
    )

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = UploadColumns(request)
        return columns.status, columns.file, columns.errcode, columns.ended

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return search(cast(UploadLogQuerySet, queryset), text) if text else queryset, False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Say where a search for a part ends, and link to a search of the whole log."""
        found: Any = super().get_changelist_instance(request)
        text = found.query.strip()
        end = UploadLog.objects.all().end_of_newest(SEARCHED) if _is_part(text) else 0
        if end and UploadLog.objects.filter(id__lte=end).exists():
            found.searched = SEARCHED
            found.beginning = found.get_query_string({"q": f"/{text}"}, ["p"])
        return found

    def get_fieldsets(self, request: HttpRequest, obj: UploadLog | None = None) -> Any:
        columns = UploadColumns(request)
        ended = (
            *(columns.status, columns.errcode, columns.hint, columns.message, columns.stage),
            # The errcode or the code of COS often names the cause.
            *([] if obj and obj.cause in (str(obj.errcode), obj.cos_code) else ["cause"]),
            *("http_status", "cos_code", "rid", "request_id", "attempts"),
            *(columns.duration, columns.time, columns.dismissed),
        )
        headers = ("content_type", "cache_control", "other_headers")
        file = ("key", "name", columns.size, "md5", *headers)
        origin = (columns.store, *columns.unnamed(obj), columns.source, columns.source_ref)
        whose = (columns.user, columns.deployment)
        return [
            (_("How it ended"), {"fields": filled_fields(ended, obj)}),
            *self._diagnosis_fieldsets(request, obj),
            (_("The file"), {"fields": filled_fields(file, obj)}),
            (_("Where it came from"), {"fields": filled_fields(origin + whose, obj)}),
        ]

    def _with_context(self, request: HttpRequest, row: UploadLog) -> dict[str, Any]:
        """Return the file that is public at this key now, and the other uploads of the key."""
        decisive = Q(status__in=MAYBE_PUBLIC) | Q(source="reconcile")  # which may have missed it
        public = self._history(request, row).filter(decisive).first()
        if public and public.status not in MAYBE_PUBLIC:
            public = None
        url = places_for(request).url(row) if public else ""
        # One more than is shown tells whether there are older ones.
        history = list(self._history(request, row)[: NEWEST + 1])
        columns = UploadColumns(request)
        choices = dict(self.get_action_choices(request))  # those of the list
        choose = columns.choose_again(row)
        gone = why_gone([row]).get(row.pk, "") if choose or "upload_again" in choices else ""
        names = ("compare",) if gone else ("upload_again", "compare")
        return {
            "url": url,
            "code": qr.svg(url) if url else "",
            "is_image": content_type(row.key).startswith("image/"),
            "actions": [(name, choices[name]) for name in names if name in choices],
            "gone": gone,
            "choose": choose,
            "is_deleted": public is not None and public.is_deletion,
            "history": lines(history[:NEWEST], columns, *_HISTORY),
            "has_older": len(history) > NEWEST,
            "exact": f'"{row.key}"',
        }

    def _history(self, request: HttpRequest, row: UploadLog) -> UploadLogQuerySet:
        rows: UploadLogQuerySet = self.get_queryset(request).with_key(row.key).filter(env=row.env)
        return rows.order_by("-id") if row.key else rows.none()


def search(rows: UploadLogQuerySet, text: str) -> UploadLogQuerySet:
    """Search by an index for a rid, a key or its beginning; in the newest rows for a part."""
    if _is_part(text):
        refused = Q(key="", name__icontains=text)  # a refused name has no key
        return rows.among_newest(SEARCHED).filter(Q(key__icontains=text) | refused)
    if rid := _RID.fullmatch(text):
        return rows.filter(rid=rid[1])
    return rows.with_key(text[1:-1]) if text[0] == '"' else rows.beginning_with(text.lstrip("/"))


def _is_part(text: str) -> bool:
    """Return whether the text is a part of a name, which no index finds."""
    is_quoted = len(text) > 2 and text[0] == text[-1] == '"'
    return bool(text) and not (text[0] == "/" or is_quoted or _RID.fullmatch(text))
