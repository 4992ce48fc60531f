"""Answers that are a file, of the admin and of the address of a waiting file."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from wsgiref.util import FileWrapper

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from ..core.naming import content_type
from ..models import WaitingFile
from ..upload.waiting import open_row

OTHERS = "application/octet-stream"
# They run nothing on the project's own origin.
IMAGES = {f"image/{kind}" for kind in ("avif", "gif", "jpeg", "png", "webp")}
SAFE = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
}


def download(
    request: HttpRequest, parts: Iterator[Any], kind: str, name: str, *, as_attachment: bool = True
) -> StreamingHttpResponse:
    """Return a file of this name, whose parts are made while it is sent."""

    async def parts_by_threads() -> AsyncIterator[Any]:
        while (part := await sync_to_async(lambda: next(parts, None))()) is not None:
            yield part

    # Behind ASGI, Django would first make one list of a plain iterator.
    asynchronous = isinstance(request, ASGIRequest)
    content = parts_by_threads() if asynchronous else parts
    answer = StreamingHttpResponse(content, content_type=kind)
    disposition = content_disposition_header(as_attachment, name)
    answer.headers["Content-Disposition"] = disposition or "inline"
    return answer


def waiting_bytes(
    request: HttpRequest, row: WaitingFile, *, inline_images: bool = False
) -> StreamingHttpResponse:
    """Return the bytes for a browser that runs none of them; it may show images."""
    kind, name = content_type(row.key), row.key.rpartition("/")[2]
    is_shown = inline_images and kind in IMAGES
    parts = FileWrapper(open_row(row))
    answer = download(
        request, parts, kind if is_shown else OTHERS, name, as_attachment=not is_shown
    )
    for header, value in SAFE.items():
        answer.headers[header] = value
    return answer
