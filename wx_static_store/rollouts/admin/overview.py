"""The page *Overview*: the state of each environment, with filters; and the page of one."""

from __future__ import annotations

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
from ...submit.access import Act, may, reach
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
        offers = places_for(request).offers(known_environments)
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
    return may(user, Act.SEE_DEPLOYMENTS, Act.SEE_LOG)


def table_for(request: HttpRequest, *, chosen: bool = True) -> OverviewTable:
    """Return the table of the environments that this user sees; `chosen` are the filters."""
    found: list[Place] = []
    if may(request.user, Act.SEE_DEPLOYMENTS):
        visible, rows = reach(request.user), Deployment.objects.primary()
        rows = rows if visible is None else rows.filter(env__in=[*visible])
        found = places(visible_rollouts(request.user), rows)
    asked = request.GET if chosen else QueryDict()
    sees_log = may(request.user, Act.SEE_LOG)
    known = places_for(request)
    offers = known.offers(known_environments)
    return OverviewTable(asked, offers, found, known=known, sees_log=sees_log)
