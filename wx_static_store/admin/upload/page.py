"""The upload page: every file that it sends is public."""

import json
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from ...conf.settings import setting
from ...core.refusals import EXISTS, IN_PROGRESS, PolicyRejected
from ...core.types import UploadContext, UploadStatus
from ...exceptions import WxStaticStoreError
from ...i18n import sentences
from ...submit.policy import Target, questions
from ...submit.progress import is_noted, note_of, sent_of, sizes
from ...submit.send import send
from ...submit.submission import Unanswered
from ...upload.claims import Claim
from ...upload.sources import digest as md5_of
from ..base import BOTH, POST, Page, ReadOnlyAdmin
from .form import TEXTS, AnyFile, TargetForm, UploadForm, display_name
from .names import candidates
from .outcome import (
    ASK,
    MOST_ASKED,
    REFUSED,
    RUNNING,
    FileOutcome,
    failure,
    look_up_killed,
    outcome_of,
    parse_attempts,
    states,
)
from .preview import Chosen, preview

MOST_PREVIEWED = 1000  # files in one request of the script, which sends several
# `json` and `int` raise these: int(1e400), say, or a list that is nested thousands of times.
BAD_REQUEST_ERRORS = ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError

# Status and text where the first submission has no answer.
_UNANSWERED = {
    "in_progress": (RUNNING, ""),
    "other_body": (REFUSED, _("This upload number belongs to another file. Reload the page.")),
    "busy": (
        UploadStatus.FAILED,
        _(
            "Nothing was sent: the database of the upload log cannot be written to, and without it "
            "the file might be sent twice. Try again in a minute."
        ),
    ),
}


class UploadPage(ReadOnlyAdmin):
    """The page, its button, and the preview that its script asks for before it sends."""

    @Page("upload", "upload/", BOTH, "upload", _("Upload files"), "addlink")
    def upload_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the page; a POST sends its files, and shows how each upload ended."""
        outcomes, asked = list[FileOutcome](), request.GET
        if request.method == "POST":
            form = UploadForm(request.user, request.POST, request.FILES)
            chosen = form.chosen_files() if form.is_valid() else []
            outcomes += (_submit(form, *each) for each in chosen)
            if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
                return JsonResponse(self._rendered(request, outcomes or [_incomplete(form)]))
            asked = request.POST
        if request.method != "POST" or outcomes:  # a form for (more) files to that folder
            form = UploadForm(request.user)
            form.preset(asked)
        context = {
            **form_context(form),
            "title": _("Upload files"),
            "outcomes": sorted(outcomes, key=lambda outcome: outcome.ok),
            "asks": any(outcome.status == ASK for outcome in outcomes),
            "stored": sum(outcome.status == UploadStatus.STORED for outcome in outcomes),
        }
        return self.page_response(request, "upload", context)

    @Page("preview", "upload/preview/", POST, needs="upload")
    def preview_view(self, request: HttpRequest) -> HttpResponseBase:
        """Return what would happen to each file, without a call to the cloud."""
        try:
            asked = json.loads(request.body)
            files = [Chosen.parsed(file) for file in asked["files"]]
        except BAD_REQUEST_ERRORS:
            return _bad_request("not a list of files")
        form = TargetForm(request.user, asked)
        if len(files) > MOST_PREVIEWED or not form.is_valid():
            return _bad_request(_incomplete(form).message or f"more than {MOST_PREVIEWED} files")
        return JsonResponse(preview(form, files))

    @Page("status", "upload/status/", POST, needs="upload")
    def status_view(self, request: HttpRequest) -> HttpResponse:
        """Return the state of attempts of this user's page, and cancel those that it names."""
        try:
            attempts = parse_attempts(request.user, json.loads(request.body))
        except BAD_REQUEST_ERRORS:
            return _bad_request("not a list of attempts")
        if len(attempts) > MOST_ASKED:
            return _bad_request(f"more than {MOST_ASKED} attempts")
        found = states(request.user, attempts)
        for state in found:
            if outcome := state.pop("outcome", None):
                state |= self._rendered(request, [outcome])
        return JsonResponse({"attempts": found})

    # Without a permission: only the page that made the random ids knows them.
    @Page("sent", "upload/sent/", needs="")
    def sent_view(self, request: HttpRequest) -> HttpResponse:
        """Return how many bytes of a form's files were sent."""
        try:
            ids = [UUID(each) for each in request.GET.getlist("id")]
        except ValueError:
            return _bad_request("not a list of ids")
        if len(ids) > MOST_ASKED:
            return _bad_request(f"more than {MOST_ASKED} ids")
        return JsonResponse({"sent": sent_of(*map(str, ids))})

    def _rendered(self, request: HttpRequest, outcomes: list[FileOutcome]) -> dict[str, Any]:
        template = "admin/wx_static_store/uploadlog/upload_result.html"
        context = {"opts": self.opts, "may_view": self.has_view_permission(request)}
        html = "".join(
            render_to_string(template, {**context, "outcome": outcome}, request)
            for outcome in outcomes
        )
        running = any(outcome.status == RUNNING for outcome in outcomes)
        ok = all(outcome.ok for outcome in outcomes)
        return {"ok": ok, "running": running, "html": html}


