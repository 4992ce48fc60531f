"""The page *Overview*: the state of each environment, with filters; and the page of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from ...admin.base import ReadOnlyAdmin
from ...admin.deployment.publish import may_publish
from ...admin.places import places_for
from ...conf.offered import Offer
from ...i18n import gettext as _
from ...models import Deployment
from ...submit.policy import visible_offers
from ..models import Overview
from ..overview import Place, known_environments, places
from ..rows import visible_rollouts
from .environment import EnvironmentPage
from .table import OverviewTable


@admin.register(Overview)
class OverviewAdmin(ReadOnlyAdmin):
    """One page instead of a list, for users who may see deployments or uploads."""

    class Media:
        css = {
            "all": [
                "wx_static_store/page.css",
                "wx_static_store_rollouts/rollouts.css",
                "wx_static_store_rollouts/overview.css",
            ]
        }

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see(request.user)

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_path("changelist", "", self.overview_view),
            self.page_path("environment", "<slug:env>/", self.environment_view),
        ]

    @method_decorator(require_safe)
    def overview_view(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request, "overview", _("Overview"), overview=table_for(request))

    @method_decorator(require_safe)
    def environment_view(self, request: HttpRequest, env: str) -> HttpResponse:
        offers = _offers(request)
        if self.has_view_permission(request) and env not in offers:
            raise Http404
        page = EnvironmentPage(request, env, offers.get(env, Offer(env)))
        return self._answer(request, "environment", page.offer.label, page=page)

    def _answer(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        around = {"title": title, "may_publish": may_publish(request)}
        return self.page_response(request, name, around | context)


def may_see(user: Any) -> bool:
    return bool(
        user.has_perm("wx_static_store.view_deployment")
        or user.has_perm("wx_static_store.view_uploadlog")
    )


def table_for(request: HttpRequest, *, chosen: bool = True) -> OverviewTable:
    """Return the table of the environments that this user sees; `chosen` are the filters."""
    found: list[Place] = []
    if request.user.has_perm("wx_static_store.view_deployment"):
        offers, rows = visible_offers(request.user), Deployment.objects.primary()
        visible = rows if offers is None else rows.filter(env__in=[*offers])
        found = places(visible_rollouts(request.user), visible)
    asked = request.GET if chosen else QueryDict()
    sees_log = request.user.has_perm("wx_static_store.view_uploadlog")
    known = places_for(request)
    return OverviewTable(asked, _offers(request), found, known=known, sees_log=sees_log)


def _offers(request: HttpRequest) -> Mapping[str, Offer]:
    """Return the environments with labels and tags; without ENVIRONMENTS, those in the database."""
    offers = visible_offers(request.user)
    if offers is not None:
        return offers
    named = places_for(request).names
    return {env: Offer(named.get(env, env)) for env in sorted({*known_environments(), *named})}
