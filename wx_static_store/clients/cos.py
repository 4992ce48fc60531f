"""`put_object` on a signed link: one PUT, its ETag compared, its XML error read."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from ..core.errcodes import Verdict, anchor
from ..core.retry import Deadline
from ..core.secrets import Secret, scrub
from ..core.types import ContentHeaders, SignedLink, in_utc
from ..exceptions import (
    ConnectFailed,
    CosError,
    CosRefused,
    CosThrottled,
    DeadlineExceeded,
    IntegrityError,
    LinkExpired,
    ProtocolError,
    Remedy,
    ResponseLost,
    SourceChanged,
    TlsFailed,
    WxStaticStoreError,
)
from ..i18n import gettext_lazy as _
from .causes import CAUSES, of_status

if TYPE_CHECKING:
    from .transport import Reply, Transport

_ALTERED = _("The link or the body was altered on the way: look for a proxy that rewrites either.")
_LATE = _("The link expired before it was used: the upload may need more than its 60 seconds.")
_ARREARS = _("The environment's bill is unpaid: see the CloudBase console.")
_NO_BUCKET = _("Static hosting is not enabled in this environment, or it was destroyed.")
_BLOCKED = _("The platform blocks this content or this domain.")

# Source: COS error tables; what is not listed goes by its HTTP status.
COS_CODES: dict[str, Verdict] = {
    "ExpiredToken": Verdict(LinkExpired, _LATE),
    "InvalidAccessKeyId": Verdict(LinkExpired, _LATE, once=True),
    "RequestTimeTooSkewed": Verdict(CosRefused, _LATE, Remedy.NEW_LINK, once=True),
    "SignatureDoesNotMatch": Verdict(CosRefused, _ALTERED, Remedy.NEW_LINK, once=True),
    "BadDigest": Verdict(IntegrityError, _ALTERED),
    "InvalidDigest": Verdict(IntegrityError, _ALTERED),
    "IncompleteBody": Verdict(CosError),
    "EntitySizeNotMatch": Verdict(CosError),
    "RequestTimeout": Verdict(CosError),
    "UserNetworkTooSlow": Verdict(CosError),
    "EntityTooLarge": Verdict(CosRefused, _("One PUT takes 5 GB at most.")),
    "InvalidURI": Verdict(CosRefused, _("The key is longer than 850 bytes.")),
    "PaymentRequired": Verdict(CosRefused, _ARREARS, stops_batch=True),
    "NoSuchBucket": Verdict(CosRefused, _NO_BUCKET, stops_batch=True),
    "UnavailableForLegalReasons": Verdict(CosRefused, _BLOCKED, stops_batch=True),
    "DomainAuditFailed": Verdict(CosRefused, _BLOCKED, stops_batch=True),
    "SlowDown": Verdict(CosThrottled),
    "ServiceUnavailable": Verdict(CosThrottled),
}


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
        self,
        link: SignedLink,
        body: Body,
        headers: ContentHeaders,
        *,
        md5: str,
        deadline: Deadline,
        more: Mapping[str, str] | None = None,
    ) -> PutReceipt:
        """
        Send `body` to the link unchanged; `md5` is empty if it is not known yet.

        `more` are headers of COS that an upload does not need.

        An error says `maybe_stored` when the whole body was sent, or COS answered as if it were,
        and its fate is not known.
        """
        try:
            reply = self._transport.exchange(
                "PUT",
                link.url,
                stage="put",
                deadline=deadline,
                headers=_headers(link, headers, md5) | {**(more or {})},
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
        remedy = Remedy.NEW_LINK if reply.status == 200 else Remedy.GIVE_UP
        failure: WxStaticStoreError = ProtocolError(
            _("COS answered neither yes nor no"), remedy=remedy, once=True, maybe_stored=True
        )
    elif 300 <= reply.status < 400:
        text = _("COS wants the upload at %(host)s, which is not done", host=reply.redirect_host)
        hint = CAUSES["http.redirect"].verdict.hint
        failure = ProtocolError(text, hint=hint, remedy=Remedy.NEW_LINK, once=True)
    else:
        failure = _refusal(reply)
    return failure.with_context(http_status=reply.status, request_id=request_id)


def _compare(reply: Reply, md5: str, request_id: str) -> PutReceipt | IntegrityError:
    tag, date = reply.headers.get("ETag", "").strip('"').lower(), None
    with suppress(ValueError, OverflowError):
        date = in_utc(parsedate_to_datetime(reply.headers.get("Date", "")))
    if re.fullmatch(r"[0-9a-f]{32}", tag) is None:
        return PutReceipt(request_id, md5, verified=False, date=date)
    if tag == md5:
        return PutReceipt(request_id, md5, verified=True, date=date)
    return IntegrityError(
        _("COS stored other bytes than were sent"),
        stage="verify",
        http_status=200,
        request_id=request_id,
        hint=_ALTERED,
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
    verdict = COS_CODES.get(code) or _by_status(reply.status, message)
    error = verdict.build(text, cos_code=code, maybe_stored=False)
    if not from_cos:  # a verdict speaks of COS
        error.with_context(hint=CAUSES[of_status(reply.status)].verdict.hint)
    if code:
        error.with_context(docs=anchor("cos", code, COS_CODES))
    return error.with_context(pause=max(error.pause, reply.retry_after))


def _by_status(status: int, message: str) -> Verdict:
    if status == 403 and "expired" in message.lower():
        return Verdict(LinkExpired, _LATE)
    if status == 403:
        return Verdict(CosRefused, _ALTERED, Remedy.NEW_LINK, once=True)
    if status in (429, 503):
        return Verdict(CosThrottled)
    if status >= 500 and status != 501:
        return Verdict(CosError)
    if status in (402, 404, 451):
        return Verdict(CosRefused, stops_batch=True)
    return Verdict(CosRefused)


def _element(xml: bytes, name: bytes) -> str:
    """Return the text of one element, without an XML parser: the answer may be hostile."""
    found = re.search(rb"<%s>([^<]{1,200})</%s>" % (name, name), xml)
    return scrub(found[1].decode("utf-8", "replace")).strip() if found else ""
