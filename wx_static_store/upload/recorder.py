"""
Write results to the database, and always to the logger ``wx_static_store.uploads``.

All of it runs in the caller's thread; worker threads never touch the ORM. Inside a transaction of
the caller, the row is rolled back with it; the logger's line stays and says so.
"""

import json
import logging
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from django.utils import timezone

from ..core.types import UploadContext, UploadResult, UploadStatus, facts
from ..exceptions import IntegrityError, SourceError
from ..i18n import english, gettext_lazy as _, gettext_noop
from ..signals import deployment_finished, upload_finished
from .database import (
    deployments,
    flag,
    forget,
    in_database,
    is_away,
    log,
    own_savepoint,
    rest,
    write,
)

logger = logging.getLogger("wx_static_store.recorder")
uploads = logging.getLogger("wx_static_store.uploads")

# Without a handler of its own, Python would print each failure beside its exception.
uploads.addHandler(logging.NullHandler())

RECORD_AT_ONCE = 100  # results, written in one query
RECORD_SECONDS = 1.0  # a killed run loses at most the rows of this time
_PRUNED = _("The release was pruned before its deployment began")
Recorded = tuple[UploadResult, UploadContext]
_unwritten_rows: deque[Recorded] = deque(maxlen=1000)  # of single uploads

_LEVELS = {UploadStatus.FAILED: logging.ERROR, UploadStatus.UNKNOWN: logging.ERROR}


class JsonLinesFormatter(logging.Formatter):
    """For a handler of ``wx_static_store.uploads``: one upload, one JSON object, one line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "upload", {"message": record.getMessage()})
        line = json.dumps({"time": record.created, **facts}, ensure_ascii=False, default=str)
        return line.encode("utf-8", "backslashreplace").decode()  # surrogates, as JSON escapes them


class Recorder:
    """Record the results of one run in the thread that adds them, many rows per query."""

    def __init__(self, context: UploadContext) -> None:
        self.context = context
        self._rows: list[Recorded] = []  # to be written, or once more: the database refused them
        self._since = time.monotonic()

    def add(self, result: UploadResult, *, source: str = "") -> None:
        """Record the result soon: after a second, or with a hundred others."""
        context = replace(self.context, source=source) if source else self.context
        self._rows.append((result, context))
        _log(result, context)
        self.write_if_due()

    def write_if_due(self) -> None:
        late = time.monotonic() - self._since >= RECORD_SECONDS
        if late or len(self._rows) % RECORD_AT_ONCE == 0:
            self.write()

    def write(self, *, at_once: bool = False) -> bool:
        """Write the waiting rows; return whether the database took all."""
        self._since = time.monotonic()
        insert = partial(_insert, self._rows)
        written = write(insert, otherwise=0, at_once=at_once) if self._rows else 0
        if written:
            rows, self._rows = self._rows, []  # first: a receiver may be broken off
            _announce(rows)
        return not self._rows

    def close(self) -> bool:
        """Write the remaining rows, also after an error; return whether all are written."""
        deployment, written = self.context.deployment_id, self.write()
        if not written and (is_away() or deployment):
            rest(0.0)
            # After Ctrl-C there is no time to wait for a lock once more.
            written = self.write(at_once=not isinstance(sys.exception(), KeyboardInterrupt))
        if not written and (is_away() or deployment):
            text = gettext_noop(
                "%d rows of deployment %s could not be written. Run the deploy again, or "
                "wx_reconcile --fix: the cloud's list says what is there"
            )
            logger.error(text, len(self._rows), deployment or "-")
        _announce(self._rows)
        _unwritten_rows.extend(self._rows)
        return written


def record_one(result: UploadResult, context: UploadContext) -> int | None:
    """Record one result, after those that could not be written; return its row's id, or None."""
    row = None
    try:
        _log(result, context)
        _write_missed()  # first: the newest row of a key has the highest id
        row = write(lambda: int(log().create(**_columns(result, context)).pk), otherwise=None)
    finally:  # also when a worker's time-out comes in the middle
        if row is None:
            _unwritten_rows.append((result, context))
    _announce([(result, context)])
    return row


def _write_missed() -> None:
    missed = list[Recorded]()
    written = 0
    try:
        with suppress(IndexError):  # of another thread, which takes them, too
            while _unwritten_rows:
                missed.append(_unwritten_rows.popleft())
        if missed:
            written = write(partial(_insert, missed), otherwise=0)
    finally:
        if not written:
            # Back in front, in their old order: the newest row of a key has the highest id.
            _unwritten_rows.extendleft(reversed(missed))


def reset() -> None:
    """Forget the rows that could not be written, and ask the database again: for tests."""
    _unwritten_rows.clear()
    forget()


