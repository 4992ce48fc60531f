"""Read the body of a request: no more than is allowed, no less than was declared."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest, QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser, JSONParser, MultiPartParser
from rest_framework.request import Request

from ..conf import platform_options
from ..core.refusals import SIZE
from ..submit.rules import measure
from ..upload.sources import BLOCK, IN_MEMORY
from .parameters import Input, validate
from .problems import Conflict

ENVELOPE = 1024 * 1024  # bytes of a form beside its file, or of JSON

_FORMS = ("multipart/", "application/x-www-form-urlencoded")
_PARTIAL = _("Send the whole file as it is, without Content-Encoding and Content-Range.")


class EndedEarly(ParseError):
    """The client went away, or named a length that it did not send."""

    default_detail = _("The body ended before its Content-Length.")
    upload_id: int | None = None  # of its row in the log, if it has one


class Bounded:
    """The server's stream, bounded to the bytes that are allowed and declared."""

    def __init__(self, stream: Any, declared: int) -> None:
        self.stream, self._declared, self._read = stream, declared, 0

    def read(self, size: int = -1) -> bytes:
        limit = platform_options().upload_max_size
        if self._declared > limit + ENVELOPE:
            raise SIZE.broken(limit=filesizeformat(limit))
        try:
            block: bytes = self.stream.read(size)
        except OSError as error:  # some servers raise where the client left, others end the body
            if self.stream.seekable():  # the body is on our own disk, which fails
                raise
            raise EndedEarly from error
        self._read += len(block)
        # Django's parser would take a part for the whole file.
        if size and not block and self._read < self._declared:
            raise EndedEarly
        return block

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def limit_body(request: HttpRequest) -> None:
    """Limit the body before anything reads it, such as the check of a CSRF token."""
    http = cast(Any, request)  # the stream has no public name
    http._stream = Bounded(http._stream, _declared_length(request) or 0)
    # A large file goes to the disk, whatever FILE_UPLOAD_HANDLERS says.
    with suppress(AttributeError):  # a middleware has already read the form
        request.upload_handlers = [
            MemoryFileUploadHandler(request),
            TemporaryFileUploadHandler(request),
        ]


def require_length(request: Request) -> int:
    """Return the declared length, or raise Conflict."""
    # Behind WSGI, Django cannot read a body in chunks.
    declared = _declared_length(request)
    if declared is None:
        raise Conflict("length_required")
    return declared


def require_whole(request: Request) -> None:
    """Check the length of a body that a middleware or the server has already read."""
    # They do not notice that it ended early; `Bounded` does while we read.
    http = cast(Any, request)._request
    # Django replaces `Bounded` once it has read the body.
    stream, came = getattr(http._stream, "stream", http._stream), None
    if stream.seekable():
        came = measure(stream)
    elif http._read_started:
        came = getattr(stream, "_pos", None)
    if came is not None and came < (_declared_length(request) or 0):
        raise EndedEarly


def _declared_length(request: HttpRequest | Request) -> int | None:
    """Return the declared length; None if it is missing or no number."""
    text = str(request.META.get("CONTENT_LENGTH") or "")
    if not text.isdecimal():
        return None
    # `int` refuses thousands of digits; such a length is too large anyway.
    return int(text) if len(text) < 19 else sys.maxsize


def clean_body(kind: type[Input], request: Request) -> dict[str, Any]:
    """Return the clean values of a body, of JSON or a form; raise ValidationError."""
    if request.headers.get("Transfer-Encoding"):
        require_length(request)
    require_whole(request)
    data = request.data
    if isinstance(data, QueryDict):
        if sum(len(files) for _name, files in request.FILES.lists()) > 1:
            raise ValidationError({"file": [_("Send one file in each request.")]})
        data = copy(data)  # data.copy() would also copy the bytes of files
        data.pop("csrfmiddlewaretoken", None)  # of Django's pages
    return validate(kind, data)


class ShortJson(JSONParser):
    """Read JSON into memory, up to ENVELOPE."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        text = stream.read(ENVELOPE + 1)
        if len(text) > ENVELOPE:
            raise RequestDataTooBig
        try:
            return super().parse(BytesIO(text), media_type, parser_context)
        except RecursionError:
            raise ParseError from None


FORM_OR_JSON: Any = [MultiPartParser, ShortJson]


class RawParser(BaseParser):
    """Take the whole body as the file."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return stream


@contextmanager
def spooled_body(request: Request) -> Iterator[BinaryIO]:
    """Open the raw body as a file that can be rewound."""
    kind = str(request.META.get("CONTENT_TYPE") or "").lower()
    if kind.startswith(_FORMS):
        raise UnsupportedMediaType(kind.partition(";")[0])
    if {"HTTP_CONTENT_ENCODING", "HTTP_CONTENT_RANGE"} & {*request.META}:
        raise ParseError(_PARTIAL)
    require_whole(request)
    body = cast(Any, request)._request._stream
    if body.seekable():  # behind ASGI it is on the disk already: no second copy
        yield getattr(body, "stream", body)
        return
    with SpooledTemporaryFile(IN_MEMORY) as file:
        while block := body.read(BLOCK):
            file.write(block)
        yield cast(BinaryIO, file)
