"""Answers that are a file, of the admin and at the signed address of a waiting file."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any
from wsgiref.util import FileWrapper

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.http.response import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from ..core.naming import WAITING_URL, content_type
from ..exceptions import SourceError
from ..models import WaitingFile, key_digest
from ..upload.waiting import DUE, open_row, rows

SECONDS = 3600  # that a signed address can be used
IMAGES = [f"image/{kind}" for kind in ("avif", "gif", "jpeg", "png", "webp")]  # they run nothing
SECRET = {"Cache-Control": "private, no-store"}
HARMLESS = SECRET | {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}


class _InThreads:
    """Parts for ASGI: Django would first make one list of a plain iterator."""

    def __init__(self, parts: Iterator[Any]) -> None:
        self._parts = parts
        self.close = getattr(parts, "close", lambda: None)  # Django calls it with the answer's

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (part := await sync_to_async(lambda: next(self._parts, None))()) is not None:
            yield part


def download(
    request: HttpRequest, parts: Iterator[Any], kind: str, name: str, *, as_attachment: bool = True
) -> StreamingHttpResponse:
    """Return a file of this name, whose parts are made while it is sent."""
    content = _InThreads(parts) if isinstance(request, ASGIRequest) else parts
    disposition = content_disposition_header(as_attachment, name) or "inline"
    headers = HARMLESS | {"Content-Type": kind, "Content-Disposition": disposition}
    return StreamingHttpResponse(content, headers=headers)


def waiting_bytes(request: HttpRequest, row: WaitingFile, *shown: str) -> StreamingHttpResponse:
    """Return the bytes: those of the `shown` types to look at, others to keep."""
    kind, name = content_type(row.key), row.key.rpartition("/")[2]
    is_shown, parts = kind in shown, FileWrapper(open_row(row))
    kind = kind if is_shown else "application/octet-stream"
    return download(request, parts, kind, name, as_attachment=not is_shown)


@login_not_required
@require_safe
def show_waiting(request: HttpRequest, signed: str) -> HttpResponseBase:
    """Return the waiting bytes; redirect to the public address where none wait any more."""
    try:
        env, key, url = signing.loads(signed, salt=WAITING_URL, max_age=SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    # Not of an upload that failed, nor of a file that was refused or made unpublic.
    row = rows().filter(env=env, key_digest=key_digest(key), state=DUE).first()
    with suppress(SourceError):  # it may have been sent at this moment
        if row and row.file:
            return waiting_bytes(request, row, *IMAGES)
    return HttpResponseRedirect(url, headers=SECRET)
