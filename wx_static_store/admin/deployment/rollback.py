"""The page *Roll back to this* of a deployment: what would be sent, and the button."""

from typing import Any

from django.contrib import messages
from django.core.management.base import CommandError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy

from ...core.types import UploadContext
from ...deploy.report import EnvironmentReport, counts_line, with_names
from ...deploy.state import state
from ...exceptions import WxStaticStoreError
from ...i18n import ngettext
from ...models import Deployment
from ...releases.rollback import (
    MOST_BYTES,
    MOST_FILES,
    SECONDS,
    RollbackPlan,
    manifest_reminder,
    move_of,
    plan_rollback,
)
from ...releases.runners import available_runner
from ...submit.access import Act, is_offered, may
from ..base import BOTH, Page, ReadOnlyAdmin, Tool
from ..places import linkable
from .columns import ReleasePages, title_of

SOURCE = "admin_deploy"  # of rows and deployments
SHOWN = 50  # files of a list
CHANGED = gettext_lazy("Something else was deployed meanwhile. Look at it again.")


class RollbackPage(ReleasePages):
    """Mixin of the deployments."""

    def _release_tools(self, request: HttpRequest, row: Deployment) -> list[Tool]:
        """Return the buttons of a deployment's page."""
        if row.release is None:
            return []
        tools = [Tool(gettext_lazy("Compare"), self.page_url("compare", row))]
        may_deploy = self.may(request, "deploy") and is_offered(row.env, request.user)
        if may_deploy and not state(row.env, row.folder).has(row):
            tools.append(Tool(gettext_lazy("Roll back to this"), self.page_url("rollback", row)))
        return tools

    @Page("rollback", "<path:object_id>/rollback/", BOTH, needs="deploy")
    def rollback_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would be sent; a POST begins, unless another deployment came between."""
        row = self._with_release(request, object_id)
        if not is_offered(row.env, request.user):  # to a superuser, who sees it
            raise Http404
        title = _("Roll back to %(label)s") % {"label": title_of(row)}
        context: dict[str, Any] = {"title": title}
        try:
            using, move = move_of(row.env, str(row.pk), using=row.using)
            found = plan_rollback(using, move, UploadContext(SOURCE, user_id=request.user.pk))
        except WxStaticStoreError as error:
            context |= {"error": error.what, "hint": error.hint}
            return self._release_page(request, "rollback", row, context)
        context |= plan_context(found)
        if request.method == "POST" and context["may_begin"]:
            # What was planned on a page that somebody left open may not be what is live now.
            if request.POST.get("before") == newest_id(found):
                return carry_out(self, request, found, self.page_url("rollback", row))
            self.message_user(request, CHANGED, messages.WARNING)
        before = found.move.before
        context |= {
            "newest": newest_id(found),
            "that": title_of(before) if before else "",
            "compare_with": before.pk if before and before.release != row.release else None,
            "reminder": manifest_reminder(found.move, found.order),
            "stale": [file.key for file in found.stale[:SHOWN]],
            "more_stale": len(found.stale) - SHOWN,
        }
        return self._release_page(request, "rollback", row, context)


def carry_out(
    pages: ReadOnlyAdmin, request: HttpRequest, found: RollbackPlan, back: str, advice: str = ""
) -> HttpResponse:
    """Do it, by a worker or here; redirect to the page of the outcome, or if it fails to `back`."""
    to, user = found.move.target, request.user
    try:
        if runner := available_runner():
            label = "" if to.pk else to.label
            row = runner.hand_over(to.using, found.move, user_id=user.pk, label=label)
            text = _("A worker deploys it. This page shows how it goes.")
            pages.message_user(request, text, messages.SUCCESS)
            its_admin: Any = pages.admin_site.get_model_admin(type(row))
            return HttpResponseRedirect(its_admin.page_url("change", row))
        report = found.run()
    except (WxStaticStoreError, CommandError) as error:
        pages.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(back)
    level = messages.SUCCESS if report.ok else messages.ERROR
    rest = manifest_reminder(found.move, found.order) if report.ok else advice
    pages.message_user(request, ending_message(found.move.target, report, rest), level)
    new = report.report.deployment_id
    if new and (report.ok or advice) and may(user, Act.SEE_DEPLOYMENTS):
        back = pages.page_url("change", Deployment(pk=new))
    return HttpResponseRedirect(back)


def ending_message(target: Deployment, report: EnvironmentReport, rest: str) -> SafeString:
    """Return what is live, or why it is not, what else is public, and what is left to do."""
    numbers = report.report.numbers
    if report.ok:
        text = _("Release %(label)s is live: %(sent)s, %(unchanged)d unchanged.")
        if target.pk:
            text = _("Release %(label)s is live again: %(sent)s, %(unchanged)d unchanged.")
        sent = ngettext("%(count)d file sent", "%(count)d files sent", numbers["stored"])
        facts = numbers | {"label": target.shown_label or target.release, "sent": sent}
        said = [text % facts]
        if names := [file.key.removeprefix(target.folder) for file in report.stale]:
            count = ngettext("%(count)d file", "%(count)d files", len(names))
            text = _("Not in this release, but still public: %(files)s.")
            said.append(text % {"files": with_names(count, names)})
    else:
        head = {"skipped": _("Nothing was sent.")}.get(report.outcome, _("The deployment failed."))
        counts = counts_line({name: count for name, count in numbers.items() if count})
        said = [head, counts, *report.failure_lines()]
    return format_html_join(SafeString("<br>"), "{}", ([line] for line in [*said, rest] if line))


def newest_id(found: RollbackPlan) -> str:
    """Return the id of the newest deployment: it shows whether another came between."""
    return str(found.move.before.pk) if found.move.before else ""


def plan_context(found: RollbackPlan) -> dict[str, Any]:
    """Return what a page shows of a plan: the files to send, and who may send them."""
    states, by_workers = found.plan.states(found.uploader), available_runner() is not None
    sent = [(item.name, item.size) for state, item in states if state != "unchanged"]
    url = found.uploader.store.address(found.order.prefix)
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
