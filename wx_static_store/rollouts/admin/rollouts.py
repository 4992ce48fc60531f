"""The list of rollouts, with their progress."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from ...admin.base import ReadOnlyAdmin, Tool
from ...admin.filters import Choices, ColumnFilter
from ...i18n import gettext_lazy
from ...submit.policy import visible_environments
from ...upload.database import with_users
from ..access import visible_rollouts
from ..models import Rollout
from ..snapshot import counts_of
from .columns import RolloutColumns
from .page import RolloutPage


class StateFilter(ColumnFilter):
    title, parameter_name = gettext_lazy("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Choices:
        return Rollout.State.choices


@admin.register(Rollout)
class RolloutAdmin(RolloutPage, ReadOnlyAdmin):
    """One row per rollout; a user who may see deployments may see their rollouts."""

    change_list_template = "admin/wx_static_store/change_list.html"
    list_filter = (StateFilter,)
    list_per_page = 20

    class Media:
        css = {"all": ["wx_static_store/page.css", "wx_static_store_rollouts/rollouts.css"]}
        js = ("wx_static_store/refresh.js",)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("wx_static_store.view_deployment"))

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
        counts = counts_of(found.result_list, visible_environments(request.user))
        for row in found.result_list:
            row.counts = counts.get(row.pk, {})
        return found
