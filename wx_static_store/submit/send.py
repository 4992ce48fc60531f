"""Upload a file for a person or a client: authorize, upload, record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from django.db import DatabaseError

from ..core.frames import is_from_signal
from ..core.naming import clean_name
from ..core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from ..exceptions import NameRejected, WxStaticStoreError
from ..i18n import english
from ..upload import spool
from ..upload.claims import Claim, drop_abandoned
from ..upload.presence import newest_rows
from ..upload.recorder import record_one
from ..upload.sources import digest
from ..upload.transfer import Transfer
from ..upload.uploader import get_uploader
from .policy import Target, authorize_upload
from .rules import measure

if TYPE_CHECKING:
    from ..core.refusals import User

logger = logging.getLogger("wx_static_store.submit")


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
    sent: Callable[[int], object] | None = None,
    claim: Claim | None = None,
) -> tuple[UploadResult, int | None]:
    """
    Upload the file; return the result, and the id of its row (None without a log).

    A refusal of the policy is raised and leaves no row, and so is an error of `precondition`, which
    gets the key. `sent` is called with the number of sent bytes.
    """
    uploader, claim = get_uploader(to.using, to.env), claim or Claim()
    may: dict[str, Any] = {"overwrite": overwrite, "precondition": precondition}
    try:
        item = authorize_upload(user, to, name, file, size=size, claim=claim, **may)
    except WxStaticStoreError as error:
        if error.stage == "policy" or isinstance(error, NameRejected):
            raise
        failed = uploader.failed(UploadItem(clean_name(name), open=lambda: file), error)
        result = _keep_bytes(failed, file)
        return result, record_one(result, context)
    item = replace(item, sent=sent)
    drop_abandoned(uploader.options, uploader.key(item.name))
    record = partial(_record, claim=claim, context=context)
    result = uploader.settled(_transfer(Transfer(uploader.options, item), context, record))
    if result.status is not UploadStatus.STORED and spool.alias():
        result = _keep_bytes(result, file)
    return result, record(result)


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
    rows = newest_rows(to.env, [result.key for result in results]) or {}
    ended: list[tuple[UploadResult, int | None]] = []
    for result, (_item, claim) in zip(results, killed, strict=True):
        row = rows.get(result.key)
        # It may have been killed after it wrote its row.
        written = row and (row.status, row.md5) == (result.status, result.md5)
        ended.append((result, None if written else record_one(result, context)))
        if claim.take(uploader.options, result.key):
            claim.release()
    return ended


def _record(result: UploadResult, *, claim: Claim, context: UploadContext) -> int | None:
    """Record the result; end the claim, as the row shows others what is there or may yet be."""
    row = record_one(result, context)
    if row is not None or result.status is UploadStatus.FAILED:
        claim.release()
    return row


def _keep_bytes(result: UploadResult, file: BinaryIO) -> UploadResult:
    """Keep the bytes for a retry if there is a spool; the row's MD5 finds them again."""
    with suppress(WxStaticStoreError, OSError, ValueError):  # the file may be what failed
        result = replace(result, size=measure(file), md5=digest(file))
        if spool.alias():
            spool.keep(file, result.md5, result.size or 0)
    return result


def _transfer(
    transfer: Transfer, context: UploadContext, record: Callable[[UploadResult], object]
) -> UploadResult:
    """Run the transfer; return its result. An exception is recorded and raised."""
    try:
        result = transfer.run()
    except BaseException as error:
        result = transfer.broken_off()
        # A full disk, say, after a part of the body was sent: the file may be stored.
        ours = isinstance(error, DatabaseError | OSError) and not is_from_signal(error)
        if not (ours and result.status is UploadStatus.UNKNOWN):
            record(result)
            raise
        reason = english(error).partition("\n")[0]  # a database may show its values further down
        logger.error("%s: %s (%s)", type(error).__name__, reason, context.source_ref)
    return result
