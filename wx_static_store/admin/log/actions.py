"""Actions on rows of the log: upload again, compare with the cloud, export."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _, ngettext

from ...models import UploadLog, UploadLogQuerySet
from ...upload.database import outside_transactions
from .export import export
from .steps import LIMIT, StepsPage


class LogActions(StepsPage):
    """Mixin of the log of uploads; each action has a permission of its own."""

    actions = ("upload_again", "compare", "export_csv", "export_json")

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        for url in urls:
            if url.name == self.page_name("changelist"):  # which runs the actions
                url.callback = outside_transactions(url.callback)
        return urls

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Forbid an action that the user lacks; Django would say that no action was selected."""
        wanted = filter(None, request.POST.getlist("action"))
        if not self.get_actions(request).keys() >= {*wanted}:
            raise PermissionDenied
        return super().response_action(request, queryset, *args, **kwargs)

    # --- actions -----------------------------------------------------------------------------

    @admin.action(permissions=["retry"], description=_("Upload again"))
    def upload_again(
        self, request: HttpRequest, queryset: UploadLogQuerySet
    ) -> HttpResponse | None:
        rows = self._few(request, queryset)
        return self.show_steps(request, "upload_again", rows) if rows else None

    # These three need only the permission to see the log: an export shows no more than the list,
    # and a comparison changes nothing and is bounded in its calls (LIMIT) and its time.

    @admin.action(permissions=["view"], description=_("Compare with the cloud"))
    def compare(self, request: HttpRequest, queryset: UploadLogQuerySet) -> HttpResponse | None:
        by_key: dict[tuple[str, str], UploadLog] = {}
        for row in self._few(request, queryset):
            by_key.setdefault((row.env, row.key), row)
        rows = [row for row in by_key.values() if row.key]  # a refused name has none
        return self.show_steps(request, "compare", rows) if rows else None

    @admin.action(permissions=["view"], description=_("Export as CSV"))
    def export_csv(
        self, request: HttpRequest, queryset: UploadLogQuerySet
    ) -> StreamingHttpResponse:
        return export(request, queryset, "csv")

    @admin.action(permissions=["view"], description=_("Export as JSON"))
    def export_json(
        self, request: HttpRequest, queryset: UploadLogQuerySet
    ) -> StreamingHttpResponse:
        return export(request, queryset, "json")

    def _few(self, request: HttpRequest, queryset: UploadLogQuerySet) -> list[UploadLog]:
        """Return the rows; if they are too many for one click, none and a message."""
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
