"""The list of rollouts, the page of one, the part of it that is fetched again, its buttons."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from ...admin.base import BOTH, POST, Page, ReadOnlyAdmin, Tool
from ...admin.filters import ColumnFilter
from ...admin.places import places_for
from ...exceptions import WxStaticStoreError
from ...i18n import gettext as _, gettext_lazy
from ...submit.access import Act, may, sees
from ...upload.database import with_users
from ..lifecycle import GOING_BACK, Manner, act, roll_back, way_back
from ..models import Rollout
from ..rows import may_steer, visible_part, visible_rollouts
from ..snapshot import counts_of
from ..waves import RolloutRefused
from .progress import BUTTONS, Progress, RolloutColumns, place_of, title_of

T = TypeVar("T")


class StateFilter(ColumnFilter):
    title, parameter_name = gettext_lazy("state"), "state"
    offered = Rollout.State.choices


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    """One row per rollout; a user who may see deployments may see their rollouts."""

    change_list_template: ClassVar[Any] = "admin/wx_static_store/change_list.html"
    list_filter: ClassVar[Any] = (StateFilter,)
    list_per_page = 20
    sees: ClassVar[Any] = (Act.SEE_DEPLOYMENTS,)

    class Media:
        css: Any = {"all": ["wx_static_store/page.css", "wx_static_store_rollouts/rollouts.css"]}
        js: Any = ("wx_static_store/refresh.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_users(visible_rollouts(request.user))

    def object_tools(self, request: HttpRequest) -> list[Tool]:
        name = "admin:wx_static_store_rollouts_overview_changelist"
        url = reverse(name, current_app=self.admin_site.name)
        return [*super().object_tools(request), Tool(gettext_lazy("Overview"), url)]

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = RolloutColumns(request)
        return columns.state, columns.rollout, columns.environments, columns.user, columns.begun

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        counts = counts_of(found.result_list, sees(request.user))
        for row in found.result_list:
            row.counts = counts.get(row.pk, {})
        return found

    # --- the page of one -------------------------------------------------------------------------

    @method_decorator(require_safe)
    def change_view(
        self, request: HttpRequest, object_id: str, *more: Any, **of_django: Any
    ) -> Any:
        return self._show(request, "rollout", object_id)

    @Page("progress", "<path:object_id>/progress/")
    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show only the part that changes while the rollout goes on."""
        return self._show(request, "progress", object_id)

    @Page("act", "<path:object_id>/act/", POST, needs="deploy")
    def act_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row, action = self._steered(request, object_id), request.POST.get("action", "")
        if action not in BUTTONS:
            raise BadRequest
        if self._attempt(request, lambda: act(row.pk, action)):
            self.message_user(request, str(BUTTONS[action][1]), messages.SUCCESS)
        return HttpResponseRedirect(self.page_url("change", row))

    @Page("rollback", "<path:object_id>/rollback/", BOTH, needs="deploy")
    def rollback_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show on GET which environments go back; on POST, start the rollout."""
        row = self._steered(request, object_id)
        if request.method != "POST":
            way, places = way_back(row), places_for(request)
            context = {
                "title": _("Roll back %(name)s", name=title_of(row)),
                "count": len(way.targets),
                "lacking": [places.name(env) for env in way.lacking],
                "newer": [places.name(env) for env in way.newer],
                "is_open": row.state not in Rollout.CLOSED,
            }
            return self._page(request, "rollback", row, context)
        manner = Manner(**GOING_BACK, user_id=request.user.pk)
        if started := self._attempt(request, lambda: roll_back(row.pk, manner)):
            row, warnings = started
            for warning in warnings:
                self.message_user(request, warning, messages.WARNING)
        return HttpResponseRedirect(self.page_url("change", row))

    def _attempt(self, request: HttpRequest, work: Callable[[], T]) -> T | None:
        """Return the result of `work`; show a refusal on the next page."""
        try:
            return work()
        except (RolloutRefused, WxStaticStoreError) as error:
            self.message_user(request, getattr(error, "sentence", str(error)), messages.ERROR)
        return None

    def _steered(self, request: HttpRequest, object_id: str) -> Rollout:
        """Return the rollout; raise an error unless this user may steer it."""
        row: Rollout = self.row_of(request, object_id)
        # Who sees only a part of it would steer environments of others.
        if not may_steer(request.user, row):
            raise PermissionDenied
        return row

    def _show(self, request: HttpRequest, page: str, object_id: str) -> HttpResponse:
        row = self.row_of(request, object_id)
        progress = Progress(row, places_for(request), visible_part(request.user, row))
        context = {
            "progress": progress,
            "may_steer": may(request.user, Act.DEPLOY) and may_steer(request.user, row),
            "who": RolloutColumns(request).user(row),
        }
        return self._page(request, page, row, context)

    def _page(
        self, request: HttpRequest, page: str, row: Rollout, context: dict[str, Any]
    ) -> HttpResponse:
        around = {
            "title": title_of(row),
            "row": row,
            "state": RolloutColumns(request).state(row),
            "place": place_of(row),
        }
        return self.page_response(request, page, around | context)
