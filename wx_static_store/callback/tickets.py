"""
The newest verify ticket of a platform: kept in the database, mirrored in the cache.

Source: WeChat's open platform, component_verify_ticket: a push every 10 minutes, a ticket is good
for 12 hours. Both places hold the same sealed text; the push with the newer CreateTime wins.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import TypeVar

from django.db import connections, router, transaction
from django.utils import timezone

from .. import conf
from ..conf.sealing import TICKETS, seal, unseal
from ..core.frames import is_from_signal
from ..core.notes import Notes
from ..core.secrets import Secret
from ..exceptions import TokenUnavailable
from ..i18n import gettext_lazy as _, gettext_noop
from .models import VerifyTicket

T = TypeVar("T")

HOUR = 3600
LIFE = 12 * HOUR

logger = logging.getLogger("wx_static_store.tokens")

_KEPT_NOWHERE = _("The log names both errors; WeChat pushes the next ticket in ten minutes.")


def save(appid: str, ticket: Secret, create_time: int) -> None:
    """Keep the ticket if it is newer; raise TokenUnavailable if neither database nor cache does."""
    sealed = seal(ticket, TICKETS)
    kept = [
        # Of two pushes in the same instant the cache may hold the older one: both are good.
        # The quick one first: WeChat hangs up after five seconds, a database may hang for longer.
        _to_cache(appid, sealed, create_time),
        try_database(lambda: _to_database(appid, sealed, create_time), _report),
    ]
    if not any(kept):
        raise TokenUnavailable(_("No place keeps the verify ticket"), hint=_KEPT_NOWHERE)


def newest(appid: str) -> str:
    """Return the newest ticket, "" if none came; raise TokenUnavailable if it cannot be used."""
    noted, failures = _notes().read(appid), list[str]()
    found = _opened(*noted) if noted else None
    # WeChat pushes every ten minutes: an older ticket means that the cache missed some.
    if found is None or time.time() - found[0] > HOUR:
        row = try_database(lambda: _from_database(appid), failures.append)
        noted = row or noted
        stored = _opened(*row) if row else None
        found = max(filter(None, (found, stored)), key=itemgetter(0), default=None)
    for failure in failures:
        _report(failure)
    if found:
        created, text = found
        _judge(time.time() - created)
        return text.reveal()
    if noted:
        raise TokenUnavailable(cause="ticket.key", stage="token")
    if failures:
        raise TokenUnavailable(cause="ticket.database", stage="token", errmsg=failures[0])
    return ""


def _judge(seconds: float) -> None:
    hours = seconds / HOUR
    if seconds > LIFE:
        text = _("The newest component_verify_ticket is %(hours).1f hours old", hours=hours)
        raise TokenUnavailable(text, stage="token")
    if seconds > HOUR:
        text = gettext_noop(
            "WeChat pushed no component_verify_ticket for %.1f hours: see if pushes arrive"
        )
        logger.warning(text, hours)


def try_database(ask: Callable[[], T], report: Callable[[str], object]) -> T | None:
    """Return the database's answer, None if it fails: each database has its own exceptions."""
    try:
        return ask()
    except Exception as error:
        if is_from_signal(error):
            raise
        report(type(error).__name__)  # no more: its text may hold what was asked
        return None


def _report(error: str, place: str = "database") -> None:
    text = gettext_noop("The %s fails to keep or give the verify ticket (%s)")
    logger.warning(text, place, error)


def _opened(sealed: str, created: int) -> tuple[int, Secret] | None:
    if text := unseal(sealed, TICKETS):
        return created, text
    why = gettext_noop(
        "A stored component_verify_ticket cannot be decrypted: put the former SECRET_KEY into "
        "SECRET_KEY_FALLBACKS, or wait ten minutes for WeChat's next push"
    )
    logger.warning(why)
    return None


def _to_database(appid: str, sealed: str, created: int) -> bool:
    """Save without a transaction: each statement is atomic, and the last one compares and sets."""
    values = {"sealed": sealed, "created": created, "received": timezone.now()}
    VerifyTicket.objects.get_or_create(appid=appid, defaults=values)
    VerifyTicket.objects.filter(appid=appid, created__lt=created).update(**values)
    return True


def _from_database(appid: str) -> tuple[str, int] | None:
    alias = router.db_for_write(VerifyTicket)
    was_open = connections[alias].connection is not None
    try:
        with transaction.atomic(using=alias):  # a failure spoils no caller's
            row = VerifyTicket.objects.using(alias).filter(appid=appid).first()
    finally:
        if not was_open:  # nobody else would close it
            connections[alias].close()
    return (row.sealed, row.created) if row else None


def _to_cache(appid: str, sealed: str, created: int) -> bool:
    """Write, and read back: a dummy cache and a full Memcached keep nothing, and raise no error."""
    notes = _notes()
    noted = notes.read(appid)
    if noted is None or noted[1] < created:
        notes.write(appid, [sealed, created])
        noted = notes.read(appid)
    return noted is not None and bool(noted[1] >= created)


def _notes() -> Notes:
    alias = conf.platform_options().token_cache
    return Notes("ticket", alias, seconds=LIFE, report=partial(_report, place="cache"))
