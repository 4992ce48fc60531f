"""
Uploads that a worker sends again, and what it refused.

What was sent is a newer row in the log. A refusal leaves no row, so it is noted in the cache that
all processes share, for a page that waits; without such a cache there is no note.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.contrib.auth import get_user_model
from django.core.cache import caches

from ..conf import platform_options
from ..conf.cache_checks import is_for_all
from ..core.refusals import EXISTS, IN_PROGRESS, PolicyRejected
from ..core.shared_cache import SharedCache
from ..exceptions import WxStaticStoreError, revived
from ..i18n import gettext_lazy as _
from ..models import UploadLog
from .retry import RetryResult, retry_uploads

KEPT = 600  # seconds

_MAY_NOT = _("Whoever asked for it may not upload files again any more")
_WITH_FACTS = {rule.code: rule for rule in (EXISTS, IN_PROGRESS)}


def send_again(row_id: int, user_id: int) -> None:
    """Send the bytes of a row again for a user; a second time finds a newer row, and sends none."""
    row = UploadLog.objects.filter(pk=row_id).first()
    if row is None:  # pruned meanwhile
        return
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    if not (user and user.has_perm("wx_static_store.retry")):
        _note(row, PolicyRejected(_MAY_NOT))
        return
    try:
        for one in retry_uploads([row], user):
            if one.reason:
                _note(row, one.reason)
    except WxStaticStoreError as error:  # of settings that are this worker's own
        _note(row, error)


def refusal(row: UploadLog) -> RetryResult | None:
    """Return why a worker did not send it, as far as that was noted."""
    found = _cache().get(_name(row.pk), {}) if _is_noted() else {}
    with suppress(KeyError, TypeError, ValueError):  # nothing, or of another version
        error = revived(found)
        rule = _WITH_FACTS.get(error.code)
        return RetryResult(row, reason=rule.broken(key=row.key) if rule else error)
    return None


def forget(rows: Iterable[UploadLog]) -> None:
    """Forget why these were not sent the last time."""
    for row in rows if _is_noted() else ():
        _cache().delete(_name(row.pk))


def _note(row: UploadLog, error: WxStaticStoreError) -> None:
    if _is_noted():
        _cache().set(_name(row.pk), error.as_dict(), KEPT)


def _is_noted() -> bool:
    return is_for_all(platform_options().token_cache)


def _cache() -> SharedCache:
    return SharedCache(lambda: caches[platform_options().token_cache])


def _name(pk: int) -> str:
    return f"wx_static_store:again:{pk}"
