"""The page *Overview*: the state of each environment, with filters; and the page of one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from ...admin.base import Page, ReadOnlyAdmin, page
from ...admin.deployment.publish import may_publish
from ...admin.places import places_for
from ...i18n import gettext as _
from ...models import Deployment
from ...submit.access import Act, may, visible
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

    sees, has_list = (Act.SEE_DEPLOYMENTS, Act.SEE_LOG), False

    @page(Page("changelist", ""))
    def overview_view(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request, "overview", _("Overview"), overview=table_for(request))

    @page(Page("environment", "<slug:env>/"))
    def environment_view(self, request: HttpRequest, env: str) -> HttpResponse:
        offers = places_for(request).offers(known_environments)
        if env not in offers:
            raise Http404
        found = EnvironmentPage(request, env, offers[env])
        return self._answer(request, "environment", found.offer.label, page=found)

    def _answer(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        around = {"title": title, "may_publish": may_publish(request)}
        return self.page_response(request, name, around | context)


def table_for(request: HttpRequest, *, chosen: bool = True) -> OverviewTable:
    """Return the table of the environments that this user sees; `chosen` are the filters."""
    found: list[Place] = []
    if may(request.user, Act.SEE_DEPLOYMENTS):
        rows = visible(Deployment.objects.primary(), request.user)
        found = places(visible_rollouts(request.user), rows)
    asked = request.GET if chosen else QueryDict()
    sees_log = may(request.user, Act.SEE_LOG)
    known = places_for(request)
    offers = known.offers(known_environments)
    return OverviewTable(asked, offers, found, known=known, sees_log=sees_log)
