"""The page *Health*: the doctor's findings, and facts about the platform."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from ...admin.base import ReadOnlyAdmin
from ..doctor.latest import examined
from ..models import Health
from .page import accounts, checks, facts, quotas, when

YOUNG = 60.0  # seconds in which the page shows the same results


@admin.register(Health)
class HealthAdmin(ReadOnlyAdmin):
    """One page instead of a list; opening the page asks the checks, unless somebody just did."""

    class Media:
        css = {"all": ["wx_static_store/page.css", "wx_static_store_health/health.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("wx_static_store_health.view_health"))

    def get_urls(self) -> list[URLPattern]:
        return [self.page_path("changelist", "", self.health_view)]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def health_view(self, request: HttpRequest) -> HttpResponse:
        """Show the results of the last minute; a POST asks all checks again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        report = examined(0.0 if request.method == "POST" else YOUNG)
        context = {
            "title": _("Health"),
            "report": report,
            "when": when(report),
            "checks": checks(report),
            "quotas": quotas(report),
            "facts": facts(),
            "accounts": accounts(),
        }
        return self.page_response(request, "health", context)
