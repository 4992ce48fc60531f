"""Say what to do about an upload that failed: a sentence for an editor, a hint for an operator."""

from __future__ import annotations

from django.utils.functional import Promise

from .. import conf
from ..clients.cos import COS_CODES
from ..clients.tokens import SPENT
from ..core.errcodes import ERRCODES, Verdict, anchor, verdict_on
from ..core.types import UploadStatus
from ..exceptions import (
    ConfigurationError,
    ConnectFailed,
    CosError,
    CosRefused,
    DeadlineExceeded,
    IntegrityError,
    NameRejected,
    ProtocolError,
    Remedy,
    SourceError,
    TlsFailed,
    TokenError,
    TokenRejected,
    TokenUnavailable,
    TransportError,
    UploadFailed,
    WeChatBusy,
    WeChatRefused,
    WeChatThrottled,
    WxStaticStoreError,
)
from ..i18n import gettext_lazy as _, with_docs, with_facts
from ..models import UploadLog
from ..upload.release_storage import BEGINS, KEEP_AGAIN

_AGAIN = _(
    "Your file is in order. Upload it again in some minutes; if it fails again, ask the site's "
    "operator."
)
_OPERATOR = _("Your file is in order, and a new upload would fail, too. Ask the site's operator.")
_TOO_MANY = _("Too much was uploaded today. Upload it again tomorrow, or ask the site's operator.")
_NAME = _("Choose another name, and upload the file again.")
_FILE = _("Check the file on your computer, then choose it again.")
_SMALLER = _("Make the file smaller, or split it, and upload it again.")
_DAMAGED = _("What is public now may be damaged. Upload the file again at once.")
LOOK = _(
    "The file may be public already. Open its address in a minute, and upload it again if it is "
    "not there."
)

_OF_KIND: dict[type[WxStaticStoreError], str | Promise] = {
    ConfigurationError: _OPERATOR,
    CosError: _AGAIN,
    CosRefused: _OPERATOR,
    DeadlineExceeded: _AGAIN,
    IntegrityError: _DAMAGED,
    NameRejected: _NAME,
    ProtocolError: _OPERATOR,
    SourceError: _FILE,
    TlsFailed: _OPERATOR,
    TokenError: _OPERATOR,
    TransportError: _AGAIN,
    WeChatBusy: _AGAIN,
    WeChatRefused: _OPERATOR,
    WeChatThrottled: _AGAIN,
}
_OF_COS_CODE = {"EntityTooLarge": _SMALLER, "InvalidURI": _NAME}
# Without a code of WeChat or COS, the stage at which an upload ended says what to check.
_OF_STAGE: dict[str, type[WxStaticStoreError]] = {
    "source": SourceError,
    "token": TokenUnavailable,
    "link": ConnectFailed,
    "put": ConnectFailed,
}


def advice_on(error: WxStaticStoreError, status: str) -> str | Promise:
    """Return what an editor can do; empty for our own refusals, whose hints are for editors."""
    if isinstance(error, NameRejected) and error.hint:
        return ""
    if isinstance(error, UploadFailed):  # its class says nothing of the cause
        facts = {"message": error.errmsg, "errcode": error.errcode, "cos_code": error.cos_code}
        return advice(UploadLog(**facts, stage=error.stage, key=error.key, status=status))
    return _advice(type(error), error.cos_code, error.remedy, status)


def advice(row: UploadLog) -> str | Promise:
    """Return what an editor can do about a row; empty if nothing is to be done."""
    if row.status == UploadStatus.STORED:
        return ""
    if rule := error_rule(row):
        return _advice(rule.error, row.cos_code, rule.remedy or rule.error.remedy, row.status)
    # Other stages, or none, may be any passing failure.
    kind = IntegrityError if row.stage == "verify" else _OF_STAGE.get(row.stage, ConnectFailed)
    if row.stage == "name" and not row.key:  # with a key, the look whether it is free has failed
        kind = NameRejected
    return _advice(kind, "", kind.remedy, row.status)


def _advice(
    kind: type[WxStaticStoreError], cos_code: str, remedy: Remedy, status: str
) -> str | Promise:
    if status == UploadStatus.UNKNOWN and not issubclass(kind, IntegrityError):
        return LOOK
    if issubclass(kind, WeChatThrottled) and remedy is Remedy.GIVE_UP:
        return _TOO_MANY
    known = (_OF_KIND[each] for each in kind.__mro__ if each in _OF_KIND)
    return _OF_COS_CODE.get(cos_code) or next(known, "")


def hint(row: UploadLog) -> str:
    """Return what to do, in the reader's language; empty if nothing is to be done."""
    if row.status == UploadStatus.STORED:
        return ""
    verdict = error_rule(row)
    if verdict is None:
        kind = _OF_STAGE.get(row.stage, WxStaticStoreError)
        is_kept = kind is SourceError and row.message.startswith(BEGINS)
        return with_docs(KEEP_AGAIN if is_kept else kind.hint, kind.docs)
    if row.errcode:
        docs = anchor("errcode", row.errcode, ERRCODES)
    else:
        docs = anchor("cos", row.cos_code, COS_CODES)
    text = verdict.hint or verdict.error.hint
    if verdict.error is TokenRejected:
        options = conf.platform_options()
        if options.access_token and not options.token_provider:  # a fixed token never renews itself
            text = SPENT
    return with_docs(with_facts(text, row.message, row.env), docs)


def error_rule(row: UploadLog) -> Verdict | None:
    """Return the rule for the code of WeChat or COS in the row, if there is a code."""
    if row.errcode:
        return verdict_on(row.errcode, row.message)
    return COS_CODES.get(row.cos_code, Verdict(CosError)) if row.cos_code else None
