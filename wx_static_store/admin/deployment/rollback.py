"""The page *Roll back to this* of a deployment: what would be sent, and the button."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_http_methods

from ...deploy.environments import address_of
from ...deploy.records import deployments_of
from ...deploy.report import EnvironmentReport, lines
from ...exceptions import WxStaticStoreError
from ...i18n import ngettext
from ...models import Deployment
from ...releases.rollback import (
    MOST_BYTES,
    MOST_FILES,
    RollbackPlan,
    is_there,
    move_of,
    plan_rollback,
)
from ...releases.runners import Runner, available_runner
from ..base import Tool
from ..places import linkable
from .base import ReleasePages, page_of
from .columns import title_of

SHOWN = 50  # files of a list
DETAILS = 30  # lines of a message


class RollbackPage(ReleasePages):
    """Mixin of the deployments."""

    def has_deploy_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("wx_static_store.deploy")

    def get_urls(self) -> list[URLPattern]:
        own = self.page_path("rollback", "<path:object_id>/rollback/", self.rollback_view)
        return [own, *super().get_urls()]

    def release_tools(self, request: HttpRequest, row: Deployment) -> list[Tool]:
        tools = super().release_tools(request, row)
        if row.release is None or not self.has_deploy_permission(request):
            return tools
        if is_there(row, deployments_of(row.env, row.folder).first()):
            return tools
        return [*tools, Tool(gettext_lazy("Roll back to this"), self.page_url("rollback", row))]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def rollback_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would be sent; a POST begins, unless another deployment came between."""
        if not self.has_deploy_permission(request):
            raise PermissionDenied
        row = self.with_release(request, object_id)
        try:
            using, move = move_of(row.env, str(row.pk), using=row.using)
            found = plan_rollback(using, move, request.user.pk)
        except WxStaticStoreError as error:
            context: dict[str, Any] = {"error": error.what, "hint": error.full_hint}
            return self._answer(request, row, context)
        runner = available_runner()
        may_begin = not found.is_live and bool(runner or found.is_small)
        if request.method == "POST" and may_begin:
            if request.POST.get("before") == newest_id(found):
                if runner:
                    return self._roll_back_by(runner, request, row, found)
                return self._outcome(request, row, found)
            text = _("Something else was deployed meanwhile. Look at it again.")
            self.message_user(request, text, messages.WARNING)
        context = {"may_begin": may_begin, "by_workers": runner is not None}
        return self._answer(request, row, context | _plan_context(row, found))

    def _answer(
        self, request: HttpRequest, row: Deployment, context: dict[str, Any]
    ) -> HttpResponse:
        title = _("Roll back to %(label)s") % {"label": title_of(row)}
        return self.page(request, "rollback", row, {"title": title} | context)

    def _roll_back_by(
        self, runner: Runner, request: HttpRequest, row: Deployment, found: RollbackPlan
    ) -> HttpResponse:
        """Hand it to workers; redirect to the page of the outcome, or back with the reason."""
        try:
            handed = runner.hand_over(row.using, found.move, user_id=request.user.pk)
        except (WxStaticStoreError, CommandError) as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(self.page_url("rollback", row))
        text = _("A worker rolls it back. This page shows how it goes.")
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(page_of(handed))

    def _outcome(self, request: HttpRequest, row: Deployment, found: RollbackPlan) -> HttpResponse:
        """Roll back in this request; redirect to the new deployment, or back if it failed."""
        report = found.run()
        head = {"done": _("The roll back is done."), "skipped": _("Nothing was sent.")}
        heading = head.get(report.outcome, _("The roll back failed."))
        text = ending_message(report, heading, found.reminder if report.ok else "")
        self.message_user(request, text, messages.SUCCESS if report.ok else messages.ERROR)
        new = report.report and report.report.deployment_id
        if report.ok and new:
            return HttpResponseRedirect(self.page_url("change", Deployment(pk=new)))
        return HttpResponseRedirect(self.page_url("rollback", row))


def ending_message(report: EnvironmentReport, heading: str, reminder: str = "") -> SafeString:
    """Return the heading, the lines that the command would print, and what is left to do."""
    found = lines(report)
    if (left := len(found) - DETAILS) > 0:
        found[DETAILS:] = [ngettext("and %(count)d more", "and %(count)d more", left)]
    rest = filter(None, [*found, reminder])
    return format_html("{}{}", heading, format_html_join("", "<br>{}", ((line,) for line in rest)))


def newest_id(found: RollbackPlan) -> str:
    """Return the id of the newest deployment: it shows whether another came between."""
    return str(found.move.before.pk) if found.move.before else ""


def _plan_context(row: Deployment, found: RollbackPlan) -> dict[str, Any]:
    """Return the part of the page that shows the plan."""
    states = found.plan.states(found.uploader)
    sent = [(item.name, item.size) for state, item in states if state != "unchanged"]
    before, prefix, options = found.move.before, found.order.prefix, found.uploader.options
    trusted = options.base_url or options.url_prefix
    return {
        "found": found,
        "newest": newest_id(found),
        "that": title_of(before) if before else "",
        "compare_with": before.pk if before and before.release != row.release else None,
        "address": linkable(address_of(found.uploader, prefix), trusted=trusted),
        "sent": sent[:SHOWN],
        "more_sent": len(sent) - SHOWN,
        "stale": [file.key for file in found.stale[:SHOWN]],
        "more_stale": len(found.stale) - SHOWN,
        "most_files": MOST_FILES,
        "most_bytes": MOST_BYTES,
        "command": found.command,
    }
