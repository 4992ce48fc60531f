"""Actions on rows of the log: upload again, compare with the cloud, export."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _, ngettext, ngettext_lazy

from ..exceptions import WxStaticStoreError
from ..i18n import labelled
from ..log.compare import CloudState, compare_uploads
from ..log.retry import RetryResult, retry_uploads
from ..models import UploadLog, UploadLogQuerySet
from ..upload.database import outside_transactions
from .base import ReadOnlyAdmin
from .export import exported
from .labels import sentence

LIMIT = 200  # rows that one click sends or compares
DETAILS = 20  # files that a message names, or the page names of those that cannot be sent

# By outcome: how bad it is, and what is said.
OUTCOMES = {
    "stored": (
        messages.SUCCESS,
        ngettext_lazy(
            "%(count)d file was uploaded again.", "%(count)d files were uploaded again.", "count"
        ),
    ),
    "failed": (
        messages.ERROR,
        ngettext_lazy("%(count)d file failed again.", "%(count)d files failed again.", "count"),
    ),
    "unknown": (
        messages.ERROR,
        ngettext_lazy(
            "%(count)d file was sent, but the answer never came: upload it once more.",
            "%(count)d files were sent, but the answers never came: upload them once more.",
            "count",
        ),
    ),
    "gone": (
        messages.WARNING,
        ngettext_lazy(
            "%(count)d file cannot be uploaded again from here.",
            "%(count)d files cannot be uploaded again from here.",
            "count",
        ),
    ),
    "not attempted": (
        messages.WARNING,
        ngettext_lazy(
            "%(count)d file was not attempted: do it once more.",
            "%(count)d files were not attempted: do it once more.",
            "count",
        ),
    ),
}

# By state: the colour of its badge.
COLOURS = {
    CloudState.SAME: "good",
    CloudState.UNSURE: "unsure",
    CloudState.DIFFERS: "bad",
    CloudState.MISSING: "bad",
    CloudState.DELETED: "good",
    CloudState.UNREACHED: "unsure",
}


class LogActions(ReadOnlyAdmin):
    """Mixin of the log of uploads; each action has a permission of its own."""

    actions = ("upload_again", "compare", "export_csv", "export_json")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("wx_static_store.retry")

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        for url in urls:
            if url.name == self.name_of("changelist"):  # which runs the actions
                url.callback = outside_transactions(url.callback)
        return urls

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Forbid an action that this user lacks; Django would only say that none was selected."""
        wanted = filter(None, request.POST.getlist("action"))
        if not self.get_actions(request).keys() >= {*wanted}:
            raise PermissionDenied
        return super().response_action(request, queryset, *args, **kwargs)

    # --- actions -----------------------------------------------------------------------------

    @admin.action(permissions=["retry"], description=_("Upload again"))
    def upload_again(self, request: HttpRequest, queryset: UploadLogQuerySet) -> None:
        if rows := self._few(request, queryset):
            self.send_again(request, rows)

    # These three need no permission but that to see the log: an export shows no more than the list,
    # and a comparison changes nothing and is bounded, in its calls (LIMIT) and in its time.

    @admin.action(permissions=["view"], description=_("Compare with the cloud"))
    def compare(self, request: HttpRequest, queryset: UploadLogQuerySet) -> HttpResponse | None:
        try:
            found = compare_uploads(self._few(request, queryset))
        except WxStaticStoreError as error:
            self.message_user(request, sentence(error), messages.ERROR)
            return None
        if not found:
            return None
        counts = Counter(one.state for one in found)
        context = {
            "title": _("Compare with the cloud"),
            "counts": [(state, counts[state]) for state in CloudState if counts[state]],
            "differ": counts[CloudState.DIFFERS] or counts[CloudState.MISSING],
            "found": [(one, COLOURS[one.state]) for one in found],
        }
        return self.answer(request, "compared", context)

    @admin.action(permissions=["view"], description=_("Export as CSV"))
    def export_csv(
        self, request: HttpRequest, queryset: UploadLogQuerySet
    ) -> StreamingHttpResponse:
        return exported(request, queryset, "csv")

    @admin.action(permissions=["view"], description=_("Export as JSON"))
    def export_json(
        self, request: HttpRequest, queryset: UploadLogQuerySet
    ) -> StreamingHttpResponse:
        return exported(request, queryset, "json")

    def _few(self, request: HttpRequest, queryset: UploadLogQuerySet) -> list[UploadLog]:
        """Return the rows; too many for one click are none, with a message."""
        rows = list(queryset.order_by("-id")[: LIMIT + 1])
        if len(rows) <= LIMIT:
            return rows
        why = ngettext(
            "At most %(limit)d row at a time: select fewer. Nothing was done.",
            "At most %(limit)d rows at a time: select fewer, or filter first. Nothing was done.",
            LIMIT,
        )
        self.message_user(request, why % {"limit": LIMIT}, messages.ERROR)
        return []

    def send_again(self, request: HttpRequest, rows: Iterable[UploadLog]) -> None:
        results = defaultdict(list)
        for one in retry_uploads(rows, request.user):
            results[one.outcome].append(one)
        for outcome, (level, text) in OUTCOMES.items():
            if ones := results[outcome]:
                details = format_html_join("", "<br>{}", _details(ones))
                message = format_html("{}{}", text % {"count": len(ones)}, details)
                self.message_user(request, message, level)

    def answer(self, request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
        around = {"opts": self.opts, "media": self.media, "back": self.url_of("changelist")}
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"admin/wx_static_store/uploadlog/{page}.html",
            self.admin_site.each_context(request) | around | context,
        )

    def name_of(self, page: str) -> str:
        return f"wx_static_store_uploadlog_{page}"

    def url_of(self, page: str) -> str:
        return reverse(f"admin:{self.name_of(page)}", current_app=self.admin_site.name)


def _details(ones: list[RetryResult]) -> list[tuple[str]]:
    """Return a line for some of these files, each with its reason."""
    errors = ((one.row, one.reason or (one.result and one.result.error)) for one in ones)
    lines = [(labelled(row.key or row.name, sentence(error)),) for row, error in errors if error]
    if (left := len(lines) - DETAILS) > 0:
        more = ngettext("and %(count)d more", "and %(count)d more", left) % {"count": left}
        lines[DETAILS:] = [(more,)]
    return lines
