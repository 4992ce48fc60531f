"""The database of the log: if it is missing or fails, there is one warning, and uploads go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connections,
    router,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Prefetch, prefetch_related_objects

from ..exceptions import WxStaticStoreError
from ..i18n import gettext_noop

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    from ..models import DeploymentQuerySet, UploadLogQuerySet

    Row = TypeVar("Row", bound=Model)

T = TypeVar("T")
View = Callable[..., Any]

logger = logging.getLogger("wx_static_store.recorder")

_REST_SECONDS = 30.0  # after the database failed, so that 5,000 files do not wait 5,000 time-outs
_LOCK_SECONDS = 1.0  # a query that fails after these has waited for a lock
_LOCK_SHARE = 4.0  # times as long as that wait, nothing is written; half a minute at most
_resting_until = 0.0
_locked_until = 0.0
_down = False  # the last query failed, as the next one would
_away = False  # it should be there, and could not be asked the last time

_NO_TABLE = "no such table"  # as SQLite says it, in an error that else may pass
# Deadlock, serialization failure, a lock held too long.
_PASSING = {
    *("40P01", "40001", "55P03"),  # PostgreSQL
    *(1213, 1205, 1020),  # MySQL and MariaDB; 1020: the record has changed since it was read
    *("SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "SQLITE_LOCKED_SHAREDCACHE"),
}


def outside_transactions(view: View) -> View:
    """Exempt a view from ATOMIC_REQUESTS: the row of a failed upload stays if the request fails."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def in_database(work: Callable[[], T], *, otherwise: T) -> T:
    """Return the result of `work`, run in a savepoint; `otherwise` if the database fails."""
    global _away, _down
    if time.monotonic() < _resting_until:
        return otherwise
    try:
        done = persistently(work, otherwise=otherwise)
        _away = _down = False
        rest(0.0)
        return done
    except WxStaticStoreError:  # of what the work does beside
        raise
    except Exception as error:  # noqa: BLE001 -- whatever it is, the upload counts
        reason = _reason(error)
        down, again = _is_down(error), _down
        _away = isinstance(error, OperationalError | InterfaceError) and _NO_TABLE not in str(error)
    _warn(reason, again=down and again)
    rest(_REST_SECONDS if down else 0.0)
    _down = down
    return otherwise


def write(work: Callable[[], T], *, otherwise: T, at_once: bool = False) -> T:
    """
    Write what can also be written later, and do not wait for a lock once for each file.

    Soon after a wait without success return `otherwise`, unless it must be tried `at_once`. Reads
    go on meanwhile: SQLite's lock keeps nobody from reading.
    """
    global _locked_until
    asked = time.monotonic()
    if asked < _locked_until and not at_once:
        return otherwise
    done, ended = in_database(work, otherwise=otherwise), time.monotonic()
    locked = _away and ended - asked >= _LOCK_SECONDS
    pause = min(_LOCK_SHARE * (ended - asked), _REST_SECONDS)
    _locked_until = ended + pause if locked else 0.0
    return done


@contextmanager
def own_savepoint() -> Iterator[None]:
    """Keep the caller's transaction usable after an error of a query that was caught."""
    if not flag("in_atomic_block") or flag("needs_rollback"):
        yield
        return
    try:
        with transaction.atomic(using=_connection().alias):
            yield
    except DatabaseError as error:  # the savepoint is gone, or was rolled back
        logger.error(gettext_noop("What a receiver wrote is not kept (%s)"), _reason(error))


def after_commit(work: Callable[[], object]) -> None:
    """Call `work` when other processes see what was written here; never, if it is rolled back."""
    connection = _connection()
    blocks: list[Any] = connection.atomic_blocks
    # The transaction around a TestCase is never committed.
    if blocks and not blocks[-1]._from_testcase:
        connection.on_commit(work, robust=True)
    else:
        work()


def _reason(error: Exception) -> str:
    if apps.ready and not apps.is_installed("wx_static_store"):
        return "wx_static_store is not in INSTALLED_APPS"
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _warn(reason: str, *, again: bool) -> None:
    """Warn once of a database that stays down."""
    if flag("needs_rollback"):
        text = gettext_noop(
            "The database ended the caller's whole transaction, nothing in it will be kept; "
            "the upload counts (%s)"
        )
        logger.error(text, reason)
    elif not again:
        text = gettext_noop("The upload log cannot be used; uploads go on without it (%s)")
        logger.warning(text, reason)


