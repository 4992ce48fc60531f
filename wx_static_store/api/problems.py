"""
Errors as RFC 9457 writes them: a stable `code`, a status, a text, and the id of the log's row.

The answer of WeChat and COS (`errcode`, `cos_code`, `rid` and their hints) is shown to users who
may read the log; the hints of our own policy are shown to everybody.
"""

import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from math import ceil
from typing import Any, cast

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ..causes import docs_place, explain
from ..core.frames import is_from_signal
from ..core.refusals import PolicyRejected
from ..core.types import UploadResult, UploadStatus
from ..exceptions import NameRejected, SourceError, WxStaticStoreError
from ..i18n import english
from ..log.diagnosis import NoDiagnosis
from ..submit.access import Act, may

logger = logging.getLogger("wx_static_store.api")

MEDIA_TYPE = "application/problem+json"

# Each code: its status, and its text where the error has none that everybody may read.
PROBLEMS: dict[str, tuple[int, Any]] = {
    "invalid": (400, _("Something in the request is missing or wrong; see errors.")),
    "version": (400, _("This version of the API is unknown: send 1 as X-WX-API-Version, or none.")),
    "parse_error": (400, _("The body cannot be read.")),
    "name": (400, _("This cannot be the name of a file.")),
    "folder": (400, _("Files may not be uploaded to this folder.")),
    "type": (400, _("Files of this kind are not allowed.")),
    "content": (400, _("The file does not hold what its name says.")),
    "archive": (400, _("The archive cannot be unpacked.")),
    "digest": (400, _("The body does not match Content-MD5.")),
    "not_authenticated": (401, _("Say who you are.")),
    "authentication_failed": (401, _("Who you are could not be verified.")),
    "forbidden": (403, _("You may not do this.")),
    "csrf": (403, _("Send the CSRF token of the cookie in the header X-CSRFToken.")),
    "protected": (403, _("This file is protected.")),
    "not_found": (404, _("There is nothing here that you may see.")),
    "no_diagnosis": (404, _("It is not known what WeChat received.")),
    "store": (404, _("There is no such store that you may use.")),
    "store_closed": (404, _("The store is not open for uploads.")),
    "environment": (404, _("The environment is not offered to you.")),
    "release": (404, _("There is no such release.")),
    "method_not_allowed": (405, _("This address does not allow the method.")),
    "exists": (409, _("There is a file of this name already.")),
    "gone": (409, _("The bytes of this file are no longer available.")),
    "rollout": (409, _("The state of the rollout does not allow this.")),
    "in_progress": (409, _("The first request with this Idempotency-Key is still running.")),
    "length_required": (411, _("Send a Content-Length: a body in chunks is not read.")),
    "precondition": (412, _("The file does not match If-Match or If-None-Match.")),
    "size": (413, _("The file is too large.")),
    "unsupported_media_type": (415, _("The type of the body is not accepted here.")),
    "other_body": (422, _("This Idempotency-Key was used for another request.")),
    "throttled": (429, _("You send too many requests.")),
    "configuration": (500, _("This site is not set up for uploads; its operator can help.")),
    "upstream": (502, _("The cloud refused this, or could not be reached.")),
    "busy": (503, _("This does not work at the moment; try again later.")),
    "workers": (503, _("This needs Celery workers, which cannot be reached.")),
    "unknown": (504, _("The file was sent, but the cloud did not say whether it is stored.")),
    "timeout": (504, _("The cloud did not answer in time.")),
}

# Errors that are not ours; the first entry that fits counts.
_KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (Http404, "not_found"),
    (PermissionDenied, "forbidden"),
    (RequestDataTooBig, "size"),
    (
        (MultiPartParserError, SuspiciousOperation, UnreadablePostError, RawPostDataException),
        "parse_error",
    ),
    ((DatabaseError, OSError), "busy"),  # the log's database, a full disk
)
_SHOWN = (PolicyRejected, NameRejected, SourceError, NoDiagnosis)
# The codes after which the request may be repeated, and the seconds to wait by default.
RETRY_AFTER = {"busy": 60, "throttled": 60, "in_progress": 5, "upstream": 60}

# Errors that are not ours, such as those of a project's own authentication, by their status.
_OTHERS = (
    *("parse_error", "authentication_failed", "not_found", "method_not_allowed", "size"),
    *("unsupported_media_type", "throttled"),
)
_BY_STATUS = {PROBLEMS[code][0]: code for code in _OTHERS}
_CSRF = "CSRF Failed"  # the framework begins so, in any language
_OF_READERS = ("type", "cause", "errcode", "cos_code", "hint", "rid")
_HARMLESS = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")  # a request id that may stand in a log


class Conflict(APIException):
    """A problem by its code, with the text of `error` if there is one."""

    def __init__(self, code: str, error: Any = None) -> None:
        self.default_code = code
        self.status_code, text = PROBLEMS[code]
        self.hint = getattr(error, "full_hint", "")
        super().__init__(str(getattr(error, "what", error)) if error else text)


