"""
Uploads of persons among the waiting files: what they wait behind, and what is left when they fail.

The bytes of an upload through the admin or the API that failed are left: nothing sends them until a
person does, and no storage sees them. A newer save or upload of the name takes their place.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Value, When

from ..conf import Options, platform_options
from ..conf.offered import at_home
from ..conf.release_checks import require_private
from ..core.frames import described, is_from_signal
from ..core.types import UploadContext, UploadItem
from ..models import UploadLog, WaitingFile, key_digest
from ..models.columns import Now
from .database import in_database
from .uploader import Uploader
from .waiting import IS_FREE, LEFT, PARKED, SAVE, give_up, put, remove, row_of, rows
from .waiting_bytes import free_bytes, write_bytes

logger = logging.getLogger("wx_static_store.waiting")


def may_wait(using: str, options: Options) -> bool:
    """Return whether files of the store may wait: a push would find them."""
    return options.wait != "never" and at_home(using, str(options.env)) is not None


def row_ahead(using: str, options: Options, key: str) -> WaitingFile | None:
    """Return the row behind which an upload waits; without a query where files never wait."""
    return row_of(options, key) if may_wait(using, options) else None


def make_way(options: Options, key: str) -> bool:
    """Give up what a failed upload left for the key; return False if it is being sent again."""
    row = in_database(_rows_of(options, key).first, otherwise=None)
    return not (row and row.state == LEFT) or give_up(row)


def hold(options: Options, key: str) -> bool:
    """Park what waits for a key that is made unpublic; return False if it may be sent."""
    found = _rows_of(options, key).filter(kind=SAVE)
    state = Case(When(state=LEFT, then=Value(LEFT)), default=Value(PARKED))
    facts: dict[str, Any] = {"cause": "waiting.unpublished", "errcode": None, "message": ""}
    facts["leases"] = F("leases") + 1  # who has read the row as due does not get it any more
    held = partial(found.filter(IS_FREE).update, state=state, changed=Now(), **facts)
    return in_database(lambda: bool(held() or not found.exists()), otherwise=False)


def _rows_of(options: Options, key: str) -> QuerySet[WaitingFile]:
    found = rows().filter(env=options.env, key_digest=key_digest(key))
    return found if platform_options().waiting_storage else found.none()


def park(
    uploader: Uploader, using: str, item: UploadItem, context: UploadContext, **columns: Any
) -> None:
    """Keep the bytes of an upload that failed, to be sent again; if that fails, log it."""
    alias, key = platform_options().waiting_storage, uploader.key(item.name)
    if not (alias and key):
        return
    try:
        require_private(alias, "WAITING_STORAGE")
        columns |= {"kind": SAVE, "state": LEFT} | write_bytes(item)
        if not put(uploader, item.name, using, context, **columns):
            free_bytes(columns["token"])  # another file waits there
    except Exception as error:
        if is_from_signal(error):
            raise
        logger.warning("WAITING_STORAGE keeps nothing (%s)", described(error))


def rows_at(logged: Iterable[UploadLog]) -> dict[tuple[str, str], WaitingFile]:
    """Return what waits at the keys of rows of the log, by environment and digest of the key."""
    if not platform_options().waiting_storage:
        return {}
    found = rows().filter(key_digest__in={row.key_digest for row in logged})
    return {(row.env, row.key_digest): row for row in found}


def prune(*, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """Give up uploads that failed WAITING_HOURS ago or earlier; yield ``("parked", 1)``."""
    before = Now() - timedelta(hours=platform_options().waiting_hours)
    for row in rows().filter(state=LEFT, changed__lt=before):
        # One that somebody sends again meanwhile has another attempt.
        if dry_run or remove(row, IS_FREE, Q(state=LEFT, attempts=row.attempts)):
            yield "parked", 1
