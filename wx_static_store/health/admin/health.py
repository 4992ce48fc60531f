"""The page *Health*: the doctor's findings, and facts about the platform."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from ...admin.base import BOTH, Page, ReadOnlyAdmin
from ...admin.columns import Look, with_details
from ...causes import matching
from ...conf import platform_options
from ...exceptions import ConfigurationError
from ...i18n import ago, gettext as _, gettext_lazy
from ...models import Account
from ...submit.access import Act, may
from ...upload.database import in_database
from ..doctor.facts import Remembered, facts_by_subject
from ..doctor.findings import Mark
from ..doctor.latest import examined
from ..doctor.report import worst_first
from ..models import Health

SHOWN = 20  # findings of one check, and accounts
STATES: dict[str, tuple[Look, Any]] = {
    Mark.OK.label: (Look(Mark.OK.value, "wx-good"), gettext_lazy("well")),
    Mark.NOT_ASKED.label: (Look(Mark.NOT_ASKED.value, "wx-quiet"), gettext_lazy("not asked")),
    Mark.WARNING.label: (Look(Mark.WARNING.value, "wx-unsure"), gettext_lazy("look at it")),
    Mark.WRONG.label: (Look(Mark.WRONG.value, "wx-bad"), gettext_lazy("wrong")),
}


def when(report: dict[str, Any]) -> str:
    """Return when the checks were asked, and how long they took."""
    seconds = sum(check["seconds"] for check in report["checks"])
    return _("Asked %(ago)s, in %(seconds).1f s.", ago=ago(report["examined"]), seconds=seconds)


def checks(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each check as it looks, with the findings that count."""
    for check in report["checks"]:
        found, more = worst_first(check, SHOWN)
        findings = [
            each | {"look": STATES[each["status"]][0], "hint": each["hint"] and _explained(each)}
            for each in found
        ]
        look, label = STATES[check["status"]]
        yield check | {"look": look, "label": label, "findings": findings, "more": more}


def _explained(found: dict[str, Any]) -> Any:
    means = next((entry.means for entry in matching(found.get("cause", ""))), "")
    return with_details(found["hint"], _("What it means"), means)


def quotas(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a bar for each call whose quota WeChat names."""
    return [
        _bar(call, quota["daily_limit"], quota["remain"])
        for check in report["checks"]
        if check["id"] == "quota.calls"
        for finding in check["findings"]
        for call, quota in finding["data"].items()
        if isinstance(quota, dict) and quota.get("daily_limit")
    ]


def _bar(call: str, limit: int, remain: int) -> dict[str, Any]:
    # What WeChat no longer offers: its own count may differ.
    used = min(limit, max(0, limit - remain))
    left = _("%(remain)s of %(limit)s left", remain=f"{remain:,}", limit=f"{limit:,}")
    warns = {"low": limit * 8 // 10, "high": limit * 95 // 100}  # from here on the bar does
    return {"call": call, "limit": limit, "used": used, "left": left, **warns}


def facts() -> dict[str, list[Remembered]]:
    found = in_database(facts_by_subject, otherwise=dict[str, list[Remembered]]())
    # The template shows an empty subject as the platform.
    with suppress(ConfigurationError):
        if platform := found.pop(platform_options().component_appid, []):
            found[""] = platform
    return found


def accounts() -> list[tuple[str, str]]:
    """Return the newest accounts that withdrew their authorization, and when they did."""
    withdrawn = Account.objects.filter(withdrawn=True).order_by("-changed")
    rows = in_database(lambda: list(withdrawn[:SHOWN]), otherwise=list[Account]())
    return [(row.appid, ago(row.changed)) for row in rows]


YOUNG = 60.0  # seconds in which the page shows the same results


@admin.register(Health)
class HealthAdmin(ReadOnlyAdmin):
    """One page instead of a list; opening the page asks the checks, unless somebody just did."""

    class Media:
        css: Any = {"all": ["wx_static_store/page.css", "wx_static_store_health/health.css"]}

    sees: ClassVar[Any] = ("wx_static_store_health.view_health",)
    has_list: bool = False

    @Page("changelist", "", BOTH)
    def health_view(self, request: HttpRequest) -> HttpResponse:
        # A POST asks all checks again, whoever asked in the last minute.
        report = examined(0.0 if request.method == "POST" else YOUNG)
        context = {
            "title": _("Health"),
            "report": report,
            "when": when(report),
            "checks": checks(report),
            "quotas": quotas(report),
            "facts": facts(),
            "accounts": accounts(),
            "sees_overview": may(request.user, Act.SEE_DEPLOYMENTS, Act.SEE_LOG),
        }
        return self.page_response(request, "health", context)
