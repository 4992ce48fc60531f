"""
Files that wait until the cloud takes them: their rows and bytes, and the note that it is away.

The bytes go to WAITING_STORAGE first, then a row into the caller's transaction. A key has one row:
that of the last save or deletion. The token of a content names its bytes. Each change names the row
and the token that it saw; if no row has both any more, another process was quicker.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, BinaryIO
from uuid import uuid4

from django.db import Error, IntegrityError, router, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from ..conf import Options, platform_options
from ..conf.offered import at_home
from ..conf.release_checks import require_private
from ..conf.settings import alias_of
from ..core.frames import described, is_from_signal
from ..core.naming import object_key
from ..core.refusals import PolicyRejected
from ..core.types import (
    DELETED_MD5,
    RemoteFile,
    UploadContext,
    UploadItem,
    UploadResult,
    UploadStatus,
    deletion,
)
from ..exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    NameRejected,
    ProtocolError,
    Remedy,
    SourceError,
    TokenError,
    TransportError,
    UploadFailed,
    WxStaticStoreError,
)
from ..i18n import english, gettext_lazy as _, gettext_noop
from ..models import WaitingFile, fitting, key_digest
from ..models.columns import Now
from ..signals import push_wanted, upload_waiting
from .claims import drop_claim, notes_of
from .database import after_commit, own_savepoint
from .presence import Presence, look, newest_rows
from .recorder import record_one
from .sources import rereadable
from .store import store_for
from .uploader import Uploader, to_raise
from .waiting_bytes import FOLDER, bytes_storage, free_bytes, open_bytes, path_for, write_bytes

logger = logging.getLogger("wx_static_store.waiting")

SAVE, DELETE = WaitingFile.Kind
DUE, PARKED, LEFT = WaitingFile.State
AWAY_SECONDS = 120.0  # without a push, one save in this time finds out whether the cloud is back
PERSONS = ("admin", "api")  # the sources of their uploads
QUICK_SECONDS = 8.0  # for the direct try of a file that may wait
QUICK_ATTEMPTS = 2
LOOKS = 5  # at a row that others change at the same time
LINK_SECONDS = 60.0  # that a signed link can still be used after the last look at the lease
MARGIN = 10.0  # between the clocks of this machine, the database and COS

IS_FREE = Q(leased_until=None) | Q(leased_until__lt=Now())  # nobody sends it

_LOOK = _("Look whether WAITING_STORAGE and the database can be written to.")
_DUE_NOW = {"state": DUE, "attempts": 0, "next_at": Now(), "changed": Now()}
_FRESH = _DUE_NOW | {"cause": "", "errcode": None, "message": ""}  # not tried yet


# --- when a file waits ---------------------------------------------------------------------------


def waits(error: WxStaticStoreError | None) -> bool:
    """Return whether the file would be stored later as it is: the error is not about itself."""
    ours = isinstance(error, ConfigurationError) and error.errcode is None
    if error is None or ours or isinstance(error, NameRejected | SourceError):
        return False
    away = isinstance(error, TransportError | DeadlineExceeded | ProtocolError | TokenError)
    return away or error.stops_batch or error.remedy is Remedy.WAIT


def is_away(options: Options) -> bool:
    """Return whether a save or a push lately found the cloud away."""
    return bool(notes_of("away", options, AWAY_SECONDS).read("cloud"))


def note_away(options: Options, error: WxStaticStoreError) -> None:
    """Note that saves at this environment wait at once: one lost its time already."""
    notes_of("away", options, AWAY_SECONDS).write("cloud", 1)
    text = gettext_noop("%s: files wait, as nothing can be stored now (%s)")
    logger.warning(text, options.env, english(error))


def note_back(options: Options) -> bool:
    """Note that the cloud is there; return whether it was noted as away."""
    return notes_of("away", options, AWAY_SECONDS).take("cloud")


def quick(options: Options) -> Options:
    """Return the options of a direct try, whose caller need not wait as long as without a net."""
    seconds = min(QUICK_SECONDS, options.deadline or QUICK_SECONDS)
    attempts = min(QUICK_ATTEMPTS, options.max_attempts)
    return replace(options, deadline=seconds, max_attempts=attempts)


def seen(options: Options, key: str, *, ask: bool = True) -> Presence:
    """Return what is at the key; by the log alone, if not to `ask` or while the cloud is away."""
    if ask and not is_away(options):
        try:
            return look(store_for(quick(options)), key)
        except WxStaticStoreError as error:
            if not waits(error):
                raise
            note_away(options, error)
    logged = newest_rows(str(options.env), [key], sent=True) or {}
    return Presence(key, logged.get(key), None, listed=False)


# --- what a storage does -------------------------------------------------------------------------


def save(
    options: Options,
    item: UploadItem,
    context: UploadContext,
    other_name: Callable[[str], str],
    using: str = "",
) -> tuple[str, UploadResult | None, int | None]:
    """
    Send the file, or let it wait: the result is None then. Return its name, too.

    `other_name` gives another one if a file waits under the name by now.
    """
    using, uploader = using_of(options, using), Uploader(quick(options))
    failure: WxStaticStoreError | None = None
    with rereadable(item) as item:
        if _is_direct(uploader, item.name):
            result, row = uploader.attempt(item, context, unless=waits)
            if (failure := result.error) is None or not waits(failure):
                return item.name, result, row
            note_away(uploader.options, failure)
            failure.maybe_stored = result.status is UploadStatus.UNKNOWN
        try:
            content = {"kind": SAVE, **write_bytes(item), "replaces": options.file_overwrite}
            content["maybe_public"] = content["replaces"] or bool(failure and failure.maybe_stored)
            while not put(uploader, item.name, using, context, **content):
                item = replace(item, name=other_name(item.name))
        except PolicyRejected:
            free_bytes(content["token"])
            raise
        except Exception as error:
            if is_from_signal(error):
                raise
            return item.name, *_not_kept(uploader, item, context, error, failure)
    facts = {"using": using, "env": uploader.env, "key": uploader.key(item.name), "name": item.name}
    logger.info("waits %s", ascii(facts["key"]))
    with own_savepoint():
        upload_waiting.send_robust(sender=None, **facts)
    return item.name, None, None


def delete(options: Options, name: str, context: UploadContext) -> None:
    """Delete the file, or let the deletion wait."""
    using, uploader = using_of(options), Uploader(quick(options))
    key, failure = object_key(options.location, name), None
    if _is_direct(uploader, name) and (found := seen(uploader.options, key)).listed:
        if found.taken_by is None:
            return
        result, _row = uploader.attempt(deletion(name), context, unless=waits)
        if (failure := result.error) is None:
            drop_claim(uploader.options, key)
            return
        if not waits(failure):
            raise to_raise(result)
        note_away(uploader.options, failure)
    try:
        # If it replaces no row and neither list nor log shows an object, nothing will be sent.
        content = {"kind": DELETE, "token": uuid4().hex, "md5": DELETED_MD5, "maybe_public": True}
        put(uploader, name, using, context, **content)
    except Exception as error:
        if is_from_signal(error):
            raise
        lost, _row = _not_kept(uploader, deletion(name), context, error, failure)
    else:
        push_wanted.send_robust(sender=None, using=using)
        return
    raise to_raise(lost)


def using_of(options: Options, using: str = "") -> str:
    """Return the alias by which a push finds these options; raise ConfigurationError."""
    require_private(platform_options().waiting_storage, "WAITING_STORAGE")
    if using := using or alias_of(options):
        return using
    raise ConfigurationError(
        _("A storage with wait=%(wait)r is not in STORAGES", wait=options.wait),
        hint=_("Make an alias of STORAGES of it: wx_push finds its options there."),
    )


def _is_direct(uploader: Uploader, name: str) -> bool:
    """Return whether the cloud is asked: else it waits behind a row, or until the cloud is back."""
    options, key = uploader.options, uploader.key(name)
    is_there = options.wait == "outage" and not is_away(options)
    # Without a key the try says so.
    return not key or (is_there and row_of(options, key, makes_way=True) is None)


def _not_kept(
    uploader: Uploader,
    item: UploadItem,
    context: UploadContext,
    error: Exception,
    failure: WxStaticStoreError | None,
) -> tuple[UploadResult, int | None]:
    """Record a file that can neither be stored nor wait."""
    if not isinstance(error, SourceError):
        text = _("The file could not wait (%(why)s)", why=described(error))
        cause, unknown = (failure.cause, failure.maybe_stored) if failure else ("", False)
        error = UploadFailed(text, cause=cause, stage="source", maybe_stored=unknown, hint=_LOOK)
    result = uploader.failed(item, error)
    return result, record_one(result, context)


# --- rows ----------------------------------------------------------------------------------------


def rows() -> QuerySet[WaitingFile]:
    """Return the rows in the database that is written to."""
    return WaitingFile._base_manager.using(router.db_for_write(WaitingFile))


def row_of(options: Options, key: str, *, makes_way: bool = False) -> WaitingFile | None:
    """Return the row of the key; raise UploadFailed, as no answer would be right without it."""
    # A failed upload counts for nobody, unless it is being sent again. A change gives it up.
    hidden = Q(pk=None) if makes_way else IS_FREE & Q(state=LEFT)
    try:
        row = rows().filter(env=options.env, key_digest=key_digest(key)).exclude(hidden).first()
        return None if row and row.state == LEFT and makes_way and give_up(row) else row
    except Error as error:
        text = _("The waiting files cannot be read (%(why)s)", why=described(error))
    raise UploadFailed(text, stage="name", hint=_LOOK)


def below(options: Options, prefix: str) -> dict[str, RemoteFile | None]:
    """Return the keys that begin so, each with its file; None if it will be deleted."""
    found = rows().filter(env=options.env).exclude(state=LEFT)
    return {row.key: row.file for row in found if row.key.startswith(prefix)}


def send_now(row: WaitingFile) -> bool:
    """Let the row be due at once; return False if it is being sent, or changed, or elsewhere."""
    with suppress(WxStaticStoreError):  # with wrong settings, no push would find it either
        if row.state != LEFT or at_home(row.using, row.env):
            same = rows().filter(IS_FREE, pk=row.pk, token=row.token)
            if done := bool(same.update(**_DUE_NOW)):
                push_wanted.send_robust(sender=None, using=row.using)
            return done
    return False


def give_up(row: WaitingFile) -> bool:
    """Delete the row and its bytes; return False if it is being sent, or has another content."""
    return remove(row, IS_FREE)


def remove(row: WaitingFile, *only: Q) -> bool:
    """Delete the row, if it has this content still, and its bytes; return whether."""
    # With a receiver of `pre_delete`, delete() would read the row, then delete it by its id alone.
    same = rows().filter(*only, pk=row.pk, token=row.token)
    if gone := bool(same._raw_delete(same.db)):
        after_commit(partial(free_bytes, row.token))
    return gone


def lease(row: WaitingFile, seconds: float) -> bool:
    """Keep others from sending the row for these seconds and those of a link; return whether."""
    until = Now() + timedelta(seconds=seconds + LINK_SECONDS + MARGIN)
    same = rows().filter(IS_FREE, pk=row.pk, token=row.token, leases=row.leases)
    counts = {"attempts": F("attempts") + 1, "leases": F("leases") + 1}
    if ours := bool(same.update(leased_until=until, maybe_public=True, **counts)):
        row.attempts, row.leases = row.attempts + 1, row.leases + 1
    return ours


def end_lease(row: WaitingFile, **columns: Any) -> bool:
    """Give the row back, changed, if this process has its lease still; return whether."""
    same = rows().filter(pk=row.pk, token=row.token, leases=row.leases)
    if not (ours := bool(same.update(leased_until=None, **columns))):
        _free_lease(row)
    return ours


def finish(row: WaitingFile) -> None:
    """Delete the row of what was sent, or let its newer content be sent at once."""
    # Who lost its lease leaves the row to its successor: without it, saves would be sent directly.
    if not remove(row, Q(leases=row.leases)):
        _free_lease(row)


def _free_lease(row: WaitingFile) -> None:
    """Let the newer content of the row be sent at once, unless another process has the lease."""
    rows().filter(pk=row.pk, leases=row.leases).exclude(token=row.token).update(leased_until=None)


def why(result: UploadResult, *, maybe_public: bool = False) -> dict[str, Any]:
    """Return the columns that say how a try failed."""
    error = result.error
    assert error is not None  # noqa: S101 -- only failures come here
    facts = {"cause": error.cause, "errcode": error.errcode, "message": english(error.message)}
    # A lease notes that an object may be there: here it is certain again.
    facts["maybe_public"] = maybe_public or result.status is UploadStatus.UNKNOWN
    return fitting(WaitingFile, facts)


def open_row(row: WaitingFile) -> BinaryIO:
    return open_bytes(row.token, row.sha256)


def drop(row: WaitingFile) -> bool:
    """Delete a row of which certainly nothing was sent; return whether it was one."""
    # A push that takes it at this moment notes that it may be public. A person may have uploaded
    # what is public already.
    certain = not row.maybe_public and row.source not in PERSONS
    return certain and remove(row, Q(maybe_public=False))


def put(uploader: Uploader, name: str, using: str, context: UploadContext, **content: Any) -> bool:
    """Let a save or a deletion wait; return False if one waits already and is not replaced."""
    options, key, kind = uploader.options, uploader.key(name), content["kind"]
    replaces, parks = content.get("replaces"), content.get("state") == LEFT
    by = {"source": context.source, "source_ref": context.source_ref, "user_id": context.user_id}
    # A lease goes on: who sends the old content may not have ended. `created` is of our own clock:
    # without USE_TZ, the database's may be in another zone.
    columns = _FRESH | content | by | {"name": name, "using": using, "created": timezone.now()}
    for _look in range(LOOKS):
        row = row_of(options, key, makes_way=True)
        if row is None:
            done = _insert(options, key, columns)
        elif parks or (row.kind == kind and not replaces and (kind == SAVE or row.state == DUE)):
            return False
        else:
            done = (kind == DELETE and drop(row)) or _replace(row, columns)
        if done:
            return True
    raise RuntimeError(key)  # others change it without end


def _insert(options: Options, key: str, columns: dict[str, Any]) -> bool:
    own = {"env": options.env, "key": key, "key_digest": key_digest(key)}
    with suppress(IntegrityError), transaction.atomic(using=rows().db):
        rows().create(**own, **columns)
        return True
    return False


def _replace(row: WaitingFile, columns: dict[str, Any]) -> bool:
    # What waited before may have been sent, even since the row was read.
    kept = {"replaces": True, "maybe_public": columns["maybe_public"] or F("maybe_public")}
    # Who has its lease may write its row of the log after this: no newer upload, however late.
    kept["earlier_md5"] = row.md5 if row.attempts else row.earlier_md5
    same = rows().filter(pk=row.pk, token=row.token, leases=row.leases)
    if done := bool(same.update(**columns | kept)):
        after_commit(partial(free_bytes, row.token))
    return done


# --- what is left over ---------------------------------------------------------------------------


def sweep(*, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """Delete old bytes that no row names, as of a rolled-back save; yield ``("unnamed", 1)``."""
    storage, until = bytes_storage(), time.time() - platform_options().waiting_hours * 3600
    heads: list[str] = []
    with suppress(FileNotFoundError):  # nothing ever waited
        heads = storage.listdir(FOLDER)[0]
    for head in heads:
        found = [head + tail for tail in storage.listdir(FOLDER + head)[1]]
        tokens = [token for token in found if re.fullmatch("[0-9a-f]{32}", token)]
        named = {*rows().filter(token__in=tokens).values_list("token", flat=True)}
        for path in map(path_for, sorted({*tokens} - named)):
            with suppress(FileNotFoundError):  # its save is rolled back at this moment
                if storage.get_modified_time(path).timestamp() < until:
                    if not dry_run:
                        storage.delete(path)
                    yield "unnamed", 1
