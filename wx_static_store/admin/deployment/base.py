"""What the pages of a deployment's release have in common."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from ...models import Deployment
from ..base import ReadOnlyAdmin, Tool
from .columns import DeploymentColumns, title_of

NAME = "wx_static_store_deployment_{}"  # of an address


class ReleasePages(ReadOnlyAdmin):
    """The base of the mixins."""

    def with_release(self, request: HttpRequest, object_id: str) -> Deployment:
        """Return the deployment; raises Http404 where this user sees none that has a release."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        row: Deployment | None = self.get_object(request, unquote(object_id))
        if row is None or row.release is None:
            raise Http404
        return row

    def url_of(self, page: str, row: Deployment) -> str:
        return reverse(f"admin:{NAME.format(page)}", args=[row.pk])

    def release_tools(self, request: HttpRequest, row: Deployment) -> list[Tool]:
        """Return the buttons of a deployment's page; each mixin adds its own."""
        return []

    def page(
        self, request: HttpRequest, page: str, row: Deployment, context: dict[str, Any]
    ) -> HttpResponse:
        columns = DeploymentColumns(request)
        around = {
            "opts": self.opts,
            "media": self.media,
            "row": row,
            "this": title_of(row),
            "store": columns.store(row),
            "folder": columns.folder(row),
        }
        return TemplateResponse(
            request,
            f"admin/wx_static_store/deployment/{page}.html",
            self.admin_site.each_context(request) | around | context,
        )


def page_of(row: Model) -> str:
    """Return the address of a row's page in the admin."""
    named = f"{row._meta.app_label}_{row._meta.model_name}"
    return reverse(f"admin:{named}_change", args=[row.pk])
