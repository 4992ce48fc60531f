"""Actions on rows of the log: upload again, compare with the cloud, export."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from ...models import UploadLog, UploadLogQuerySet
from .export import export
from .steps import StepsPage


class LogActions(StepsPage):
    """Mixin of the log of uploads; each action has a permission of its own."""

    actions = ("upload_again", "compare", "export_csv", "export_json")

    @admin.action(permissions=["retry"], description=_("Upload again"))
    def upload_again(
        self, request: HttpRequest, queryset: UploadLogQuerySet
    ) -> HttpResponse | None:
        rows = self.few(request, queryset)
        return self.show_steps(request, "upload_again", rows) if rows else None

    # These three need only the permission to see the log: an export shows no more than the list,
    # and a comparison changes nothing and is bounded in its calls (LIMIT) and its time.

    @admin.action(permissions=["view"], description=_("Compare with the cloud"))
    def compare(self, request: HttpRequest, queryset: UploadLogQuerySet) -> HttpResponse | None:
        by_key: dict[tuple[str, str], UploadLog] = {}
        for row in self.few(request, queryset):
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
