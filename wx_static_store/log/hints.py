"""Explain an upload of the log that failed, and what to do about it."""

from __future__ import annotations

from django.utils.functional import Promise

from ..clients.cos import COS_CODES
from ..core.types import UploadStatus
from ..exceptions import (
    ERRCODES,
    UNKNOWN_ERRCODE,
    ConnectFailed,
    CosError,
    SourceError,
    TokenUnavailable,
    Verdict,
)
from ..i18n import with_address
from ..models import UploadLog

# Where WeChat gave no number, the stage at which an upload ended says what to check.
_OF_STAGE = {
    "source": SourceError.hint,
    "token": TokenUnavailable.hint,
    "link": ConnectFailed.hint,
    "put": ConnectFailed.hint,
}


def hint(row: UploadLog) -> str | Promise:
    """Return what to do, in the reader's language; empty where nothing is to be done."""
    if row.status == UploadStatus.STORED:
        return ""
    verdict = error_rule(row)
    if verdict is None:
        return _OF_STAGE.get(row.stage, "")
    return with_address(verdict.hint or verdict.error.hint, row.message)


def error_rule(row: UploadLog) -> Verdict | None:
    """Return what is known of the code that WeChat or COS gave, if there is one."""
    if row.errcode:
        return ERRCODES.get(row.errcode, UNKNOWN_ERRCODE)
    return COS_CODES.get(row.cos_code, Verdict(CosError)) if row.cos_code else None
