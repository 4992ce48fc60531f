"""The columns of the log: rows, lines, export and API are made of this table."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..i18n import english
from .types import UploadContext, UploadResult, UploadStatus

SHOWN, WITHHELD = True, False  # in the API, to uploaders who may not see the log


class Column(NamedTuple):
    name: str
    shown: bool
    fill: Callable[[UploadResult, UploadContext], Any]


def _message(result: UploadResult, _context: UploadContext) -> str:
    if error := result.error:  # without the hint: the admin shows that in the reader's language
        return ": ".join(filter(None, [english(error.message), error.errmsg]))
    return english(result.note)


def _cause(result: UploadResult, _context: UploadContext) -> str:
    if result.status is UploadStatus.STORED:
        return ""
    return result.error.cause if result.error else "cloud"  # a list shows another object, or none


# Not in `models/`: without the app in INSTALLED_APPS there is no model, and still the logger.
# `id`, `key_digest`, `key_start` and `created` are not here: no upload knows them.
COLUMNS = (
    Column("env", SHOWN, lambda result, _: result.env),
    Column("key", SHOWN, lambda result, _: result.key),
    Column("name", SHOWN, lambda result, _: result.name),
    Column("status", SHOWN, lambda result, _: result.status.value),
    Column("stage", SHOWN, lambda result, _: result.stage),
    Column("cause", WITHHELD, _cause),
    Column("errcode", WITHHELD, lambda result, _: result.errcode),
    Column("message", WITHHELD, _message),
    Column("http_status", WITHHELD, lambda result, _: getattr(result.error, "http_status", None)),
    Column("cos_code", WITHHELD, lambda result, _: getattr(result.error, "cos_code", "")),
    Column("rid", WITHHELD, lambda result, _: result.rid),
    Column("request_id", WITHHELD, lambda result, _: result.request_id),
    Column("attempts", SHOWN, lambda result, _: result.attempts),
    Column("size", SHOWN, lambda result, _: result.size),
    Column("md5", SHOWN, lambda result, _: result.md5),
    Column("content_type", SHOWN, lambda result, _: result.headers.content_type),
    Column("cache_control", SHOWN, lambda result, _: result.headers.cache_control),
    Column("duration_ms", SHOWN, lambda result, _: round(result.seconds * 1000)),
    Column("stored_at", SHOWN, lambda result, _: result.stored_at),
    Column("source", SHOWN, lambda _, context: context.source),
    Column("source_ref", SHOWN, lambda result, context: result.source_ref or context.source_ref),
    Column("user_id", SHOWN, lambda _, context: context.user_id),
    Column("deployment_id", SHOWN, lambda _, context: context.deployment_id),
)


def facts(result: UploadResult, context: UploadContext) -> dict[str, Any]:
    """Return what row and line both say: a row can be made of a line."""
    return {column.name: column.fill(result, context) for column in COLUMNS}
