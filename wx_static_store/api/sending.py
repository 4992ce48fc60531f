"""One file of one request on its way to the cloud, and the answer that tells how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO
from uuid import uuid4

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from .. import recorders
from ..exceptions import SourceError, WxStaticStoreError
from ..models import UploadLog
from ..naming import clean_name
from ..policy import Target, admit
from ..store import READ_RATE, get_store
from ..texts import gettext_lazy as _
from ..transfers import UploadContext, UploadItem, UploadResult
from ..uploader import BATCH_RATE, get_uploader
from . import problems, serializers
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
        item = admit(
            self.request.user,
            self.to,
            self.name,
            self.file,
            size=self.size,
            overwrite=self.overwrite,
        )
        context = UploadContext("api", uuid4().hex, self.request.user.pk)
        uploader = get_uploader(self.to.using, self.to.env)
        try:
            result = uploader.transfer(item)
        except BaseException:  # a worker that is told to stop, say
            recorders.record([uploader.lost(item)], context)
            raise
        recorders.record([result], context)
        return told(self.request, self.to.using, result, context.source_ref)


def never_came(request: Request, to: Target, name: str) -> None:
    """The row of a file whose body ended early: nobody was asked for a link."""
    item = UploadItem(clean_name(name), open=BytesIO)
    error = SourceError(_EARLY, stage="source", hint=_SEND_AGAIN)
    result = get_uploader(to.using, to.env).failed(item, error)
    recorders.record([result], UploadContext("api", uuid4().hex, request.user.pk))


def longest(using: str, env: str, size: int) -> float:
    """Seconds after which an upload or a retry is over, however it went."""
    asked_and_sent = 2 * get_store(using, env).interactive_deadline(size).left()
    return asked_and_sent + size / READ_RATE + size / BATCH_RATE


def told(request: Request, using: str, result: UploadResult, source_ref: str) -> Response:
    """How an upload ended; its row is the one with this reference."""
    row = _row_id(result, source_ref)
    if result.error:
        return problems.of_upload(result, request, row)
    facts = {"id": row, "store": using, "url": _url(using, result)}
    names = ("env", "name", "key", "size", "md5", "status", "errcode")
    facts |= {name: getattr(result, name) for name in names}
    facts["content_type"] = result.headers.content_type
    headers = {} if row is None else {"Location": _address(request, "upload", id=row)}
    return Response(serializers.Uploaded(facts).data, 201, headers=headers)


def _row_id(result: UploadResult, source_ref: str) -> int | None:
    """None where the log cannot be used."""

    def query() -> int | None:
        rows = UploadLog.objects.with_key(result.key).filter(env=result.env, source_ref=source_ref)
        return rows.order_by("-id").values_list("id", flat=True).first()

    return recorders.in_database(query, otherwise=None)


def _url(using: str, result: UploadResult) -> str | None:
    """None where the site's address cannot be had: the file is stored all the same."""
    with suppress(WxStaticStoreError):
        return get_store(using, result.env).key_url(result.key)
    return None


def _address(request: Request, name: str, **kwargs: Any) -> str:
    """Of one of our views, under whatever name the project included them."""
    match = request.resolver_match
    space = match.namespace if match else "wx_static_store"
    return reverse(f"{space}:{name}", kwargs=kwargs, request=request)