@contextmanager
def answer_as(code: str, *kinds: type[Exception]) -> Iterator[None]:
    """Answer errors of these kinds in their own words: as `code`, or as an unknown release."""
    try:
        yield
    except kinds as error:
        is_unknown = isinstance(error, WxStaticStoreError) and _code(error) == "release"
        raise Conflict("release" if is_unknown else code, error) from error


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of our views, whatever the project's own handler does."""
    if is_from_signal(error):
        return None
    if isinstance(error, APIException):
        response = _of_framework(error)
    elif code := _code(error):
        response = _of_error(error, code, context["request"])
    else:
        error.add_note(f"request {request_id(context['request'])}")  # for Django's own log
        return None
    id = response.data["request_id"] = request_id(context["request"])
    if response.status_code >= 500 and not isinstance(error, Conflict):
        log(error, id)
    return response


def request_id(request: Request) -> str:
    """Return the X-Request-ID that the request came with, if it is harmless, else a new one."""
    http = cast(Any, request)._request
    if not hasattr(http, "_wx_request_id"):
        given = request.headers.get("X-Request-ID", "")
        http._wx_request_id = given if _HARMLESS.fullmatch(given) else uuid.uuid4().hex
    return str(http._wx_request_id)


def log(error: BaseException, id: str) -> None:
    """Log one of our errors for the operator, with its errcode and rid."""
    reason = english(error).splitlines() or [""]  # the rest may hold values of rows
    logger.error("%s: %s (request %s)", type(error).__name__, reason[0], id)


def of_upload(result: UploadResult, request: Request, upload_id: int | None) -> Response:
    """Return the problem of an upload that failed or whose outcome is unknown."""
    error = result.error
    assert error is not None  # noqa: S101 -- only failures come here
    unknown = result.status is UploadStatus.UNKNOWN
    response = _of_error(error, "unknown" if unknown else _code(error), request, upload_id)
    response.data["request_id"] = request_id(request)
    return response


def _code(error: Exception) -> str:
    if isinstance(error, PolicyRejected):
        return error.code
    if isinstance(error, NoDiagnosis):
        return "no_diagnosis"
    if isinstance(error, WxStaticStoreError):
        return error.entry.problem
    return next((code for kinds, code in _KINDS if isinstance(error, kinds)), "")


def _of_error(
    error: Exception, code: str, request: Request, upload_id: int | None = None
) -> Response:
    if not isinstance(error, WxStaticStoreError):
        return _problem(code)
    shown, reads = isinstance(error, _SHOWN), _reads_the_log(request)
    members: dict[str, Any] = {"upload_id": upload_id, "stage": error.stage}
    if reads:
        members |= {name: getattr(error, name) for name in ("cause", "errcode", "cos_code", "rid")}
    if reads or shown:
        members["hint"] = error.full_hint
    members["advice"] = str(error.advice("unknown" if code == "unknown" else "failed"))
    lasting = code == "busy" and not error.remedy.passes  # "try again later" would be too soon
    detail = error.message if shown else members["advice"] if lasting else ""
    # A quota of the day, say, does not pass in a minute.
    wait = ceil(error.pause) if error.remedy.passes or isinstance(error, PolicyRejected) else None
    return _problem(code, detail, members, wait=wait)


def as_shown_to(request: Request, problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored problem, without what this caller may not read."""
    reads = _reads_the_log(request)
    shown = {name: value for name, value in problem.items() if reads or name not in _OF_READERS}
    return _typed(shown)


def _reads_the_log(request: Request) -> bool:
    """Return whether the caller may read the log; False before authentication."""
    user = getattr(request, "_user", None)  # `user` would authenticate again, and fail again
    with suppress(DatabaseError):  # the permissions cannot be read: answer without the details
        return bool(user and may(user, Act.SEE_LOG))
    return False


def _of_framework(error: APIException) -> Response:
    code = _code_of_framework(error)
    said: Any = error.detail
    detail = said.get("detail") if isinstance(said, Mapping) else said
    members = {name: getattr(error, name, None) for name in ("upload_id", "hint")}
    if isinstance(error, ValidationError):
        members, detail = {"errors": said}, ""
    wait = ceil(getattr(error, "wait", None) or 0)
    response = _problem(code, detail if isinstance(detail, str) else "", members, wait=wait)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def _code_of_framework(error: APIException) -> str:
    code, status = str(error.default_code), error.status_code
    if str(error.detail).startswith(_CSRF):
        return "csrf"
    if PROBLEMS.get(code, (0, ""))[0] == status:
        return code
    return _BY_STATUS.get(status, "forbidden" if status < 500 else "busy")


def _problem(
    code: str, detail: Any = "", members: Mapping[str, Any] | None = None, *, wait: int | None = 0
) -> Response:
    """Return a problem without empty members; 0 to `wait` is the code's default, None no header."""
    status, text = PROBLEMS[code]
    headers = {"X-WX-Code": code}
    if wait is not None and code in RETRY_AFTER:
        headers["Retry-After"] = str(wait or RETRY_AFTER[code])
    body = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": str(detail or text),
        **{name: value for name, value in (members or {}).items() if value not in (None, "")},
    }
    return Response(_typed(body), status, headers=headers, content_type=MEDIA_TYPE)


def _typed(problem: dict[str, Any]) -> dict[str, Any]:
    """Begin with the page that says more: of the cause or the code; none without DOCS_URL."""
    if not (base := explain.docs_url()):
        return problem
    # Of a refusal, the code says more than the cause.
    cause = problem.get("cause", "").removesuffix("PolicyRejected")
    code = problem["code"].replace("_", "-")
    page = docs_place(cause) or f"{base}reference/rest-api.html#problem-{code}"
    return {"type": page, **problem}
