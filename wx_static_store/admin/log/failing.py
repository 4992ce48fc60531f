"""The page *Still failing*: uploads that nobody repaired yet, by their cause."""

import re

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext_lazy as _, ngettext

from ...log.failing import causes, dismiss
from ...log.retry import sendable_first
from ...models import UploadLogQuerySet, WaitingFile
from ...submit.access import offered, visible
from ..base import BOTH, LIMIT, Page
from ..causes import SHOWN, cards, retry_label
from ..columns import WaitingColumns, lines
from .steps import LogActions

_ID = "[0-9]{1,18}"
_NOT_DISMISSED = _(
    "Nothing was dismissed: the database of the upload log cannot be written to. Try again in a "
    "minute."
)


class FailingPage(LogActions):
    """Mixin of the log of uploads: the page, its button, and what its buttons do."""

    @Page("failing", "failing/", BOTH, needs="", button=_("Still failing"))
    def failing_view(self, request: HttpRequest) -> HttpResponse:
        """Show the uploads that still fail; a POST dismisses them, or sends them again in steps."""
        may_retry = self.has_retry_permission(request)
        if not (may_retry or (self.has_view_permission(request) and request.method != "POST")):
            raise PermissionDenied
        rows = self.get_queryset(request).primary()
        waiting = visible(WaitingFile.objects.filter(state="parked"), request.user).order_by("-id")
        same_key = {name: OuterRef(name) for name in ("env", "key_digest")}
        failing = rows.still_failing().exclude(Exists(waiting.filter(**same_key)))
        if request.method == "POST":
            answer = self._act(request, offered(failing, request.user).order_by("-id"))
            return answer or HttpResponseRedirect(self.page_url("failing"))
        found = causes(failing.order_by())
        parked = lines(waiting[: SHOWN + 1], WaitingColumns(request), "store", "time")
        context = {
            "title": _("Still failing"),
            "back": self.page_url("changelist"),
            "may_retry": may_retry,
            "causes": (shown := cards(request, found, rows, look=may_retry)),
            "retry_all": retry_label(shown, _("Upload all of them again")) if may_retry else "",
            "count": sum(len(cause.rows) for cause in found),
            "newest": max((cause.rows[0] for cause in found), default=0),
            "older": rows.older_failures(),
            "parked": parked[:SHOWN],
            "more_parked": len(parked) > SHOWN,
            "limit": LIMIT,
        }
        return self.page_response(request, "failing", context)

    def _act(self, request: HttpRequest, rows: UploadLogQuerySet) -> HttpResponse | None:
        verb, chosen = _read_button(request.POST, rows)
        # Where no bytes can be found, the steps show why for each file.
        if verb == "retry" and (some := sendable_first(chosen.iterator(100), LIMIT)):
            return self.show_steps(request, "upload_again", some)
        some = list(chosen) if verb == "dismiss" else []
        text = ngettext(
            "%(count)d file is dismissed. It stays in the log.",
            "%(count)d files are dismissed. They stay in the log.",
            len(some),
        )
        if not some:
            self.message_user(request, _("None of these files still fails."), messages.INFO)
        elif dismiss(some, request.user):
            self.message_user(request, text % {"count": len(some)}, messages.SUCCESS)
        else:
            self.message_user(request, _NOT_DISMISSED, messages.ERROR)
        return None


def _read_button(posted: QueryDict, rows: UploadLogQuerySet) -> tuple[str, UploadLogQuerySet]:
    """Return what the pressed button does, and its rows."""
    for verb in ("retry", "dismiss"):
        if one := re.fullmatch(_ID, posted.get(verb, "")):
            return verb, rows.filter(pk=int(one[0]))
        # A cause, or none for all, and the newest id that the page showed: the user has not seen
        # what failed since.
        if many := re.fullmatch(f"(.*) ({_ID})", posted.get(f"{verb}_all", "")):
            shown = rows.filter(pk__lte=int(many[2]))
            return verb, shown.of_cause(many[1]) if many[1] else shown
    return "", rows.none()
