"""
Send uploads again in a worker, and note its refusals.

A sent file leaves a newer row in the log. A refusal leaves no row, so it is noted in the shared
cache for the page that waits; without such a cache there is no note.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model

from ..conf import environments, platform_options
from ..conf.cache_checks import is_for_all
from ..core.notes import Notes
from ..core.refusals import EXISTS, IN_PROGRESS, PolicyRejected
from ..exceptions import WxStaticStoreError, revived
from ..i18n import gettext_lazy as _
from ..models import Dismissal, UploadLog
from .retry import RetryResult, retry_uploads

KEPT = 600  # seconds

_MAY_NOT = _("The user who asked for it may no longer upload files again")
_NOT_OFFERED = _("The user who asked for it may no longer publish to this environment")
_DISMISSED = _("Somebody has dismissed this failure meanwhile")
_IF_NEED_BE = _("To upload it anyway, choose it in the log of uploads.")
_WITH_FACTS = {rule.code: rule for rule in (EXISTS, IN_PROGRESS)}


def send_again(row_id: int, user_id: int, asked_at: float = 0) -> None:
    """Send the bytes of a row again for a user who asked for it at `asked_at`."""
    row = UploadLog.objects.filter(pk=row_id).first()
    if row is None:  # pruned meanwhile
        return
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    try:
        # The message may have waited long: the user may have lost a permission since.
        _check(row, user, asked_at)
        # A broker may deliver a message twice: the second one finds a newer row, and sends nothing.
        for one in retry_uploads([row], user):
            if one.reason:
                _note(row, one.reason)
    except WxStaticStoreError as error:  # also of this worker's own settings
        _note(row, error)


def _check(row: UploadLog, user: Any, asked_at: float) -> None:
    """Raise the reason why the row must not be sent any more."""
    if not (user and user.has_perm("wx_static_store.retry")):
        raise PolicyRejected(_MAY_NOT)
    if platform_options().environments and row.env not in environments(user):
        raise PolicyRejected(_NOT_OFFERED)
    dismissal = Dismissal.objects.filter(upload=row).first()
    if dismissal and dismissal.created.timestamp() >= asked_at:
        raise PolicyRejected(_DISMISSED, hint=_IF_NEED_BE)


def refusals(rows: Iterable[UploadLog]) -> dict[int, RetryResult]:
    """Return the noted refusals of these rows, by their ids."""
    names = {str(row.pk): row for row in rows}
    found = {}
    for name, note in (_notes().read_many(names) if _is_noted() else {}).items():
        if note:
            row, error = names[name], revived(note)
            rule = _WITH_FACTS.get(error.code)
            found[row.pk] = RetryResult(row, reason=rule.broken(key=row.key) if rule else error)
    return found


def forget(rows: Iterable[UploadLog]) -> None:
    """Forget the earlier refusals of these rows."""
    if _is_noted():
        _notes().forget(*(str(row.pk) for row in rows))


def _note(row: UploadLog, error: WxStaticStoreError) -> None:
    if _is_noted():
        _notes().write(str(row.pk), error.as_dict())


def _is_noted() -> bool:
    return is_for_all(platform_options().token_cache)


def _notes() -> Notes:
    return Notes("again", platform_options().token_cache, seconds=KEPT)
