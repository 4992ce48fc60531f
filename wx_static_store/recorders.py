"""
Where results are written: the database, and always the logger ``wx_static_store.uploads``.

Trouble here is never an upload's trouble: no database, no table, a broken transaction end in one
warning. All of it runs in the caller's thread; worker threads never touch the ORM.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError, router, transaction

from .transfers import UploadContext, UploadResult, UploadStatus

if TYPE_CHECKING:
    from .exceptions import WxStaticStoreError
    from .models import UploadLog

T = TypeVar("T")

logger = logging.getLogger("wx_static_store.recorders")
uploads = logging.getLogger("wx_static_store.uploads")

# Without a handler of its own, Python would print each failure beside the exception that tells it.
uploads.addHandler(logging.NullHandler())

_REST_SECONDS = 30.0  # after the database failed, so that 5,000 files do not wait 5,000 time-outs
_resting_until = 0.0

_LEVELS = {UploadStatus.FAILED: logging.ERROR, UploadStatus.UNKNOWN: logging.ERROR}


class JsonLinesFormatter(logging.Formatter):
    """For a handler of ``wx_static_store.uploads``: one upload, one JSON object, one line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "upload", {"message": record.getMessage()})
        return json.dumps({"time": record.created, **facts}, ensure_ascii=False, default=str)


def record(results: Sequence[UploadResult], context: UploadContext) -> int:
    """Write the results down; the number of rows that the database took."""
    outcomes = [result for result in results if result.status is not UploadStatus.SKIPPED]
    for result in outcomes:
        _log(result, context)
    if not outcomes:
        return 0
    return in_database(lambda: _insert(outcomes, context), otherwise=0)


def newest_rows(env: str, keys: Iterable[str]) -> "dict[str, UploadLog] | None":
    """The newest row of each key; None where there is no log to ask."""

    def query() -> "dict[str, UploadLog]":
        from .models import UploadLog

        return UploadLog.objects.newest(env, keys)

    return in_database(query, otherwise=None)


def start_deployment(env: str, context: UploadContext) -> int | None:
    """The id of a new `Deployment`, None where there is no log."""

    def insert() -> int:
        from .models import Deployment

        row = Deployment.objects.create(
            env=env, source=context.source, label=context.source_ref[:200], user_id=context.user_id
        )
        return int(row.pk)

    return in_database(insert, otherwise=None)


def finish_deployment(deployment_id: int | None, **facts: Any) -> None:
    """Write down how a deployment ended."""
    if deployment_id is None:
        return

    def update() -> int:
        from .models import Deployment

        return Deployment.objects.filter(pk=deployment_id).update(**facts)

    in_database(update, otherwise=0)


def in_database(work: Callable[[], T], *, otherwise: T) -> T:
    """What `work` gives, in a savepoint of its own; `otherwise` where the database cannot."""
    if time.monotonic() < _resting_until:
        return otherwise
    try:
        done = _atomically(work, otherwise)
        rest(0.0)
        return done
    except Exception as error:  # noqa: BLE001 -- whatever it is, the upload counts
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        down = _is_down(error)
    _warn(down, reason)
    rest(_REST_SECONDS if down else 0.0)
    return otherwise


def _warn(down: bool, reason: str) -> None:
    """Of a database that stays down, once."""
    if not (down and _resting_until):
        logger.warning("The upload log cannot be used; uploads go on without it (%s)", reason)


def rest(seconds: float) -> None:
    """Leave the database alone for so long; 0 asks it again at once."""
    global _resting_until
    _resting_until = time.monotonic() + seconds if seconds else 0.0


def _atomically(work: Callable[[], T], otherwise: T) -> T:
    from .models import UploadLog

    database = router.db_for_write(UploadLog)
    if transaction.get_connection(database).needs_rollback:
        logger.warning("The transaction is broken: the upload log is not used in it")
        return otherwise
    with transaction.atomic(using=database):
        return work()


def _is_down(error: Exception) -> bool:
    """Whether the next query would fail alike: no database, no table, no app, no connection."""
    if isinstance(error, OperationalError):  # also deadlocks and time-outs, which pass
        return "no such table" in str(error) or not _connected()
    return isinstance(
        error, ImproperlyConfigured | ProgrammingError | InterfaceError | RuntimeError
    )


def _connected() -> bool:
    from .models import UploadLog

    return transaction.get_connection(router.db_for_write(UploadLog)).connection is not None


def _insert(results: Sequence[UploadResult], context: UploadContext) -> int:
    from .models import UploadLog

    rows = [UploadLog(**_columns(result, context)) for result in results]
    return len(UploadLog.objects.bulk_create(rows, batch_size=500))


def _columns(result: UploadResult, context: UploadContext) -> dict[str, Any]:
    from .models import key_digest

    error = result.error
    return {
        "env": result.env,
        "key": _printable(result.key, 850),
        "key_digest": key_digest(_printable(result.key, 850)),
        "name": _printable(result.name, 1024),
        "status": result.status.value,
        "stage": result.stage,
        "errcode": result.errcode,
        "message": _printable(_message(error), 1000) if error else "",
        "http_status": error.http_status if error else None,
        "cos_code": error.cos_code[:64] if error else "",
        "rid": result.rid[:64],
        "request_id": result.request_id[:128],
        "attempts": result.attempts,
        "size": result.size,
        "md5": result.md5,
        "content_type": result.headers.content_type[:255],
        "cache_control": result.headers.cache_control[:255],
        "duration_ms": round(result.seconds * 1000),
        "source": context.source[:32],
        "source_ref": _printable(context.source_ref, 255),
        "user_id": context.user_id,
        "deployment_id": context.deployment_id,
    }


def _message(error: "WxStaticStoreError") -> str:
    """What happened, without the hint: that is looked up by its reader, in their language."""
    return ": ".join(filter(None, [str(error.message), error.errmsg]))


def _printable(text: str, length: int) -> str:
    """Without what no database keeps: NUL, and the lone surrogates of undecodable names."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()[:length]


def _log(result: UploadResult, context: UploadContext) -> None:
    level = _LEVELS.get(result.status, logging.INFO)
    if not uploads.isEnabledFor(level):
        return
    facts = {
        **{k: v for k, v in _facts(result).items() if v not in (None, "")},
        "source": context.source,
        "user_id": context.user_id,
        "deployment_id": context.deployment_id,
    }
    why = f": {result.error}" if result.error else ""
    note = "" if result.verified or result.error else " (unverified: COS named no MD5)"
    uploads.log(
        level, "%s %s%s%s", result.status.value, ascii(result.key or result.name), note, why,
        extra={"upload": facts},
    )  # fmt: skip


def _facts(result: UploadResult) -> dict[str, Any]:
    return {
        "status": result.status.value,
        "env": result.env,
        "key": result.key,
        "name": result.name,
        "stage": result.stage,
        "errcode": result.errcode,
        "error": str(result.error) if result.error else None,
        "rid": result.rid,
        "request_id": result.request_id,
        "attempts": result.attempts,
        "size": result.size,
        "md5": result.md5,
        "verified": result.verified,
        "seconds": round(result.seconds, 3),
    }
