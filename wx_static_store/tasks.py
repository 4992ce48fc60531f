"""
The tasks of Celery, for the project's own app and workers.

Names, queues and schedules are the project's settings; no result is kept. Add ``prune`` to the beat
schedule if you want it, and ``push_waiting`` (each 30 seconds) if files may wait.
"""

import logging

from celery import shared_task
from django.db import InterfaceError, OperationalError

from .i18n import english
from .log.prune import prune as prune_log, prune_releases, prune_waiting
from .log.retention import RELEASES
from .releases.previews import blank_ended
from .submit.by_workers import send_again
from .upload.push import push

__all__ = ["prune", "push_waiting", "upload_again"]

logger = logging.getLogger("wx_static_store.deploy")

LEAST_DAYS = 30

# Retry if the database is down for a while, or ends a deadlock.
PATIENT = {
    "autoretry_for": (OperationalError, InterfaceError),
    "retry_backoff": 2,
    "retry_backoff_max": 120,
    "max_retries": None,
    "ignore_result": True,
}


@shared_task(**PATIENT)
def upload_again(row_id: int, user_id: int, asked_at: float = 0) -> None:
    """Send the bytes of a row of the log again, as a user asked for it in the admin."""
    send_again(row_id, user_id, asked_at)


@shared_task(**PATIENT)
def prune(days: int = 0, releases: int = RELEASES) -> None:
    """Blank ended previews; delete rows so many days old (0: none), releases, waiting bytes."""
    # Anyone with access to the broker can send this message: it must not empty the log.
    releases = max(releases, RELEASES)
    previews = blank_ended(None, lambda why: logger.warning(english(why)))
    rows = [prune_log(max(days, LEAST_DAYS), releases=releases)] if days else []
    for each in (previews, *rows, prune_releases(releases), prune_waiting()):
        for _step in each:
            pass


@shared_task(ignore_result=True)
def push_waiting() -> None:
    """Send the files and deletions that wait; begin nothing more after a minute."""
    push()
