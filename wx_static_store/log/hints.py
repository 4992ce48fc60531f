"""Explain a failed upload of the log, and what to do about it."""

from __future__ import annotations

from .. import conf
from ..clients.cos import COS_CODES
from ..clients.tokens import SPENT
from ..core.errcodes import ERRCODES, Verdict, anchor, verdict_on
from ..core.types import UploadStatus
from ..exceptions import (
    ConnectFailed,
    CosError,
    SourceError,
    TokenRejected,
    TokenUnavailable,
    WxStaticStoreError,
)
from ..i18n import with_docs, with_facts
from ..models import UploadLog
from ..upload.release_storage import BEGINS, KEEP_AGAIN

# Without an errcode, the stage at which an upload ended says what to check.
_OF_STAGE: dict[str, type[WxStaticStoreError]] = {
    "source": SourceError,
    "token": TokenUnavailable,
    "link": ConnectFailed,
    "put": ConnectFailed,
}


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
