"""The page *Roll back to this* of a deployment: what would be sent, and the button."""

from typing import Any

from django.contrib import messages
from django.core.management.base import CommandError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy

from ...deploy.environments import address_of
from ...deploy.report import EnvironmentReport, lines
from ...deploy.state import state
from ...exceptions import WxStaticStoreError
from ...i18n import ngettext
from ...models import Deployment
from ...releases.rollback import (
    MOST_BYTES,
    MOST_FILES,
    SECONDS,
    RollbackPlan,
    move_of,
    plan_rollback,
)
from ...releases.runners import Runner, available_runner
from ..base import BOTH, Page, Tool, page
from ..places import linkable
from .columns import ReleasePages, page_of, title_of

SHOWN = 50  # files of a list
DETAILS = 30  # lines of a message


class RollbackPage(ReleasePages):
    """Mixin of the deployments."""

    def release_tools(self, request: HttpRequest, row: Deployment) -> list[Tool]:
        """Return the buttons of a deployment's page."""
        if row.release is None:
            return []
        tools = [Tool(gettext_lazy("Compare"), self.page_url("compare", row))]
        if self.may(request, "deploy") and not state(row.env, row.folder).has(row):
            tools.append(Tool(gettext_lazy("Roll back to this"), self.page_url("rollback", row)))
        return tools

    @page(Page("rollback", "<path:object_id>/rollback/", BOTH, needs="deploy"))
    def rollback_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would be sent; a POST begins, unless another deployment came between."""
        row = self.with_release(request, object_id)
        try:
            using, move = move_of(row.env, str(row.pk), using=row.using)
            found = plan_rollback(using, move, request.user.pk)
        except WxStaticStoreError as error:
            return self._answer(request, row, {"error": error.what, "hint": error.hint})
        context = plan_context(found)
        if request.method == "POST" and context["may_begin"]:
            # What was planned on a page that somebody left open may not be what is live now.
            if request.POST.get("before") == newest_id(found):
                if runner := available_runner():
                    return self._roll_back_by(runner, request, row, found)
                return self._outcome(request, row, found)
            text = _("Something else was deployed meanwhile. Look at it again.")
            self.message_user(request, text, messages.WARNING)
        before = found.move.before
        context |= {
            "newest": newest_id(found),
            "that": title_of(before) if before else "",
            "compare_with": before.pk if before and before.release != row.release else None,
            "stale": [file.key for file in found.stale[:SHOWN]],
            "more_stale": len(found.stale) - SHOWN,
            "command": found.command,
        }
        return self._answer(request, row, context)

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


def plan_context(found: RollbackPlan) -> dict[str, Any]:
    """Return what a page shows of a plan: the files to send, and who may send them."""
    states, by_workers = found.plan.states(found.uploader), available_runner() is not None
    sent = [(item.name, item.size) for state, item in states if state != "unchanged"]
    url = address_of(found.uploader, found.order.prefix)
    return {
        "found": found,
        "by_workers": by_workers,
        "may_begin": not found.is_live and (by_workers or found.is_small),
        "address": linkable(url, found.uploader.options),
        "sent": sent[:SHOWN],
        "more_sent": len(sent) - SHOWN,
        "most_files": MOST_FILES,
        "most_bytes": MOST_BYTES,
        "most_seconds": int(SECONDS),
    }
