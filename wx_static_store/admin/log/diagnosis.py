"""Show what WeChat received with a refused upload, and the button that asks WeChat."""

from __future__ import annotations

from copy import copy
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from ...clients.platform import RefusedCall
from ...log.diagnosis import Diagnosis, diagnose, known_diagnosis, text_of
from ...models import UploadLog
from ..base import POST, Page, ReadOnlyAdmin, page
from ..columns import NOTHING, duration

_CALL = pgettext_lazy("of the open platform", "call")


class DiagnosisPage(ReadOnlyAdmin):
    """Mixin of the log of uploads."""

    @page(Page("diagnosis", "<path:object_id>/diagnosis/", POST, needs="diagnose"))
    def diagnosis_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask WeChat, and show the page of the upload with the answer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = copy(request)
        shown.method = "GET"  # nothing is saved
        if row := self.get_object(shown, unquote(object_id)):
            shown.wx_diagnosis = diagnose(row)  # type: ignore[attr-defined]
        return self.change_view(shown, object_id)

    def diagnosis_fieldsets(self, request: HttpRequest, row: UploadLog | None) -> list[Any]:
        """Return the fields that the page of a refused upload shows to users who may ask."""
        is_refused = row and row.rid and row.status != UploadLog.Status.STORED
        if not (row and is_refused and self.may(request, "diagnose")):
            return []
        found = getattr(request, "wx_diagnosis", None) or known_diagnosis(row)
        url = self.page_url("diagnosis", row)
        return [(_("What WeChat received"), {"fields": CallColumns(found, url).fields})]


class CallColumns:
    """The fields of a refused call; without a call the reason, and the button."""

    def __init__(self, found: Diagnosis | None, url: str) -> None:
        self._found, self._url = found, url
        self._call = cast(RefusedCall, found and found.call)  # else not shown

    @property
    def fields(self) -> tuple[Any, ...]:
        if self._found is None or self._found.reason:
            return (self.call,)
        first = self.received, self.took, self.client_ip, self.request_url
        return (*first, self.request_body, self.response_body)

    @admin.display(description=_CALL)
    def call(self, row: UploadLog) -> SafeString:
        reason = self._found and self._found.reason
        context = {
            "reason": reason.sentence if reason else "",
            "may_ask": not (self._found and self._found.is_final),
            "url": self._url,
        }
        return render_to_string("admin/wx_static_store/uploadlog/ask.html", context)

    @admin.display(description=pgettext_lazy("of an upload", "time"))
    def received(self, row: UploadLog) -> SafeString:
        moment = self._call.time
        text = date_format(timezone.localtime(moment), "Y-m-d H:i:s O") if moment else NOTHING
        return format_html('<span id="wx-received">{}</span>', text)

    @admin.display(description=_("duration"))
    def took(self, row: UploadLog) -> str:
        return duration(self._call.cost_ms)

    @admin.display(description=_("client address"))
    def client_ip(self, row: UploadLog) -> str:
        return self._call.client_ip or NOTHING

    @admin.display(description=_CALL)
    def request_url(self, row: UploadLog) -> SafeString:
        return format_html("<code>{}</code>", self._call.request_url or NOTHING)

    @admin.display(description=_("request"))
    def request_body(self, row: UploadLog) -> SafeString:
        return _body(self._call.request_body)

    @admin.display(description=_("answer"))
    def response_body(self, row: UploadLog) -> SafeString:
        return _body(self._call.response_body)


def _body(body: str | int) -> SafeString:
    """Return JSON as it is, in a box that scrolls."""
    text = text_of(body)
    if isinstance(body, int):
        return format_html("{}", text)
    # With the tabindex the keyboard can scroll it, too.
    return format_html('<pre class="wx-body" tabindex="0">{}</pre>', text)