def trusted_from(env: str) -> int | None:
    """Return the id of the newest deployment with missing rows, which may outdate older rows."""
    newest = in_database(
        lambda: deployments().unfinished(env).order_by("-id").first(), otherwise=None
    )
    return newest.pk if newest else None


class OtherDeployments:
    """The deployments beside one's own, by the log: made when the environment is locked."""

    running: Sequence[int] = ()  # killed, or alive beside a lock that the cache lost
    _since: tuple[Any, Any] | None = None  # deployments that begin, rows that running ones add

    def __init__(self, env: str) -> None:
        in_database(partial(self._look, env), otherwise=None)

    def _look(self, env: str) -> None:
        here, rows = deployments().filter(env=env), log()
        self.running = [*here.filter(outcome="running").values_list("id", flat=True)]
        ids = (each.order_by("-id").values_list("id", flat=True) for each in (here, rows))
        newest, last = (found.first() or 0 for found in ids)
        added = rows.filter(deployment__in=self.running, id__gt=last)
        self._since = here.filter(id__gt=newest), added

    def wrote(self, mine: int | None) -> int | None:
        """Return the id of another one that began, or has new rows, since, where mine writes."""
        if self._since is None or mine is None:
            return None
        began, rows = self._since
        ids = rows.order_by().values_list("deployment", flat=True).distinct()

        def find() -> list[int]:
            wanted = {mine, *began.values_list("id", flat=True), *ids}
            folders = dict(deployments().filter(id__in=wanted).values_list("id", "folder"))
            own = folders.pop(mine, "")
            # A folder may lie in the other one.
            return [pk for pk, of in folders.items() if of.startswith(own) or own.startswith(of)]

        return next(iter(in_database(find, otherwise=list[int]())), None)


def start_deployment(env: str, context: UploadContext, **columns: Any) -> int | None:
    """Return the id of a new `Deployment`, None without a log; SourceError for a pruned release."""

    def insert() -> int:
        from ..models import Deployment, Release, fitting

        # Locked until the row names it: nobody can delete it in between.
        release = columns.get("release")
        named = Release.objects.filter(pk=release.pk) if release else None
        if named is not None and not named.update(used=timezone.now()):
            raise SourceError(_PRUNED, stage="source", hint=_("Run it again."))
        # The caller holds the environment's lock: whatever still runs there was killed.
        killed = Deployment.objects.filter(env=env, outcome=Deployment.Outcome.RUNNING)
        killed.update(outcome=Deployment.Outcome.INCOMPLETE)
        texts = {"env": env, "source": context.source, "label": context.source_ref} | columns
        row = Deployment.objects.create(**fitting(Deployment, texts), user_id=context.user_id)
        return int(row.pk)

    if is_away():
        rest(0.0)
    return in_database(insert, otherwise=None)


def finish_deployment(deployment_id: int | None, **facts: Any) -> None:
    """Record how a deployment ended, or what it found; the state of its folder follows."""
    if deployment_id is not None:
        write(lambda: deployments().filter(pk=deployment_id).note(**facts), otherwise=None)


def _announce(recorded: Sequence[Recorded]) -> None:
    for result, context in recorded if upload_finished.has_listeners() else ():
        with own_savepoint():
            upload_finished.send_robust(sender=None, result=result, context=context)


def announce_deployment(env: str, deployment_id: int | None, *, ok: bool, logged: bool) -> None:
    """Send the signal of a deployment that has ended, unless it had nothing to do."""
    if deployment_id is None and ok:
        return
    outcome = ("done" if ok else "failed") if logged else "incomplete"
    with own_savepoint():
        deployment_finished.send_robust(None, env=env, deployment_id=deployment_id, outcome=outcome)


def _insert(recorded: Sequence[Recorded]) -> int:
    return log().insert([_columns(*pair) for pair in recorded])


def _columns(result: UploadResult, context: UploadContext) -> dict[str, Any]:
    from ..models import UploadLog, fitting, key_digest

    columns = fitting(UploadLog, facts(result, context))
    return columns | {"key_digest": key_digest(columns["key"])}


def _log(result: UploadResult, context: UploadContext) -> None:
    level = _LEVELS.get(result.status, logging.INFO)
    if isinstance(result.error, IntegrityError):
        level = logging.CRITICAL  # wrong bytes may be public
    if not uploads.isEnabledFor(level):
        return
    line = {
        **{k: v for k, v in facts(result, context).items() if v not in (None, "")},
        **({"error": english(result.error)} if result.error else {}),
        "verified": result.verified,
        "in_atomic": flag("in_atomic_block"),  # then the row goes if the caller rolls back
    }
    why = f": {english(result.error)}" if result.error else ""
    note = "" if result.verified or result.error else " (unverified: COS named no MD5)"
    uploads.log(
        level, "%s %s%s%s", result.status.value, ascii(result.key or result.name), note, why,
        extra={"upload": line},
    )  # fmt: skip
