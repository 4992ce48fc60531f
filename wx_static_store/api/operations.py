"""The operations as data: the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from . import parameters, serializers

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}

CONDITIONS = {
    "If-Match": _("The ETag of the file that is to be replaced; else the answer is 412."),
    "If-None-Match": _("With * nothing is replaced: the answer is 412 where a file is."),
    "Content-MD5": _("Of the body, in base64; of other bytes the answer is 400."),
    "Content-Digest": _("Of the body, as RFC 9530 writes it; of other bytes the answer is 400."),
}
_EVERYBODY = ("not_authenticated", "authentication_failed", "forbidden", "throttled")
_SENDER = (*_EVERYBODY, "csrf")
_READ = (*_EVERYBODY, "invalid", "configuration", "busy")
_CLOUD = ("configuration", "upstream", "busy", "timeout")
_ONCE = ("invalid", "in_progress", "other_body", "unknown")
_FILE = (
    *("parse_error", "length_required", "size", "unsupported_media_type", "store"),
    *("name", "folder", "protected", "type", "content", "exists", "digest", "precondition"),
)
_AGAIN = (
    *("not_found", "gone", "store", "exists"),
    *("parse_error", "size", "unsupported_media_type"),
)

_UPLOADED = {
    "id": 7,
    "store": "default",
    "env": "demo-1a2b3c4d5e6f7g8h",
    "name": "uploads/tea.png",
    "key": "media/uploads/tea.png",
    "url": "https://demo.example.com/media/uploads/tea.png",
    "size": 1024,
    "md5": "9e107d9d372bb6826bd81d3542a419d6",
    "content_type": "image/png",
    "status": "stored",
    "errcode": 0,
}
_FOUND = {name: _UPLOADED[name] for name in ("name", "key", "url", "size", "md5")}
_STORE = {
    "store": "default",
    "env": "demo-1a2b3c4d5e6f7g8h",
    "label": "default: demo",
    "replace": True,
    "active_content": False,
    "protected_names": False,
    "max_size": 314572800,
    "facts": [
        {
            "name": "list_md5",
            "value": "plain",
            "text": "The list names the MD5 of a file.",
            "hint": "",
            "learned": "2026-01-31T12:00:00Z",
        }
    ],
}
_RECEIVED = {
    "time": "2026-01-31T12:00:00Z",
    "cost_ms": 30,
    "client_ip": "192.0.2.10",
    "request_url": "/componenttcb/staticuploadfile?access_token=***",
    "request_body": '{"env": "demo-1a2b3c4d5e6f7g8h", "filename": "media/uploads/tea.png"}',
    "response_body": '{"errcode": 45009, "errmsg": "reach max api daily quota limit"}',
}
_HEALTH = {
    "status": "wrong",
    "verdict": "1 thing is wrong: token.accepted",
    "examined": "2026-01-31T12:00:00Z",
    "checks": [
        {
            "id": "token.accepted",
            "question": "Does WeChat accept the token?",
            "status": "wrong",
            "seconds": 0.12,
            "findings": [
                {
                    "status": "wrong",
                    "text": "ACCESS_TOKEN is spent (errcode 42001)",
                    "hint": "Set a new one.",
                    "docs": "https://docs.example/troubleshooting/errcodes.html#errcode-42001",
                    "data": {"errcode": 42001},
                }
            ],
        }
    ],
}
# What the document says of a field of the form beside its type: bytes, and values to begin with.
FORM_FIELDS = {
    "file": BINARY,
    "store": {"example": "default"},
    "path": {"example": "uploads/"},
}
PROBLEM = {
    "title": "Conflict",
    "status": 409,
    "code": "exists",
    "detail": "There is a file media/uploads/tea.png already.",
}


class Operation(NamedTuple):
    """One method of one view; `codes` are those of `PROBLEMS` that it may answer with."""

    id: str
    summary: Any
    codes: tuple[str, ...]
    answer: Any
    status: int = 200
    example: Any = None
    description: Any = ""
    query: Any = None
    request: Any = None
    once: bool = False
    conditional: bool = False
    also: int = 0  # another status with this answer


# By the name of the view and the method.
OPERATIONS = {
    ("Uploads", "GET"): Operation(
        "wx_uploads_list",
        _("The log of uploads"),
        (*_READ, "not_found"),
        serializers.RowsSerializer,
        query=parameters.LogQuery,
    ),
    ("Uploads", "POST"): Operation(
        "wx_uploads_create",
        _("Upload a file by a form"),
        (*_SENDER, *_FILE, *_CLOUD, *_ONCE),
        serializers.UploadedSerializer,
        201,
        _UPLOADED,
        _("What is uploaded is public for everybody. It is sent to the cloud before this answers."),
        request={"multipart/form-data": parameters.Form},
        once=True,
        conditional=True,
    ),
    ("RawUpload", "PUT"): Operation(
        "wx_uploads_put",
        _("Upload a file by its bytes"),
        (*_SENDER, *_FILE, *_CLOUD, *_ONCE),
        serializers.UploadedSerializer,
        201,
        _UPLOADED,
        _("The name is below the store's location, its slashes included."),
        query=parameters.Place,
        request={"application/octet-stream": BINARY},
        once=True,
        conditional=True,
    ),
    ("RawUpload", "GET"): Operation(
        "wx_uploads_find",
        _("What is in the cloud by this name"),
        (*_EVERYBODY, "invalid", "not_found", "store", "name", *_CLOUD),
        serializers.FileSerializer,
        example={**_FOUND, "last_modified": "2026-01-31T12:00:00Z"},
        query=parameters.At,
        description=_("HEAD answers in headers: Wx-Size, ETag (the MD5), Last-Modified, Link."),
    ),
    ("Upload", "GET"): Operation(
        "wx_uploads_retrieve",
        _("One upload of the log"),
        (*_READ, "not_found"),
        serializers.RowSerializer,
    ),
    ("Retry", "POST"): Operation(
        "wx_uploads_retry",
        _("Upload the same bytes again"),
        (*_SENDER, *_AGAIN, *_CLOUD, *_ONCE),
        serializers.UploadedSerializer,
        201,
        _UPLOADED,
        _("Of files that are still to be had: on this server, or on the public site."),
        once=True,
    ),
    ("Diagnosis", "GET"): Operation(
        "wx_uploads_diagnose",
        _("What WeChat received with a call that it refused"),
        (*_EVERYBODY, "invalid", "not_found", "no_diagnosis", *_CLOUD),
        serializers.DiagnosisSerializer,
        example=_RECEIVED,
        description=_(
            "WeChat keeps a refused call for seven days. It is asked at most once: the answer is "
            "kept for a day, without secrets."
        ),
    ),
    ("StoreList", "GET"): Operation(
        "wx_stores_list",
        _("Where one may upload, and what"),
        _READ,
        serializers.StoresSerializer,
        example={
            "folder": "uploads/",
            "max_size": 314572800,
            "extensions": ["png", "pdf"],
            "results": [_STORE],
        },
    ),
    ("FileList", "GET"): Operation(
        "wx_files_list",
        _("What is in the cloud"),
        (*_EVERYBODY, "invalid", "not_found", "store", *_CLOUD),
        serializers.FilesSerializer,
        example={
            "next": None,
            "results": [{**_FOUND, "last_modified": "2026-01-31T12:00:00Z"}],
        },
        query=parameters.FilesQuery,
    ),
    ("Health", "GET"): Operation(
        "wx_health_retrieve",
        _("What is wrong, and what to do about it"),
        _READ,
        serializers.HealthSerializer,
        example=_HEALTH,
        description=_(
            "For monitors: 503 where something is wrong. A warning is no fault. The checks are "
            "those of wx_doctor without --probe. Results that are younger than ten seconds are "
            "answered again."
        ),
        also=503,
    ),
}
