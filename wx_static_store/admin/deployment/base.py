"""The base of the pages of a deployment's release."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ...models import Deployment
from ..base import ReadOnlyAdmin
from .columns import DeploymentColumns, title_of


class ReleasePages(ReadOnlyAdmin):
    """The base of the mixins."""

    def with_release(self, request: HttpRequest, object_id: str) -> Deployment:
        """Return the deployment; raises Http404 if this user sees none, or it has no release."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row: Deployment | None = self.get_object(request, unquote(object_id))
        if row is None or row.release is None:
            raise Http404
        return row

    def page(
        self, request: HttpRequest, page: str, row: Deployment, context: dict[str, Any]
    ) -> HttpResponse:
        columns = DeploymentColumns(request)
        around = {
            "row": row,
            "this": title_of(row),
            "store": columns.store(row),
            "folder": columns.folder(row),
        }
        return self.page_response(request, page, around | context)


def page_of(row: Model) -> str:
    """Return the address of a row's page in the admin."""
    named = f"{row._meta.app_label}_{row._meta.model_name}"
    return reverse(f"admin:{named}_change", args=[row.pk])
