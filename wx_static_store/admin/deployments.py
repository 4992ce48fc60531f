"""The deployments: how each ended, and the uploads of it that failed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import Deployment, UploadLog
from . import filters
from .base import ReadOnlyAdmin
from .columns import DeploymentColumns, UploadColumns, lines

SHOWN = 20  # of the uploads that failed


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """One row per publishing of many files."""

    list_filter = (filters.OutcomeFilter, filters.StoreFilter, filters.TimeFilter)

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = DeploymentColumns(request)
        return columns.outcome, columns.release, columns.files, columns.origin, columns.ended

    def get_fieldsets(self, request: HttpRequest, obj: Deployment | None = None) -> Any:
        columns = DeploymentColumns(request)
        ended = (columns.outcome, columns.size, columns.duration, "created")
        files = ("stored", "skipped", "failed", "not_attempted")
        origin = ("label", columns.store, *columns.unnamed(obj), columns.source, columns.user)
        return [
            (_("How it ended"), {"fields": ended}),
            (_("Files"), {"fields": files}),
            (_("Where it came from"), {"fields": origin}),
        ]

    def with_context(self, request: HttpRequest, row: Deployment) -> dict[str, Any]:
        """Return the uploads, for users who may see the log."""
        log = self.admin_site.get_model_admin(UploadLog)
        if not log.has_view_permission(request):
            return {"may_see_uploads": False}
        uploads = log.get_queryset(request).filter(deployment=row)
        # In an order that no index has: MariaDB would walk the whole log for that of the ids.
        order = ("status", "-id")
        failed = uploads.filter(status__in=filters.NOT_STORED).order_by(*order)[: SHOWN + 1]
        found = lines(failed, UploadColumns(request))
        return {
            "may_see_uploads": True,
            "failed": found[:SHOWN],
            "has_more": len(found) > SHOWN,
        }
