"""The page *Environments*: how each stands, with filters."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from ..conf.offered import Offer
from ..fleet.access import visible_rollouts
from ..fleet.overview import known_environments, places
from ..i18n import gettext as _, gettext_lazy
from ..models import Deployment
from ..submit.policy import visible_offers
from .base import ReadOnlyAdmin, Tool
from .fleet_table import FleetTable

NAME = "wx_static_store_rollout_environments"  # of the address


class FleetPage(ReadOnlyAdmin):
    """Mixin of the rollouts."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.environments_view)
        return [path("environments/", view, name=NAME), *super().get_urls()]

    def object_tools(self, request: HttpRequest) -> list[Tool]:
        url = reverse(f"admin:{NAME}", current_app=self.admin_site.name)
        return [*super().object_tools(request), Tool(gettext_lazy("Environments"), url)]

    @method_decorator(require_safe)
    def environments_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        context = {
            "title": _("Environments"),
            "opts": self.opts,
            "media": self.media,
            "fleet": self._table(request),
        }
        return TemplateResponse(
            request,
            "admin/wx_static_store/rollout/environments.html",
            self.admin_site.each_context(request) | context,
        )

    def _table(self, request: HttpRequest) -> FleetTable:
        offers, rows = visible_offers(request.user), Deployment.objects.primary()
        if offers is not None:
            rows = rows.filter(env__in=[*offers])
        found = places(visible_rollouts(request.user), rows)
        known: Mapping[str, Offer] = offers or {}
        if offers is None:
            known = {env: Offer(env) for env in known_environments()}
        return FleetTable(request.GET, known, found)
