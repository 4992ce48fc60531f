"""One file of one request on its way to the cloud, and the answer that tells how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from django.core.exceptions import DisallowedHost
from django.urls import NoReverseMatch
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from ..core.frames import is_from_signal
from ..core.naming import clean_name
from ..core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import gettext_lazy as _
from ..submit.policy import Target, authorize_upload, ended, failed_before_upload, key_for
from ..upload import recorder
from ..upload.store import READ_RATE, get_store
from ..upload.transfer import BATCH_RATE, Transfer
from ..upload.uploader import get_uploader
from . import problems, serializers
from .conditions import require_state
from .idempotency import once

_EARLY = _("The client's body ended before its Content-Length")
_SEND_AGAIN = _("Send the file again.")


@dataclass(frozen=True)
class Incoming:
    """One file of one request, ready to be sent."""

    request: Request
    to: Target
    name: str
    file: BinaryIO
    size: int
    overwrite: bool

    def answered_once(self, facts: Mapping[str, Any]) -> Response:
        seconds = longest(self.to.using, self.to.env, self.size)
        return once(self.request, facts, self.file, self._send, env=self.to.env, seconds=seconds)

    def _send(self) -> Response:
        user, to, size = self.request.user, self.to, self.size
        try:
            key = key_for(user, to, self.name, self.file, size=size)
            require_state(self.request, to, key)
            item = authorize_upload(
                user,
                to,
                self.name,
                self.file,
                size=size,
                overwrite=self.overwrite,
            )
        except WxStaticStoreError as error:
            failed = failed_before_upload(self.to, self.name, self.file, error)
            if failed is None:
                raise
            result, row = failed, _recorded(self.request, failed)
        else:
            result, row = self._attempted(item)
            ended(self.to, result)
        return told(self.request, self.to.using, result, row)

    def _attempted(self, item: UploadItem) -> tuple[UploadResult, int | None]:
        """What breaks it is raised, unless the body has begun to go and it is our own trouble."""
        uploader = get_uploader(self.to.using, self.to.env)
        transfer = Transfer(uploader, item)
        try:
            result = transfer.run()
        except BaseException as error:  # a worker that is told to stop, say
            result = transfer.broken_off()
            ours = isinstance(error, problems.UNUSABLE) and not is_from_signal(error)
            if not (ours and result.status is UploadStatus.UNKNOWN):
                _recorded(self.request, result)
                raise
            problems.log(error, problems.request_id(self.request))
        result = uploader.settled(result)
        return result, _recorded(self.request, result)


def never_came(request: Request, to: Target, name: str) -> int | None:
    """The row of a file whose body ended early: nobody was asked for a link."""
    error = SourceError(_EARLY, stage="source", hint=_SEND_AGAIN)
    item = UploadItem(clean_name(name), open=BytesIO)
    return _recorded(request, get_uploader(to.using, to.env).failed(item, error))


def _recorded(request: Request, result: UploadResult) -> int | None:
    """The id of its new row."""
    return recorder.record_one(result, _context(request))


def _context(request: Request) -> UploadContext:
    """Who uploads, and the id that the problem of this request has."""
    ref = f"request {problems.request_id(request)}"
    return UploadContext("api", user_id=request.user.pk, source_ref=ref)


def longest(using: str, env: str, size: int) -> float:
    """Seconds after which an upload or a retry is over, however it went."""
    return get_store(using, env).longest(size) + size / READ_RATE + size / BATCH_RATE


def told(request: Request, using: str, result: UploadResult, row: int | None) -> Response:
    """How an upload ended, and the id of its row."""
    headers = {} if row is None else _location(request, row) | {"X-WX-Upload-Id": str(row)}
    headers["X-WX-Status"] = result.status.value
    if result.error:
        response = problems.of_upload(result, request, row)
        for name, value in headers.items():
            response[name] = value
        return response
    facts = {"id": row, "store": using, "url": _url(using, result)}
    names = ("env", "name", "key", "size", "md5", "status", "errcode")
    facts |= {name: getattr(result, name) for name in names}
    facts["content_type"] = result.headers.content_type
    return Response(serializers.Uploaded(facts).data, 201, headers=headers)


def _url(using: str, result: UploadResult) -> str | None:
    """None where the site's address cannot be had: the file is stored all the same."""
    with suppress(WxStaticStoreError):
        return get_store(using, result.env).key_url(result.key)
    return None


def _location(request: Request, row: int) -> dict[str, str]:
    """
    Of the row, under whatever name the project included our addresses.

    None where they have no namespace, or the request's own Host is not allowed: the file is stored
    all the same.
    """
    match = request.resolver_match
    space = match.namespace if match else "wx_static_store"
    with suppress(NoReverseMatch, DisallowedHost):
        return {"Location": reverse(f"{space}:upload", kwargs={"id": row}, request=request)}
    return {}