def form_context(form: UploadForm) -> dict[str, Any]:
    """Return the context of a page with the form and its scripts."""
    return {
        "form": form,
        "texts": TEXTS | {"sizes": sizes()},
        "both_legs": is_noted(),
        "most_files": setting("DATA_UPLOAD_MAX_NUMBER_FILES"),
    }


def _bad_request(reason: str) -> JsonResponse:
    return JsonResponse({"error": reason}, status=400)


# --- what is sent ---------------------------------------------------------------------------------


def _submit(form: UploadForm, name: str, file: AnyFile) -> FileOutcome:
    """Return how the upload ended, or how the first submission of the same file ended."""
    to: Target = form.cleaned_data["store"]
    raw: Any = file.file
    listed, size = display_name(to, name), file.size or 0
    submission = form.submission(name, file)
    try:
        if not form.cleaned_data["confirmed"] and (
            asked := questions(form.user, to, name, raw, size=size)
        ):
            return FileOutcome(listed, ASK, size=size, message=sentences(asked))
        if first := submission.first_answer():
            return FileOutcome(**first)
        return submission.send(partial(_send, form, name, file, submission.digest), asdict)
    except Unanswered as error:
        if error.code == "unknown":
            return look_up_killed(form.user, [(submission, listed)])[0]
        status, message = _UNANSWERED[error.code]
        return FileOutcome(listed, status, message=str(message))
    except WxStaticStoreError as error:
        return failure(listed, error, status=REFUSED, errcode=error.errcode)


def _send(form: UploadForm, name: str, file: AnyFile, digest: str) -> FileOutcome:
    to: Target = form.cleaned_data["store"]
    raw: Any = file.file

    def send_as(name: str) -> FileOutcome:
        ended = send(
            form.user,
            to,
            name,
            raw,
            UploadContext(source="admin", user_id=form.user.pk),
            size=file.size or 0,
            overwrite=form.cleaned_data["clash"] == "replace",
            sent=note_of(digest),
            claim=Claim(digest),
        )
        return outcome_of(to, name, *ended)

    if form.cleaned_data["clash"] != "keep":
        return send_as(name)
    folder, beside = form.cleaned_data["folder"], form.cleaned_data["beside"]
    wish = folder + beside if beside and len(form.cleaned_data["file"]) == 1 else ""
    for other, is_same in candidates(to, name, md5_of(raw), wish):
        try:
            return send_as(other)
        except PolicyRejected as error:
            # The same bytes are already being sent there: another name would publish them twice.
            if error.code != EXISTS.code and (is_same or error.code != IN_PROGRESS.code):
                raise
    raise EXISTS.broken(key=display_name(to, name))


def _incomplete(form: TargetForm) -> FileOutcome:
    """Return the errors of an incomplete form as the outcome of a file."""
    errors = [str(error) for errors in form.errors.values() for error in errors]
    return FileOutcome(str(form.data.get("path", "")), REFUSED, message=sentences(errors))
