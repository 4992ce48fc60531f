"""The page *Compare* of a deployment: its release beside another, or beside the cloud."""

from __future__ import annotations

import re
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ...exceptions import WxStaticStoreError
from ...models import Deployment, DeploymentQuerySet
from ..base import Page, Tool, page
from ..labels import sentence
from .base import ReleasePages
from .columns import title_of
from .comparison import CLOUD, ShownComparison, counterpart, others_of


class ComparePage(ReleasePages):
    """Mixin of the deployments."""

    def release_tools(self, request: HttpRequest, row: Deployment) -> list[Tool]:
        tools = super().release_tools(request, row)
        return [*tools, Tool(_("Compare"), self.page_url("compare", row))] if row.release else tools

    @page(Page("compare", "<path:object_id>/compare/"))
    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Compare with the side that the address names; without one, with the likeliest."""
        row = self.with_release(request, object_id)
        others = others_of(self._rows(request), row)
        wanted = request.GET.get("with", "")
        other = self._other(request, row, wanted) if wanted else counterpart(row, others)
        if other and other not in others:
            others.append(other)
        context: dict[str, Any] = {
            "title": _("Compare"),
            "others": [(each, title_of(each)) for each in others],
            "other": other,
            "with_cloud": wanted == CLOUD,
        }
        if other or wanted == CLOUD:
            comparison = ShownComparison(row, other)
            try:
                found = {"difference": comparison.difference, "sections": [*comparison.sections()]}
            except WxStaticStoreError as error:
                found = {"error": sentence(error)}
            context |= found
        return self.page(request, "compare", row, context)

    def _other(self, request: HttpRequest, row: Deployment, wanted: str) -> Deployment | None:
        """Return the deployment with that id and the same folder; None for the cloud."""
        if wanted == CLOUD:
            return None
        if not re.fullmatch("[0-9]{1,18}", wanted):
            raise Http404
        same = self._rows(request).filter(env=row.env, pk=wanted, release__isnull=False)
        found = same.in_folder(row.folder).first()
        if found is None:
            raise Http404
        return found

    def _rows(self, request: HttpRequest) -> DeploymentQuerySet:
        return cast(DeploymentQuerySet, self.get_queryset(request))
