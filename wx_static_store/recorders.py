"""
Where results are written: the database, and always the logger ``wx_static_store.uploads``.

Trouble here is never an upload's trouble: no database, no table, a broken transaction end in one
warning. All of it runs in the caller's thread; worker threads never touch the ORM. Inside a
transaction of the caller the row stays or goes with it; the logger's line stays and says so.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError, router, transaction

from .exceptions import IntegrityError
from .texts import english
from .transfers import UploadContext, UploadResult, UploadStatus

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .exceptions import WxStaticStoreError
    from .models import UploadLog

T = TypeVar("T")

logger = logging.getLogger("wx_static_store.recorders")
uploads = logging.getLogger("wx_static_store.uploads")

# Without a handler of its own, Python would print each failure beside the exception that tells it.
uploads.addHandler(logging.NullHandler())

_REST_SECONDS = 30.0  # after the database failed, so that 5,000 files do not wait 5,000 time-outs
_resting_until = 0.0

# Deadlock, serialization failure, a lock held too long.
_PASSING = {
    *("40P01", "40001", "55P03"),  # PostgreSQL
    *(1213, 1205, 1020),  # MySQL and MariaDB; 1020: the record has changed since it was read
    *("SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "SQLITE_LOCKED_SHAREDCACHE"),
}

_PLAIN = (
    *("env", "key", "name", "stage", "errcode", "rid", "request_id"),
    *("attempts", "size", "md5"),
)
_LEVELS = {UploadStatus.FAILED: logging.ERROR, UploadStatus.UNKNOWN: logging.ERROR}


class JsonLinesFormatter(logging.Formatter):
    """For a handler of ``wx_static_store.uploads``: one upload, one JSON object, one line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "upload", {"message": record.getMessage()})
        line = json.dumps({"time": record.created, **facts}, ensure_ascii=False, default=str)
        return line.encode("utf-8", "backslashreplace").decode()  # surrogates, as JSON escapes them


def record(results: Sequence[UploadResult], context: UploadContext) -> int:
    """Write the results down; the number of rows that the database took."""
    outcomes = [result for result in results if result.status is not UploadStatus.SKIPPED]
    for result in outcomes:
        _log(result, context)
    if not outcomes:
        return 0
    return in_database(lambda: _insert(outcomes, context), otherwise=0)


def record_one(result: UploadResult, context: UploadContext) -> int | None:
    """Write one result down; the id of its row, None where there is no log."""
    _log(result, context)

    def insert() -> int:
        from .models import UploadLog

        return int(UploadLog.objects.create(**_columns(result, context)).pk)

    return in_database(insert, otherwise=None)


def newest_rows(env: str, keys: Iterable[str]) -> "dict[str, UploadLog] | None":
    """The newest row of each key; None where there is no log to ask."""

    def query() -> "dict[str, UploadLog]":
        from .models import UploadLog

        return UploadLog.objects.newest(env, keys)

    return in_database(query, otherwise=None)


def was_cut_short(env: str) -> bool:
    """Whether the newest deployment was killed before its rows were written, or still runs."""

    def query() -> bool:
        from .models import Deployment

        return Deployment.objects.cut_short(env)

    return in_database(query, otherwise=False)


def close_cut_short(env: str) -> None:
    """A deployment that never told how it ended has failed: another one begins."""

    def update() -> int:
        from .models import Deployment

        running = Deployment.objects.filter(env=env, outcome=Deployment.Outcome.RUNNING)
        return running.update(outcome=Deployment.Outcome.FAILED)

    in_database(update, otherwise=0)


def start_deployment(env: str, context: UploadContext) -> int | None:
    """The id of a new `Deployment`, None where there is no log."""

    def insert() -> int:
        from .models import Deployment, fitting

        texts = {"env": env, "source": context.source, "label": context.source_ref}
        row = Deployment.objects.create(**fitting(Deployment, texts), user_id=context.user_id)
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
        done = _persistently(work, otherwise)
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
    if _asked("needs_rollback"):
        logger.error(
            "The database ended the caller's whole transaction, nothing in it will be kept; "
            "the upload counts (%s)", reason,
        )  # fmt: skip
    elif not (down and _resting_until):
        logger.warning("The upload log cannot be used; uploads go on without it (%s)", reason)


def rest(seconds: float) -> None:
    """Leave the database alone for so long; 0 asks it again at once."""
    global _resting_until
    _resting_until = time.monotonic() + seconds if seconds else 0.0


