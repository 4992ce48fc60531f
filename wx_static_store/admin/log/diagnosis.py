"""Show what WeChat received with a refused upload, and the button that asks WeChat."""

from collections.abc import Callable
from copy import copy
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from ...clients.platform import RefusedCall
from ...log.diagnosis import Diagnosis, NoDiagnosis, diagnose, known_diagnosis, text_of
from ...models import UploadLog
from ...submit.access import is_offered
from ..base import POST, Page, ReadOnlyAdmin
from ..columns import NOTHING, day_and_time, duration

_CALL = pgettext_lazy("of the open platform", "call")


class DiagnosisPage(ReadOnlyAdmin):
    """Mixin of the log of uploads."""

    @Page("diagnosis", "<path:object_id>/diagnosis/", POST, needs="diagnose")
    def diagnosis_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask WeChat, and show the page of the upload with the answer."""
        row = self.row_of(request, object_id)
        shown = copy(request)
        shown.method = "GET"  # nothing is saved
        if is_offered(row.env, request.user):
            shown.wx_diagnosis = diagnose(row)  # type: ignore[attr-defined]
        return self.change_view(shown, object_id)

    def _diagnosis_fieldsets(self, request: HttpRequest, row: UploadLog | None) -> list[Any]:
        """Return the fields that the page of a refused upload shows to users who may ask."""
        is_refused = row and row.rid and row.status != UploadLog.Status.STORED
        if not (row and is_refused and self.may(request, "diagnose")):
            return []
        found = getattr(request, "wx_diagnosis", None) or known_diagnosis(row)
        url = self.page_url("diagnosis", row)
        return [(_("What WeChat received"), {"fields": _call_fields(found, url)})]


def _call_fields(call: Diagnosis | None, url: str) -> list[Any]:
    """Return the fields of a refused call; without a call the reason, and the button."""
    if not isinstance(call, RefusedCall):
        reason, may_ask = call.sentence if call else "", not isinstance(call, NoDiagnosis)
        context = {"reason": reason, "may_ask": may_ask, "url": url}
        ask = render_to_string("admin/wx_static_store/uploadlog/ask.html", context)
        return [_field("call", _CALL, ask)]
    when = day_and_time(call.time) if call.time else NOTHING
    received = format_html('<span id="wx-received">{}</span>', when)
    path = format_html("<code>{}</code>", call.request_url or NOTHING)
    return [
        _field("received", pgettext_lazy("of an upload", "time"), received),
        _field("took", _("duration"), duration(call.cost_ms)),
        _field("client_ip", _("client address"), call.client_ip or NOTHING),
        _field("request_url", _CALL, path),
        _field("request_body", _("request"), _body(call.request_body)),
        _field("response_body", _("answer"), _body(call.response_body)),
    ]


def _field(name: str, label: Any, text: str) -> Callable[[UploadLog], str]:
    def field(row: UploadLog) -> str:
        return text

    field.__name__ = name  # the page makes a CSS class of it
    return admin.display(field, description=label)


def _body(body: str | int) -> SafeString:
    """Return JSON as it is, in a box that scrolls."""
    text = text_of(body)
    if isinstance(body, int):
        return format_html("{}", text)
    # With the tabindex the keyboard can scroll it, too.
    return format_html('<pre class="wx-body" tabindex="0">{}</pre>', text)
