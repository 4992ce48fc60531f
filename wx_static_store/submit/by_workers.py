"""
Send uploads again in a worker, and note its refusals.

A sent file leaves a newer row in the log. A refusal leaves no row, so it is noted in the shared
cache for the page that waits; without such a cache there is no note.
"""

from collections.abc import Iterable

from ..core.refusals import EXISTS, IN_PROGRESS, PolicyRejected
from ..exceptions import WxStaticStoreError, revived
from ..i18n import gettext_lazy as _
from ..log.retry import RetryResult, retry_uploads
from ..models import Dismissal, UploadLog
from .access import Act, may, require
from .progress import shared_notes

KEPT = 600  # seconds

_DISMISSED = _("Somebody has dismissed this failure meanwhile")
_IF_NEED_BE = _("To upload it anyway, choose it in the log of uploads.")
_WITH_FACTS = {rule.code: rule for rule in (EXISTS, IN_PROGRESS)}


def send_again(row_id: int, user_id: int, asked_at: float = 0) -> None:
    """Send the bytes of a row again for a user who asked for it at `asked_at`."""
    row = UploadLog.objects.filter(pk=row_id).first()
    if row is None:  # pruned meanwhile
        return
    try:
        # The message may have waited long: the user may have lost a permission since.
        user = require(user_id, Act.RETRY, row.env)
        dismissal = Dismissal.objects.filter(upload=row).first()
        if dismissal and dismissal.created.timestamp() >= asked_at:
            raise PolicyRejected(_DISMISSED, hint=_IF_NEED_BE)
        # A broker may deliver a message twice: the second one finds a newer row, and sends nothing.
        [again] = retry_uploads([row], user, replaces=may(user, Act.REPLACE))
        reason = again.reason
    except WxStaticStoreError as error:  # also of this worker's own settings
        reason = error
    if reason and (notes := shared_notes("again", KEPT)):
        notes.write(str(row.pk), reason.as_dict())


def refusals(rows: Iterable[UploadLog]) -> dict[int, RetryResult]:
    """Return the noted refusals of these rows, by their ids."""
    names, notes = {str(row.pk): row for row in rows}, shared_notes("again", KEPT)
    found = {}
    for name, note in (notes.read_many(names) if notes else {}).items():
        if note:
            row, error = names[name], revived(note)
            rule = _WITH_FACTS.get(error.code)
            found[row.pk] = RetryResult(row, reason=rule.broken(key=row.key) if rule else error)
    return found


def forget(rows: Iterable[UploadLog]) -> None:
    """Forget the earlier refusals of these rows."""
    if notes := shared_notes("again", KEPT):
        notes.forget(*(str(row.pk) for row in rows))