def _persistently(work: Callable[[], T], otherwise: T) -> T:
    """
    Once more after what passes: a deadlock, a lock held too long, a connection that broke.

    Unless the caller's transaction went with it: MySQL ends the whole of it at a deadlock.
    """
    connection = _connection()
    before = connection.connection
    try:
        return _atomically(work, otherwise)
    except (OperationalError, InterfaceError) as error:
        lost = before is not None and _is_another(connection, before)
        if connection.needs_rollback or not (lost or _passes(error)):
            raise
    return _atomically(work, otherwise)


def _is_another(connection: "BaseDatabaseWrapper", before: object) -> bool:
    """Whether the connection broke: it is closed now, by Django or here, or even opened again."""
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    return connection.connection is not before


def _atomically(work: Callable[[], T], otherwise: T) -> T:
    connection = _connection()
    if connection.needs_rollback:
        logger.warning("The transaction is broken: the upload log is not used in it")
        return otherwise
    with transaction.atomic(using=connection.alias):
        return work()


def _connection() -> "BaseDatabaseWrapper":
    from .models import UploadLog

    connection: BaseDatabaseWrapper = transaction.get_connection(router.db_for_write(UploadLog))
    return connection


def _passes(error: Exception) -> bool:
    """Whether the same query may well succeed at once; no two drivers say it in the same place."""
    cause = error.__cause__
    told = [getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    return not _PASSING.isdisjoint([*told, *getattr(cause, "args", ())[:1]])


def _is_down(error: Exception) -> bool:
    """Whether the next query would fail alike: no database, no table, no app, no connection."""
    if isinstance(error, OperationalError):  # also deadlocks and time-outs, which pass
        return "no such table" in str(error) or _connection().connection is None
    return isinstance(
        error, ImproperlyConfigured | ProgrammingError | InterfaceError | RuntimeError
    )


def _asked(flag: str) -> bool:
    """A flag of the connection, without a query; no where there is none to ask."""
    try:
        return bool(getattr(_connection(), flag))
    except Exception:  # noqa: BLE001 -- no app, no database: then nothing is broken either
        return False


def _insert(results: Sequence[UploadResult], context: UploadContext) -> int:
    from .models import UploadLog

    rows = [UploadLog(**_columns(result, context)) for result in results]
    return len(UploadLog.objects.bulk_create(rows, batch_size=500))


def _columns(result: UploadResult, context: UploadContext) -> dict[str, Any]:
    from .models import UploadLog, fitting, key_digest

    columns = fitting(UploadLog, _told(result, context))
    return columns | {"key_digest": key_digest(columns["key"])}


def _told(result: UploadResult, context: UploadContext) -> dict[str, Any]:
    """What the row and the line tell alike: a row can be made of a line."""
    error = result.error
    return {
        "status": result.status.value,
        **{name: getattr(result, name) for name in _PLAIN},
        "message": _message(error) if error else "",
        "http_status": error.http_status if error else None,
        "cos_code": error.cos_code if error else "",
        "content_type": result.headers.content_type,
        "cache_control": result.headers.cache_control,
        "duration_ms": round(result.seconds * 1000),
        "source": context.source,
        "source_ref": context.source_ref,
        "user_id": context.user_id,
        "deployment_id": context.deployment_id,
    }


def _message(error: "WxStaticStoreError") -> str:
    """What happened, without the hint: that is looked up by its reader, in their language."""
    return ": ".join(filter(None, [english(error.message), error.errmsg]))


def _log(result: UploadResult, context: UploadContext) -> None:
    level = _LEVELS.get(result.status, logging.INFO)
    if isinstance(result.error, IntegrityError):
        level = logging.CRITICAL  # wrong bytes may be public
    if not uploads.isEnabledFor(level):
        return
    facts = {
        **{k: v for k, v in _told(result, context).items() if v not in (None, "")},
        **({"error": english(result.error)} if result.error else {}),
        "verified": result.verified,
        "in_atomic": _asked("in_atomic_block"),  # then the row goes if the caller rolls back
    }
    why = f": {english(result.error)}" if result.error else ""
    note = "" if result.verified or result.error else " (unverified: COS named no MD5)"
    uploads.log(
        level, "%s %s%s%s", result.status.value, ascii(result.key or result.name), note, why,
        extra={"upload": facts},
    )  # fmt: skip
