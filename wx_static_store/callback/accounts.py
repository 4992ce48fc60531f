"""Accounts in WeChat's pushes: who gave the platform an authorization, who withdrew it."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from ..conf.settings import setting
from ..core.frames import is_from_signal

EVENTS = ("authorized", "updateauthorized", "unauthorized")

logger = logging.getLogger("wx_static_store.tokens")


def note(platform: str, event: str, fields: dict[str, Any], created: int) -> bool:
    """Note a push about an account; return False if the database cannot keep it."""
    appid = str(fields.get("AuthorizerAppid", ""))
    if not re.fullmatch(r"[!-~]{1,64}", appid):
        logger.warning("A push '%s' names no account: nothing is noted", event)
        # Sent again, it would name none either.
        return True
    try:
        # Not before Django is ready, and E014 names a missing app.
        from ..models import Account

        at = datetime.fromtimestamp(created, UTC)
        at = at if setting("USE_TZ") else timezone.make_naive(at)
        # A push may come twice, late, or after a newer one: the newest CreateTime decides.
        Account.objects.note(platform, appid, event=event, at=at)
    except Exception as error:  # each database has exceptions of its own
        if is_from_signal(error):
            raise
        failed = type(error).__name__
    else:
        return True
    logger.error("The database fails to note '%s' of the account %s (%s)", event, appid, failed)
    return False
