"""The upload page: what it sends is public for everybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from .. import policy, qr, recorders
from ..conf import platform_options, setting
from ..exceptions import NameRejected, WxStaticStoreError
from ..naming import content_type
from ..policy import PolicyRejected, Target
from ..store import get_store
from ..transfers import UploadContext, UploadResult, UploadStatus
from ..uploader import get_uploader
from .base import ReadOnlyAdmin, Tool
from .places import linkable
from .upload_form import TEXTS, TargetForm, UploadForm
from .upload_preview import Chosen, foreseen

if TYPE_CHECKING:
    from ..models import UploadLog
    from .upload_form import AnyFile

REMEMBERED = 3600  # seconds in which a second submit is told how the first one ended
MOST_FORESEEN = 1000  # files in one question; the script asks in parts

METHODS = ["GET", "HEAD", "POST"]

REFUSED, RUNNING = "refused", "running"
LABELS = {
    UploadStatus.STORED.value: ("✓", _("Public now")),
    UploadStatus.FAILED.value: ("✗", _("Failed")),
    UploadStatus.UNKNOWN.value: ("?", _("Unknown: it was sent, but no answer came")),
    REFUSED: ("✗", _("Refused")),
    RUNNING: ("…", _("This file is being uploaded; the log will tell how it ended")),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one file fared, as the page shows it and the cache remembers it."""

    name: str
    status: str = RUNNING
    url: str = ""
    size: int | None = None
    errcode: int | None = None
    message: str = ""
    errmsg: str = ""
    hint: str = ""
    row: int | None = None

    @property
    def ok(self) -> bool:
        return self.status == UploadStatus.STORED

    @property
    def icon(self) -> str:
        return LABELS[self.status][0]

    @property
    def label(self) -> str | Promise:
        return LABELS[self.status][1]

    @property
    def link(self) -> str:
        """The address, if a page may link to it."""
        return linkable(self.url)

    @property
    def is_image(self) -> bool:
        return content_type(self.name).startswith("image/")

    @property
    def qr(self) -> SafeString:
        return qr.svg(self.url) if self.url else SafeString()


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
            files = [Chosen(str(f["path"]), int(f["size"]), str(f["md5"])) for f in asked["files"]]
        except (ValueError, TypeError, KeyError):
            return _misasked("not a list of files")
        form = TargetForm(request.user, asked)
        if len(files) > MOST_FORESEEN or not form.is_valid():
            return _misasked(_incomplete(form).message or f"more than {MOST_FORESEEN} files")
        return JsonResponse({"files": list(foreseen(request.user, form, files))})

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
            "outcomes": outcomes or [],
            "stored": sum(outcome.ok for outcome in outcomes or []),
            "may_view": self._may_view(request),
            "texts": TEXTS,
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
    for name, file in form.chosen():
        memory = _Memory(request, form.submission(name, file))
        yield memory.once(name, partial(_send, request, form, name, file))


def _send(request: HttpRequest, form: UploadForm, name: str, file: AnyFile) -> Outcome:
    to: Target = form.cleaned_data["store"]
    context = UploadContext(source="admin", user_id=request.user.pk)
    size = file.size or 0
    try:
        raw: Any = file.file
        item = policy.admit(request.user, to, name, raw, size=size, overwrite=form.overwrites)
        result = get_uploader(to.using, to.env).upload(item, context)
    except WxStaticStoreError as error:
        return _failed(request, to, name, error)
    url, row = _url(to, result), _row(request, to.env, result.key)
    return Outcome(name, UploadStatus.STORED, url, result.size, row=row.pk if row else None)


def _failed(request: HttpRequest, to: Target, name: str, error: WxStaticStoreError) -> Outcome:
    refused = isinstance(error, PolicyRejected | NameRejected)
    row = None if refused or not error.key else _row(request, to.env, error.key)
    return Outcome(
        name,
        status=REFUSED if refused else getattr(error, "status", UploadStatus.FAILED.value),
        errcode=row.errcode if row and error.errcode is None else error.errcode,
        message=str(error.message),
        errmsg=error.errmsg,
        hint=str(error.hint),
        row=row.pk if row else None,
    )


def _incomplete(form: TargetForm) -> Outcome:
    """What a form that lacks something says in place of a result."""
    texts = [str(error) for errors in form.errors.values() for error in errors]
    return Outcome(str(form.data.get("path", "")), REFUSED, message=" ".join(texts))


def _url(to: Target, result: UploadResult) -> str:
    """Empty where the site's address cannot be had: the file is stored all the same."""
    with suppress(WxStaticStoreError):
        return get_store(to.using, to.env).key_url(result.key)
    return ""


def _row(request: HttpRequest, env: str, key: str) -> UploadLog | None:
    """The row that this upload left, if the log works."""
    row = (recorders.newest_rows(env, [key]) or {}).get(key)
    return row if row and row.user_id == request.user.pk else None


class _Memory:
    """How one submission ended, for whoever sends it again; without a cache nobody remembers."""

    def __init__(self, request: HttpRequest, submission: str) -> None:
        digest = sha256(f"{request.user.pk}:{submission}".encode()).hexdigest()
        self._key = f"wx_static_store:submission:{digest}"
        self._cache = caches[platform_options().token_cache]

    def once(self, name: str, send: Callable[[], Outcome]) -> Outcome:
        """What became of the first submission, which this may be."""
        if first := self._claimed(name):
            return first
        outcome = None
        try:
            outcome = send()
            return outcome
        finally:
            self._keep(outcome)

    def _claimed(self, name: str) -> Outcome | None:
        with suppress(Exception):
            if not self._cache.add(self._key, _as_json(Outcome(name)), REMEMBERED):
                return Outcome(**json.loads(self._cache.get(self._key)))
        return None

    def _keep(self, outcome: Outcome | None) -> None:
        """A refusal is not kept: it had no effect, and the next answer may differ."""
        with suppress(Exception):
            if outcome is None or outcome.status == REFUSED:
                self._cache.delete(self._key)
            else:
                self._cache.set(self._key, _as_json(outcome), REMEMBERED)


def _as_json(outcome: Outcome) -> str:
    """A cache holds texts only: an object would be unpickled."""
    return json.dumps(asdict(outcome))
