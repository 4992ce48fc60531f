"""The answer to an upload: how it ended, and where its row in the log is."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

from rest_framework.request import Request
from rest_framework.response import Response

from ..core.naming import clean_name
from ..core.types import UploadContext, UploadItem, UploadResult
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import gettext_lazy as _
from ..submit.policy import Target
from ..upload.recorder import record_one
from ..upload.store import get_store
from ..upload.uploader import get_uploader
from . import problems, serializers
from .addresses import link

_EARLY = _("The client's body ended before its Content-Length")
_SEND_AGAIN = _("Send the file again.")


def record_early_end(request: Request, to: Target, name: str) -> int | None:
    """Record a file whose body ended before a link was asked for; return the id of its row."""
    error = SourceError(_EARLY, stage="source", hint=_SEND_AGAIN)
    item = UploadItem(clean_name(name), open=BytesIO)
    return record_one(get_uploader(to.using, to.env).failed(item, error), context_of(request))


def context_of(request: Request) -> UploadContext:
    """Return the context of an upload: the user, and the id of the request."""
    ref = f"request {problems.request_id(request)}"
    return UploadContext("api", user_id=request.user.pk, source_ref=ref)


def upload_response(
    request: Request, using: str, result: UploadResult, row: int | None
) -> Response:
    """Return the response to an upload, with the id of its row."""
    headers = {"X-WX-Status": result.status.value}
    if row is not None:
        headers["X-WX-Upload-Id"] = str(row)
    if address := link(request, "upload", row):
        headers["Location"] = address
    if result.error:
        response = problems.of_upload(result, request, row)
        for name, value in headers.items():
            response[name] = value
        return response
    facts = {"id": row, "store": using, "url": None}
    with suppress(WxStaticStoreError):  # the file is stored, even if its address is unknown
        facts["url"] = get_store(using, result.env).key_url(result.key)
    names = ("env", "name", "key", "size", "md5", "status", "errcode")
    facts |= {name: getattr(result, name) for name in names}
    facts["content_type"] = result.headers.content_type
    return Response(serializers.UploadedSerializer(facts).data, 201, headers=headers)
