"""`put_object` on a signed link: one PUT, its ETag compared, its XML error read."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from ..causes import CAUSES, Cause
from ..causes.cos import UNKNOWN
from ..causes.wire import of_status
from ..core.retry import Deadline
from ..core.secrets import Secret, scrub
from ..core.types import ContentHeaders, SignedLink, in_utc
from ..exceptions import (
    ConnectFailed,
    DeadlineExceeded,
    IntegrityError,
    ProtocolError,
    Remedy,
    ResponseLost,
    SourceChanged,
    TlsFailed,
    WxStaticStoreError,
    error_of,
)
from ..i18n import gettext_lazy as _

if TYPE_CHECKING:
    from .transport import Reply, Transport


class Body(Protocol):
    """The bytes of one attempt; `handed_over` once all were read, `md5()` of the bytes read."""

    handed_over: bool

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def md5(self) -> str: ...


@dataclass(frozen=True, slots=True)
class PutReceipt:
    request_id: str
    md5: str  # of the sent bytes
    # COS named the MD5, too; of an encrypted object it names none.
    verified: bool
    # When COS answered, by its own clock: the times in the list are of the same one.
    date: datetime | None = None


class CosClient:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def put_object(
        self, link: SignedLink, body: Body, headers: ContentHeaders, *, md5: str, deadline: Deadline
    ) -> PutReceipt:
        """
        Send `body` to the link unchanged; `md5` is empty if it is not known yet.

        An error says `maybe_stored` when the whole body was sent, or COS answered as if it were,
        and its fate is not known.
        """
        try:
            reply = self._transport.exchange(
                "PUT",
                link.url,
                stage="put",
                deadline=deadline,
                headers=_headers(link, headers, md5),
                body=body,
                key=link.key,
            )
        except WxStaticStoreError as error:
            failure = error.with_context(maybe_stored=_may_be_stored(error, body))
        else:
            outcome = _judge(reply, _digest(reply, body))
            if isinstance(outcome, PutReceipt):
                return outcome
            failure = outcome
            # An answer without a request id is a gateway's: COS may have it all.
            if reply.status >= 400 and not failure.request_id:
                failure.with_context(maybe_stored=body.handed_over or not len(body))
        raise failure.with_context(stage=failure.stage or "put")


def _may_be_stored(error: WxStaticStoreError, body: Body) -> bool:
    """Return whether the last byte went out before the error; an empty body has none to count."""
    if error.stage != "put" or error.stops_batch or isinstance(error, ConnectFailed):
        return False
    # Over TLS, a refusal that comes while a large body is sent arrives as a broken connection.
    lost = ResponseLost | ProtocolError | DeadlineExceeded | TlsFailed
    return body.handed_over if len(body) else isinstance(error, lost)


def _digest(reply: Reply, body: Body) -> str:
    """Return the MD5 of the sent bytes; an empty text if COS answered before the body's end."""
    if len(body) and not body.handed_over:
        return ""
    try:
        return body.md5()
    except SourceChanged as error:
        error.with_context(maybe_stored=reply.status < 300)
        raise


def _headers(link: SignedLink, headers: ContentHeaders, md5: str) -> dict[str, str | Secret]:
    sent: dict[str, str | Secret] = {
        "Content-Type": headers.content_type,
        "Cache-Control": headers.cache_control,
        **dict(line.split(": ", 1) for line in headers.other_headers.splitlines()),
        "x-cos-security-token": link.token,
    }
    if md5:
        sent["Content-MD5"] = base64.b64encode(bytes.fromhex(md5)).decode()
    return sent


def _judge(reply: Reply, md5: str) -> PutReceipt | WxStaticStoreError:
    request_id = reply.headers.get("x-cos-request-id", "")
    if reply.status == 200 and not reply.body and md5:
        return _compare(reply, md5, request_id)
    if 200 <= reply.status < 300:
        once = reply.status == 200
        remedy = Remedy.NEW_LINK if once else Remedy.CHANGE
        failure: WxStaticStoreError = ProtocolError(
            _("COS answered neither yes nor no"), remedy=remedy, once=once, maybe_stored=True
        )
    elif 300 <= reply.status < 400:
        text = _("COS wants the upload at %(host)s, which is not done", host=reply.redirect_host)
        failure = ProtocolError(text, cause="http.redirect", once=True)
    else:
        failure = _refusal(reply)
    return failure.with_context(http_status=reply.status, request_id=request_id)


def _compare(reply: Reply, md5: str, request_id: str) -> PutReceipt | IntegrityError:
    tag, date = reply.headers.get("ETag", "").strip('"').lower(), None
    with suppress(ValueError, OverflowError):
        date = in_utc(parsedate_to_datetime(reply.headers.get("Date", "")))
    named = re.fullmatch(r"[0-9a-f]{32}", tag) is not None
    if not named or tag == md5:
        return PutReceipt(request_id, md5, verified=named, date=date)
    return IntegrityError(
        _("COS stored other bytes than were sent"),
        stage="verify",
        http_status=200,
        request_id=request_id,
        cause="BadDigest",
    )


def _refusal(reply: Reply) -> WxStaticStoreError:
    code, message = _element(reply.body, b"Code"), _element(reply.body, b"Message")
    text = _("COS refused the upload")
    from_cos = "x-cos-request-id" in reply.headers
    if not from_cos:
        code = message = ""
        text = _("A proxy or the network refused the upload, not COS itself")
    elif message:
        text = _("COS refused the upload: %(message)s", message=message)
    error = error_of(_cause(code, reply.status, message), text, cos_code=code, maybe_stored=False)
    if not from_cos:
        other = of_status(reply.status)
        error.with_context(cause=other.id, hint=other.operator)
    return error.with_context(pause=max(error.pause, reply.retry_after))


def _cause(code: str, status: int, message: str) -> Cause:
    """Return the entry of a code of COS, or else of the HTTP status."""
    entry = CAUSES.get(code)
    # An expired link has the code of every other lack of rights.
    if entry and entry.page == "cos" and entry.id != "AccessDenied":
        return entry
    if status == 403 and "expired" in message.lower():
        return CAUSES["cos.expired"]
    other = CAUSES["CosError" if status >= 500 and status != 501 else UNKNOWN]
    return CAUSES.get(f"cos.{status}", other)


def _element(xml: bytes, name: bytes) -> str:
    """Return the text of one element, without an XML parser: the answer may be hostile."""
    found = re.search(rb"<%s>([^<]{1,200})</%s>" % (name, name), xml)
    return scrub(found[1].decode("utf-8", "replace")).strip() if found else ""
