"""The upload page: what it sends is public for everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from ..conf import setting
from ..core.types import UploadContext, UploadStatus
from ..exceptions import WxStaticStoreError
from ..submit import policy
from ..submit.policy import Target
from ..upload import recorder
from ..upload.store import get_store
from ..upload.uploader import get_uploader
from .base import ReadOnlyAdmin, Tool
from .places import link_to
from .submissions import REFUSED, RUNNING, Memory, Outcome
from .upload_form import TargetForm, UploadForm, listed_as, texts
from .upload_preview import Chosen, preview

if TYPE_CHECKING:
    from .upload_form import AnyFile

MOST_FORESEEN = 1000  # files in one question; the script asks in parts
CLAIMED = 60  # seconds beyond what the store may take, for a submission that is under way
METHODS = ["GET", "HEAD", "POST"]
# What `json` and `int` raise, the latter of 1e400, and a list of lists of lists as well.
MISASKED = (ValueError, TypeError, KeyError, OverflowError, RecursionError)


class UploadPage(ReadOnlyAdmin):
    """Adds the page, its button, and the question that its script asks before it sends."""

    def get_urls(self) -> list[URLPattern]:
        # A failed upload keeps its row, whatever becomes of the request.
        alone = transaction.non_atomic_requests(router.db_for_write(self.model))
        site = self.admin_site
        return [
            path(
                "upload/",
                alone(site.admin_view(require_http_methods(METHODS)(self.upload_view))),
                name="wx_static_store_uploadlog_upload",
            ),
            path(
                "upload/preview/",
                site.admin_view(require_POST(self.preview_view)),
                name="wx_static_store_uploadlog_preview",
            ),
            *super().get_urls(),
        ]

    def object_tools(self, request: HttpRequest) -> list[Tool]:
        tools = super().object_tools(request)
        if not may_upload(request):
            return tools
        url = reverse("admin:wx_static_store_uploadlog_upload", current_app=self.admin_site.name)
        return [*tools, Tool(_("Upload files"), url, "addlink")]

    def upload_view(self, request: HttpRequest) -> HttpResponseBase:
        """The page; a POST sends its files, and tells how each fared."""
        require(request)
        request.current_app = self.admin_site.name
        if request.method != "POST":
            return self._page(request, UploadForm(request.user))
        form = UploadForm(request.user, request.POST, request.FILES)
        outcomes = list(_sent(request, form)) if form.is_valid() else []
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            return self._told(request, outcomes or [_incomplete(form)])
        return self._page(request, UploadForm(request.user) if outcomes else form, outcomes)

    def preview_view(self, request: HttpRequest) -> HttpResponseBase:
        """What would become of each file; nothing is sent, nobody outside is asked."""
        require(request)
        try:
            asked = json.loads(request.body)
            files = [Chosen.told(file) for file in asked["files"]]
        except MISASKED:
            return _misasked("not a list of files")
        form = TargetForm(request.user, asked)
        if len(files) > MOST_FORESEEN or not form.is_valid():
            return _misasked(_incomplete(form).message or f"more than {MOST_FORESEEN} files")
        return JsonResponse({"files": list(preview(request.user, form, files))})

    def _told(self, request: HttpRequest, outcomes: list[Outcome]) -> JsonResponse:
        html = "".join(self._rendered(request, outcome) for outcome in outcomes)
        running = any(outcome.status == RUNNING for outcome in outcomes)
        ok = all(outcome.ok for outcome in outcomes)
        return JsonResponse({"ok": ok, "running": running, "html": html})

    def _rendered(self, request: HttpRequest, outcome: Outcome) -> str:
        context = {"outcome": outcome, "opts": self.opts, "may_view": self._may_view(request)}
        template = "admin/wx_static_store/uploadlog/upload_result.html"
        return render_to_string(template, context, request)

    def _may_view(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def _page(
        self, request: HttpRequest, form: UploadForm, outcomes: list[Outcome] | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Upload files"),
            "opts": self.opts,
            "form": form,
            "outcomes": sorted(outcomes or [], key=lambda outcome: outcome.ok),
            "stored": sum(outcome.ok for outcome in outcomes or []),
            "may_view": self._may_view(request),
            "texts": texts(),
            "most_files": setting("DATA_UPLOAD_MAX_NUMBER_FILES"),
        }
        return TemplateResponse(request, "admin/wx_static_store/uploadlog/upload.html", context)


def may_upload(request: HttpRequest) -> bool:
    return request.user.has_perm("wx_static_store.upload")


def _misasked(reason: str) -> JsonResponse:
    return JsonResponse({"error": reason}, status=400)


def require(request: HttpRequest) -> None:
    if not may_upload(request):
        raise PermissionDenied


# --- what is sent ---------------------------------------------------------------------------------


def _sent(request: HttpRequest, form: UploadForm) -> Iterator[Outcome]:
    to: Target = form.cleaned_data["store"]
    for name, file in form.chosen():
        memory = Memory(request, form.submission(name, file))
        send, seconds = partial(_send, request, form, name, file), _seconds(to, file.size or 0)
        yield memory.once(listed_as(to, name), send, seconds=seconds)


def _seconds(to: Target, size: int) -> int:
    """How long the upload may take: the store is asked about the key before it is sent to."""
    with suppress(WxStaticStoreError):
        return int(CLAIMED + get_store(to.using, to.env).longest(size))
    return CLAIMED


def _send(request: HttpRequest, form: UploadForm, name: str, file: AnyFile) -> Outcome:
    to: Target = form.cleaned_data["store"]
    listed, raw, size = listed_as(to, name), cast(Any, file.file), file.size or 0
    context = UploadContext(source="admin", user_id=request.user.pk)
    try:
        item = policy.authorize_upload(
            request.user, to, name, raw, size=size, overwrite=form.overwrites
        )
    except WxStaticStoreError as error:
        result = policy.failed_before_upload(to, name, raw, error)
        if result is None:
            return _failed(listed, error, status=REFUSED, errcode=error.errcode)
        row = recorder.record_one(result, context)
    else:
        result, row = get_uploader(to.using, to.env).attempt(item, context, settle=True)
        policy.ended(to, result)
    if failure := result.error:
        return _failed(listed, failure, status=result.status.value, errcode=result.errcode, row=row)
    url, link = _addresses(to, result.key)
    return Outcome(result.key, UploadStatus.STORED, url, link, result.size, row=row)


def _failed(name: str, error: WxStaticStoreError, **facts: Any) -> Outcome:
    told: dict[str, Any] = {
        "message": str(error.message),
        "errmsg": error.errmsg,
        "hint": str(error.hint),
    }
    return Outcome(name, **told, **facts)


def _incomplete(form: TargetForm) -> Outcome:
    """What a form that lacks something says in place of a result."""
    told = [str(error) for errors in form.errors.values() for error in errors]
    return Outcome(str(form.data.get("path", "")), REFUSED, message=" ".join(told))


def _addresses(to: Target, key: str) -> tuple[str, str]:
    """The public address, and again if a page may link to it; the file is stored without them."""
    with suppress(WxStaticStoreError):
        store = get_store(to.using, to.env)
        return store.key_url(key), link_to(store, key)
    return "", ""
