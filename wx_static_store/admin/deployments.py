"""The deployments: how each ended, and the uploads of it that failed."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ..core import qr
from ..core.types import NOT_STORED
from ..log.failing import causes
from ..models import Deployment, DeploymentQuerySet, UploadLog, UploadLogQuerySet
from ..releases.live import command_again, held_back_keys, live_lately, mark_live
from . import filters
from .base import ReadOnlyAdmin
from .causes import cards
from .columns import filled_fields
from .deployment.columns import DeploymentColumns, title_of
from .deployment.compare import ComparePage
from .deployment.publish import PublishPage
from .deployment.rollback import RollbackPage
from .places import places_for

SHOWN = 20  # files that were not sent, and lines of live releases
MOST = 5000  # uploads that are grouped by cause
# For these the page shows the command that repeats the deployment.
REPEATED = {"failed", "incomplete", "mismatched"}
OPEN = 5  # live releases that are shown unfolded


@admin.register(Deployment)
class DeploymentAdmin(PublishPage, RollbackPage, ComparePage, ReadOnlyAdmin):
    """One row per publishing of many files."""

    list_filter = (filters.OutcomeFilter, filters.StoreFilter, filters.TimeFilter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # The list of files of a release may have megabytes.
        return super().get_queryset(request).select_related("release").defer("release__files")

    def get_object(self, *args: Any, **kwargs: Any) -> Deployment | None:
        row: Deployment | None = super().get_object(*args, **kwargs)
        return mark_live([row])[0] if row else None

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        found.result_list = mark_live(found.result_list)
        return found

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = DeploymentColumns(request)
        return columns.outcome, columns.release, columns.files, columns.origin, columns.ended

    def get_fieldsets(self, request: HttpRequest, obj: Deployment | None = None) -> Any:
        columns = DeploymentColumns(request)
        ended = (columns.outcome, columns.size, columns.duration, columns.time)
        files = ("stored", "skipped", "failed", "not_attempted")
        place = (columns.store, *columns.unnamed(obj), columns.folder)
        release = (columns.digest, columns.contents, columns.live)
        origin = ("label", columns.source, columns.user)
        known = bool(obj and obj.release_id)
        return [
            (_("How it ended"), {"fields": filled_fields(ended, obj)}),
            (_("Files"), {"fields": files}),
            *([(_("Release"), {"fields": filled_fields(release, obj)})] if known else []),
            (_("Where it went"), {"fields": place if known else place[:-1]}),
            (_("Where it came from"), {"fields": filled_fields(origin, obj)}),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"live": lambda: self._live(request)} | (extra_context or {})
        return super().changelist_view(request, context)

    def _live(self, request: HttpRequest) -> dict[str, Any]:
        """Return the live releases of the chosen store, or of the last deployments."""
        rows, columns = self.get_queryset(request), DeploymentColumns(request)
        if store := request.GET.get("store"):
            rows = rows.filter(env=store)
        found = live_lately(cast(DeploymentQuerySet, rows), SHOWN + 1)
        names = ("store", "folder", "digest", "time", "user")
        shown = [
            {name: getattr(columns, name)(row) for name in names}
            | {"title": columns.to_deployment(row.pk, title_of(row))}
            for row in found[:SHOWN]
        ]
        return {"lines": shown, "is_open": len(shown) <= OPEN, "more": len(found) > SHOWN}

    def with_context(self, request: HttpRequest, row: Deployment) -> dict[str, Any]:
        """Return the buttons, the address, and the failed uploads if the user may see the log."""
        address = places_for(request).address(row.using, row.env, row.folder)
        is_live = row.outcome == Deployment.Outcome.DONE
        context: dict[str, Any] = {
            "tools": self.release_tools(request, row),
            "address": address,
            "code": qr.svg(address) if address and is_live else "",
        }
        log = self.admin_site.get_model_admin(UploadLog)
        if not log.has_view_permission(request):
            return context
        rows = cast(UploadLogQuerySet, log.get_queryset(request))
        uploads = rows.filter(deployment=row, status__in=NOT_STORED)
        # No index has this order: for that of the ids, MariaDB would walk the whole log.
        newest = uploads.order_by("status", "-id")[:MOST]
        left = held_back_keys(row)
        return context | {
            "may_see_uploads": True,
            "may_view": True,
            "of_this": f"deployment={row.pk}",
            "causes": cards(request, causes(newest), rows),
            "unsent": left[:SHOWN],
            "more_unsent": len(left) - SHOWN,
            "command": command_again(row) if {row.outcome, row.checked} & REPEATED else "",
        }
