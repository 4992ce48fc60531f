"""The page *Overview*: the state of each environment, with filters; and the page of one."""

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from ...admin.base import Page, ReadOnlyAdmin
from ...admin.causes import cards
from ...admin.deployment.publish import may_publish
from ...admin.places import places_for
from ...deploy.state import folders
from ...i18n import gettext as _
from ...log.failing import causes
from ...models import Deployment, UploadLog
from ...submit.access import Act, may, visible
from ..drift import rows as drift_rows
from ..models import Overview
from ..overview import Place, known_environments, places
from ..rows import visible_rollouts
from .table import OverviewTable, hostings, shown_drift, shown_hosting

LIVE = 20  # folders of an environment
CAUSES = 5  # of what still fails there


@admin.register(Overview)
class OverviewAdmin(ReadOnlyAdmin):
    """One page instead of a list, for users who may see deployments or uploads."""

    class Media:
        css: Any = {"all": ["wx_static_store/page.css", "wx_static_store_rollouts/rollouts.css"]}

    sees: ClassVar[Any] = (Act.SEE_DEPLOYMENTS, Act.SEE_LOG)
    has_list: bool = False

    @Page("changelist", "")
    def overview_view(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request, "overview", _("Overview"), overview=table_for(request))

    @Page("environment", "<slug:env>/")
    def environment_view(self, request: HttpRequest, env: str) -> HttpResponse:
        known = places_for(request)
        offers = known.offers(known_environments)
        if env not in offers:
            raise Http404
        facts: dict[str, Any] = {
            "env": env,
            "tags": offers[env].tags,
            "site": shown_hosting(known, "", "", env, hostings(known, "", [env])[env]),
            "has_doctor": apps.is_installed("wx_static_store.health"),
            "sees_log": may(request.user, Act.SEE_LOG),
            "sees_deployments": may(request.user, Act.SEE_DEPLOYMENTS),
        }
        if facts["sees_deployments"]:
            states = folders().with_live().filter(env=env)[:LIVE]
            rows = [state.live for state in states if state.live]
            facts["live"] = [(row, known.address(row.using, row.env, row.folder)) for row in rows]
            drifts = drift_rows().filter(env=env)
            facts["drifts"] = [(row, shown_drift(row)) for row in drifts]
        if facts["sees_log"]:
            uploads = UploadLog.objects.filter(env=env)
            found = causes(uploads.still_failing().order_by())
            facts["cards"] = cards(request, found[:CAUSES], uploads)
        return self._answer(request, "environment", offers[env].label, **facts)

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
