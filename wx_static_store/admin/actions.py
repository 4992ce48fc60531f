"""Actions on rows of the log: upload again, compare with the cloud, export."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _, ngettext, ngettext_lazy
from django.views.decorators.http import require_http_methods

from ..exceptions import WxStaticStoreError
from ..i18n import labelled
from ..log.compare import CloudState, compare_uploads
from ..log.retry import RetryResult, failed_rows, retry_uploads, waiting
from ..models import UploadLog, UploadLogQuerySet
from ..upload.database import outside_transactions
from .base import ReadOnlyAdmin, Tool
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
            if url.name == _name("changelist"):  # which runs the actions
                url.callback = outside_transactions(url.callback)
        view = outside_transactions(self.admin_site.admin_view(self.retry_failed_view))
        return [path("retry-failed/", view, name=_name("retry_failed")), *urls]

    def object_tools(self, request: HttpRequest) -> list[Tool]:
        tools = super().object_tools(request)
        if self.has_retry_permission(request):
            tools.append(Tool(_("Retry all failed"), self._url("retry_failed")))
        return tools

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
            self._send(request, rows)

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
        return self._answer(request, "compared", context)

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

    def _send(self, request: HttpRequest, rows: Iterable[UploadLog]) -> None:
        results = defaultdict(list)
        for one in retry_uploads(rows, request.user):
            results[one.outcome].append(one)
        for outcome, (level, text) in OUTCOMES.items():
            if ones := results[outcome]:
                details = format_html_join("", "<br>{}", _details(ones))
                message = format_html("{}{}", text % {"count": len(ones)}, details)
                self.message_user(request, message, level)

    # --- retry all failed ----------------------------------------------------------------------

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def retry_failed_view(self, request: HttpRequest) -> HttpResponse:
        """Show on a GET what would be sent, send on a POST what was shown."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        rows = cast(UploadLogQuerySet, self.get_queryset(request))
        if request.method != "POST":
            return self._answer(request, "retry_failed", _waiting(rows))
        shown = [
            pk for pk in request.POST.getlist("row")[:LIMIT] if re.fullmatch("[0-9]{1,18}", pk)
        ]
        if failed := failed_rows(rows.filter(pk__in=shown))[0]:
            self._send(request, failed)
        else:
            self.message_user(request, _("None of these files was still waiting."), messages.INFO)
        return HttpResponseRedirect(self._back(request))

    def _answer(self, request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
        around = {"opts": self.opts, "media": self.media, "back": self._back(request)}
        return TemplateResponse(
            request,
            f"admin/wx_static_store/uploadlog/{page}.html",
            self.admin_site.each_context(request) | around | context,
        )

    def _back(self, request: HttpRequest) -> str:
        """Return the address of the list, or of this page for users who may not see the list."""
        return self._url("changelist" if self.has_view_permission(request) else "retry_failed")

    def _url(self, name: str) -> str:
        return reverse(f"admin:{_name(name)}", current_app=self.admin_site.name)


def _name(name: str) -> str:
    return f"wx_static_store_uploadlog_{name}"


def _waiting(rows: UploadLogQuerySet) -> dict[str, Any]:
    ready, refused, more = waiting(rows, LIMIT)
    return {
        "title": _("Retry all failed"),
        "ready": ready,
        "bytes": sum(one.item.size or 0 for one in ready),
        "refused": _details(refused),
        "heading": OUTCOMES["gone"][1] % {"count": len(refused)},
        "more": more,
    }


def _details(ones: list[RetryResult]) -> list[tuple[str]]:
    """Return a line for some of these files, each with its reason."""
    errors = ((one.row, one.reason or (one.result and one.result.error)) for one in ones)
    lines = [(labelled(row.key or row.name, sentence(error)),) for row, error in errors if error]
    if (left := len(lines) - DETAILS) > 0:
        more = ngettext("and %(count)d more", "and %(count)d more", left) % {"count": left}
        lines[DETAILS:] = [(more,)]
    return lines
