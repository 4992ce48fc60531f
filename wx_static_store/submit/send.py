"""Upload a file for a person or a client: authorize, upload, record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from ..core.naming import clean_name
from ..core.refusals import EXISTS, IN_PROGRESS, User
from ..core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from ..exceptions import NameRejected, WxStaticStoreError
from ..models import WaitingFile
from ..upload.claims import Claim
from ..upload.database import after_commit
from ..upload.parked import make_way, may_wait, park, row_ahead
from ..upload.presence import newest_rows
from ..upload.recorder import record_one
from ..upload.sources import fingerprint
from ..upload.transfer import Transfer
from ..upload.uploader import Uploader, get_uploader
from ..upload.waiting import rows, save, send_now, why
from .access import Act, may
from .policy import Target, authorize_upload


def send(
    user: User,
    to: Target,
    name: str,
    file: BinaryIO,
    context: UploadContext,
    *,
    size: int,
    overwrite: bool = False,
    precondition: Callable[[str], object] = lambda key: None,
    waits: bool = True,
    sent: Callable[[int], object] | None = None,
    claim: Claim | None = None,
) -> tuple[UploadResult, int | None]:
    """
    Upload the file; return the result, and the id of its row (None without a log).

    A refusal of the policy is raised and leaves no row, and so is an error of `precondition`, which
    gets the key. `sent` is called with the number of sent bytes. A file that waits has no row; with
    `waits` false it only waits behind another one. The bytes of one that failed are kept.
    """
    uploader, claim = get_uploader(to.using, to.env), claim or Claim()
    replaces = overwrite and may(user, Act.REPLACE)
    how: dict[str, Any] = {"overwrite": overwrite, "precondition": precondition}
    row: int | None = None
    try:
        item = authorize_upload(user, to, name, file, size=size, claim=claim, **how)
        key = uploader.key(item.name)
        ahead = row_ahead(to.using, uploader.options, key)
    except WxStaticStoreError as error:
        if error.stage == "policy" or isinstance(error, NameRejected):
            raise
        item = fingerprint(UploadItem(clean_name(name), open=lambda: file, close=False))
        result = uploader.failed(item, error)
        row = record_one(result, context)
    else:
        item = replace(item, sent=sent)
        try:
            result, row = _deliver(uploader, to, item, context, ahead, replaces, waits or ahead)
        except Exception:
            claim.release(key)
            raise
        # The row shows others what is there, or may yet be.
        if row is not None or result.status in (UploadStatus.WAITING, UploadStatus.FAILED):
            after_commit(claim.release)
    if result.error:
        park(uploader, to.using, item, context, replaces=replaces, **why(result))
    return result, row


def _deliver(
    uploader: Uploader,
    to: Target,
    item: UploadItem,
    context: UploadContext,
    ahead: WaitingFile | None,
    replaces: bool,
    waits: object,
) -> tuple[UploadResult, int | None]:
    """Send the file, or let it wait where files may; it never goes past one that waits."""
    options, key = uploader.options, uploader.key(item.name)
    if not make_way(options, key):
        raise IN_PROGRESS.broken(key=key)
    is_same = ahead and ahead.file and ahead.md5 == item.md5 and not replaces
    same = ahead if is_same else None
    if same and (send_now(same) or rows().filter(pk=same.pk, token=same.token).exists()):
        return uploader.waiting(item), None
    if waits and may_wait(to.using, options):
        wanted = replace(options, file_overwrite=replaces)
        _name, result, row = save(wanted, item, context, _refuse, using=to.using)
        return result or uploader.waiting(item), row
    return uploader.attempt(item, context, settles=True)


def _refuse(name: str) -> str:
    """Take no other name where a file has begun to wait at this moment."""
    raise EXISTS.broken(key=name)


def look_up(
    to: Target, killed: Sequence[tuple[UploadItem, Claim]], context: UploadContext
) -> list[tuple[UploadResult, int | None]]:
    """
    Return what became of uploads whose process was killed, and the ids of their rows.

    One call asks the list for all of them. What it does not show stays unknown: lists may be late.
    """
    uploader = get_uploader(to.using, to.env)
    sent = [Transfer(uploader.options, item, sending=True) for item, _claim in killed]
    for transfer in sent:
        transfer.prepare()
    results = uploader.settle([transfer.broken_off() for transfer in sent])
    logged = newest_rows(to.env, [result.key for result in results]) or {}
    ended: list[tuple[UploadResult, int | None]] = []
    for result, (item, claim) in zip(results, killed, strict=True):
        row, ahead = logged.get(result.key), row_ahead(to.using, uploader.options, result.key)
        # It may have been killed after it wrote its row.
        written = row and (row.status, row.md5) == (result.status, result.md5)
        if ahead and ahead.md5 == result.md5:
            written, result = True, uploader.waiting(item)
        ended.append((result, None if written else record_one(result, context)))
        if claim.take(uploader.options, result.key):
            claim.release()
    return ended