def rest(seconds: float) -> None:
    """Leave the database alone for some seconds; with 0, ask it again at once."""
    global _resting_until
    _resting_until = time.monotonic() + seconds if seconds else 0.0


def is_away() -> bool:
    """Return whether the database failed the last time."""
    return _away


def forget() -> None:
    """Forget every failure, and ask the database at once."""
    global _away, _down, _locked_until
    _away = _down = False
    _locked_until = 0.0
    rest(0.0)


def close_connections() -> None:
    """Close those that this thread opened: nobody else would."""
    for connection in connections.all(initialized_only=True):
        # SQLite's own close() spares a database in memory, which lives on in the main thread.
        BaseDatabaseWrapper.close(connection)


def persistently(work: Callable[[], T], *, otherwise: T) -> T:
    """
    Run `work` in a transaction; retry after a deadlock, a lock or a broken connection.

    Do not retry if the caller's transaction ended, too: MySQL rolls all of it back at a deadlock.
    Nor if the database has waited for the lock already: another wait would be as long.
    """
    connection, asked = _connection(), time.monotonic()
    before = connection.connection
    try:
        return _atomically(work, otherwise)
    except (OperationalError, InterfaceError) as error:
        lost = before is not None and _is_another(connection, before)
        waited = time.monotonic() - asked >= _LOCK_SECONDS
        if connection.needs_rollback or not (lost or (_passes(error) and not waited)):
            raise
    return _atomically(work, otherwise)


def _is_another(connection: BaseDatabaseWrapper, before: object) -> bool:
    """Return whether the connection broke: it is closed now, or opened again."""
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    return connection.connection is not before


def _atomically(work: Callable[[], T], otherwise: T) -> T:
    connection = _connection()
    if connection.needs_rollback:
        text = gettext_noop("The transaction is broken: the upload log is not used in it")
        logger.warning(text)
        return otherwise
    with transaction.atomic(using=connection.alias):
        return work()


def _connection() -> BaseDatabaseWrapper:
    from ..models import UploadLog

    connection: BaseDatabaseWrapper = transaction.get_connection(router.db_for_write(UploadLog))
    return connection


def _passes(error: Exception) -> bool:
    """Return whether the query may succeed if repeated; each driver reports this in its own way."""
    cause = error.__cause__
    codes = [getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    return not _PASSING.isdisjoint([*codes, *getattr(cause, "args", ())[:1]])


def _is_down(error: Exception) -> bool:
    """Return whether the next query would fail alike: no database, table, app or connection."""
    if isinstance(error, OperationalError):  # also deadlocks and time-outs, which pass
        return _NO_TABLE in str(error) or _connection().connection is None
    lasting = ImproperlyConfigured | ProgrammingError | InterfaceError | RuntimeError
    return isinstance(error, lasting)


def flag(name: str) -> bool:
    """Return a flag of the connection, without a query; False without a connection."""
    try:
        return bool(getattr(_connection(), name))
    except Exception:  # noqa: BLE001 -- no app, no database: then nothing is broken either
        return False


def deployments() -> DeploymentQuerySet:
    """Return the deployments in the database that is written to."""
    from ..models import Deployment

    return Deployment.objects.primary()


def log() -> UploadLogQuerySet:
    """Return the log in the database that is written to: a replica may be behind."""
    from ..models import UploadLog, UploadLogQuerySet

    return UploadLogQuerySet(UploadLog, using=router.db_for_write(UploadLog))


def with_users(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Return the rows with the users that they name."""
    return rows.prefetch_related(_users())


def add_users(rows: Iterable[Model]) -> None:
    """Load the users of these rows, by one query."""
    prefetch_related_objects([*rows], _users())


def _users() -> Prefetch[Any]:
    """Load users by a query of their own, as they may live in another database."""
    model = get_user_model()
    # Left to Django, it would be the database of the rows.
    return Prefetch("user", model._base_manager.using(router.db_for_read(model)))
