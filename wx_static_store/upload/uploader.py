"""Send one file and record it, or many by one loop."""

import logging
import queue
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, cast

from django.db import DatabaseError

from ..conf import Options, options_for
from ..core.frames import is_from_signal
from ..core.interrupts import interruptible
from ..core.match import Match, match
from ..core.naming import object_key
from ..core.types import ContentHeaders, UploadContext, UploadItem, UploadResult, UploadStatus
from ..exceptions import (
    ConfigurationError,
    IntegrityError,
    NameRejected,
    Remedy,
    UploadFailed,
    WxStaticStoreError,
)
from ..i18n import english, gettext_lazy as _
from .claims import drop_abandoned
from .presence import Presence, look_at
from .recorder import RECORD_SECONDS, Recorder, record_one
from .store import Store, store_for
from .transfer import Transfer, headers_of
from .workers import WorkerPool

logger = logging.getLogger("wx_static_store.submit")

SETTLE_SECONDS = 5.0  # for the one call that may show how an upload ended
STUCK_SECONDS = 30.0  # without a result, before files that get no link are tried no more
SAME_FAILURES = 5  # every attempt used up: the rest would go the same way
_LISTED = _("COS did not answer; the list shows these bytes")


class Steps(Protocol):
    """The source of items: the loop asks for the next item, and reports each result."""

    def next_item(self) -> UploadItem | None:
        """Return the next item, or None; there may be one after a running transfer has ended."""

    def on_result(self, result: UploadResult) -> bool:
        """Take a result; return whether the rest would fail, too."""

    def halt(self) -> None:
        """Give no more of these items: the rest would fail, too."""

    def on_cancelled(self) -> None:
        """Forget an item whose transfer did not begin, as the loop stopped; else do nothing."""
        return

    def on_tick(self, under_way: Collection[Transfer]) -> None:
        """Check the running transfers, or do nothing: after each result, or a second without."""
        return


class Uploader:
    """Send files: `transfer` in any thread; `upload`, `attempt`, `upload_many`, `send` record."""

    def __init__(self, options: Options) -> None:
        # A callable `env` is called once, here: worker threads do not know the caller's tenant.
        self.options: Options = options.settled()
        self.env: str = str(self.options.env)

    @property
    def store(self) -> Store:
        return store_for(self.options)

    def transfer(self, item: UploadItem) -> UploadResult:
        """Send one file and record nothing; an expected failure is a result, not an exception."""
        return Transfer(self.options, item).run()

    def upload(self, item: UploadItem, context: UploadContext) -> UploadResult:
        """
        Send one file and record it.

        Raises NameRejected, ConfigurationError for wrong settings, or UploadFailed, whose `status`
        is ``failed`` or ``unknown``.
        """
        result, _row = self.attempt(item, context)
        if result.error is None:
            return result
        raise to_raise(result)

    def attempt(
        self,
        item: UploadItem,
        context: UploadContext,
        unless: Callable[[WxStaticStoreError | None], bool] = lambda error: False,
        *,
        settles: bool = False,
    ) -> tuple[UploadResult, int | None]:
        """
        Send one file; return its result and the id of its row, None if there is no log.

        An error is not recorded if `unless(error)`: the file is not given up.
        """
        transfer = Transfer(self.options, item)
        drop_abandoned(self.options, self.key(item.name))
        try:
            result = transfer.run()
        except BaseException as error:
            # Broken off, as by a worker's time-out, it may be stored: without a row nobody looks.
            result = transfer.broken_off()
            # A full disk, say, after a part of the body was sent: the caller looks at the result.
            ours = isinstance(error, DatabaseError | OSError) and not is_from_signal(error)
            if not (ours and result.status is UploadStatus.UNKNOWN):
                record_one(result, context)
                raise
            reason = english(error).partition("\n")[0]  # a database may show values further down
            logger.error("%s: %s (%s)", type(error).__name__, reason, context.source_ref)
        result = self.settled(result) if settles else result
        return result, None if unless(result.error) else record_one(result, context)

    def settled(self, result: UploadResult) -> UploadResult:
        """Return the result; turn unknown into stored if one call finds these bytes at the key."""
        [found] = self.settle([result])
        return found

    def settle(self, results: list[UploadResult]) -> list[UploadResult]:
        """Return the results; turn unknown into stored where one call finds the bytes."""
        keys = {result.key for result in results if _is_open(result)}
        if not keys:
            return results
        # A person waits for it: one call, and only some seconds.
        seconds = min(SETTLE_SECONDS, self.options.deadline or SETTLE_SECONDS)
        once = replace(self.options, deadline=seconds, max_attempts=1)
        found: dict[str, Presence] = {}
        with suppress(WxStaticStoreError):
            found = look_at(store_for(once), keys)
        return [_as_listed(result, found.get(result.key)) for result in results]

    def upload_many(
        self, items: Iterable[UploadItem], context: UploadContext
    ) -> Iterator[UploadResult]:
        """
        Send many files in parallel and record them as they finish.

        Stops when an error says that all other files would fail, too; a file that was not
        attempted has no result.
        """
        recorder = Recorder(context)
        try:
            with WorkerPool(self.options.max_workers) as pool:
                yield from self.send(Queue(self, items), pool, recorder)
        finally:
            recorder.close()

    def send(
        self, steps: Steps, pool: WorkerPool, recorder: Recorder
    ) -> Generator[UploadResult, None, None]:
        """
        Yield each result, recorded and reported to `steps`, until `steps` has no more items.

        If something ends the loop early, such as Ctrl-C, running transfers get some seconds; one
        that does not end then is recorded as it stands. These results go to `steps`, too.
        """
        under_way = UnderWay(pool)
        with suppress(WxStaticStoreError):  # each file reports it
            self.store  # noqa: B018 -- made once, here: else every worker would make one
        try:
            while True:
                while under_way.has_room() and (item := steps.next_item()):
                    under_way.begin(Transfer(self.options, item, batch=True))
                if not under_way.transfers:
                    return
                finished = under_way.next_finished(RECORD_SECONDS)
                steps.on_tick(under_way.transfers)
                if finished is None:
                    recorder.write_if_due()
                    under_way.give_up_if_stuck()
                elif result := under_way.result(finished):
                    recorder.add(result)
                    under_way.remove(finished)
                    # The last try of a file that was stuck failed: those of the rest would, too.
                    if steps.on_result(result) or (result.error and finished.last_try):
                        steps.halt()
                        under_way.stop()
                    yield result
                else:
                    under_way.remove(finished)
                    steps.on_cancelled()
        except BaseException:
            for result in under_way.break_off():
                recorder.add(result)
                steps.on_result(result)
            raise
        finally:
            recorder.write()

    def failed(self, item: UploadItem, error: WxStaticStoreError) -> UploadResult:
        """Return the result of a file that was not sent, for the reason of `error`."""
        transfer = Transfer(self.options, item)
        with suppress(NameRejected):  # `error` says so
            transfer.prepare()
        transfer.learn(error)
        return transfer.result(error)

    def waiting(self, item: UploadItem) -> UploadResult:
        """Return the result of a file that waits."""
        transfer = Transfer(self.options, item)
        transfer.prepare()
        return replace(transfer.result(None), status=UploadStatus.WAITING)

    def key(self, name: str) -> str:
        """Return the key of a name; empty if no object can have it."""
        with suppress(NameRejected):
            return object_key(self.options.location, name)
        return ""

    def headers(self, item: UploadItem) -> ContentHeaders:
        """Return the content headers that this store gives the item."""
        return headers_of(self.options, item)


def _is_open(result: UploadResult) -> bool:
    """Return whether the list may show how the upload ended."""
    # Not where COS named other bytes: what a late list shows is the object before.
    other_bytes = isinstance(result.error, IntegrityError)
    return result.status is UploadStatus.UNKNOWN and bool(result.md5) and not other_bytes


def _as_listed(result: UploadResult, found: Presence | None) -> UploadResult:
    """Return the result; stored if the list shows its bytes."""
    file = found.file if found and _is_open(result) else None
    if file is None or match(result, file) is not Match.SAME:
        return result
    stored: dict[str, Any] = {"status": UploadStatus.STORED, "stage": "", "error": None}
    return replace(result, **stored, stored_at=file.last_modified, note=_LISTED)


class UnderWay:
    """The transfers that the caller handed to a pool and whose results it has not taken yet."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._futures: dict[Transfer, Future[UploadResult] | None] = {}
        self._finished: queue.SimpleQueue[Transfer] = queue.SimpleQueue()
        self._since = time.monotonic()  # something came back

    @property
    def transfers(self) -> Collection[Transfer]:
        return self._futures.keys()

    def has_room(self) -> bool:
        return len(self._futures) < self._pool.capacity

    def begin(self, transfer: Transfer) -> None:
        self._futures[transfer] = None  # first: one worker sends it at once
        self._futures[transfer] = future = self._pool.submit(transfer.run)
        future.add_done_callback(lambda _future: self._finished.put(transfer))

    def next_finished(self, seconds: float) -> Transfer | None:
        """Wait for the next finished or cancelled transfer; return None if none came."""
        with interruptible(), suppress(queue.Empty):
            transfer = self._finished.get(timeout=seconds)
            self._since = time.monotonic()
            return transfer
        return None

    def result(self, transfer: Transfer) -> UploadResult | None:
        """Return a finished transfer's result, None for a cancelled one; raise its exception."""
        future = cast("Future[UploadResult]", self._futures[transfer])
        return None if future.cancelled() else future.result()

    def remove(self, transfer: Transfer) -> None:
        del self._futures[transfer]

    def stop(self) -> None:
        """Cancel the transfers that did not begin, and let the others try no more."""
        for future in filter(None, self._futures.values()):
            future.cancel()
        self._try_no_more()

    def give_up_if_stuck(self) -> None:
        """Let all try no more if no transfer ended for long, some failed, and none is sending."""
        if time.monotonic() - self._since < STUCK_SECONDS:
            return
        failed = sum(transfer.trouble is not None for transfer in self._futures)
        if failed >= SAME_FAILURES and not any(transfer.sending for transfer in self._futures):
            self._try_no_more()

    def _try_no_more(self) -> None:
        for transfer in self._futures:
            transfer.last_try = True

    def break_off(self) -> list[UploadResult]:
        """Return the result of each transfer that has begun, within the pool's patience."""
        begun = {
            transfer: future
            for transfer, future in self._futures.items()
            if not (future.cancel() if future else transfer.key == "")
        }
        with suppress(KeyboardInterrupt):  # a second one: it is not waited for any longer
            wait(filter(None, begun.values()), timeout=self._pool.patience())
        return [
            future.result()
            if future and future.done() and not future.exception()
            else transfer.broken_off()
            for transfer, future in begun.items()
        ]


def get_uploader(using: str = "default", env: str | None = None) -> Uploader:
    """Return the uploader of a ``STORAGES`` alias, or of its store at another environment."""
    return Uploader(options_for(using).for_env(env))


class Queue(Steps):
    """The steps that send items one after the other, until the rest is not worth trying."""

    def __init__(
        self,
        uploader: Uploader,
        items: Iterable[UploadItem],
        report: Callable[[UploadResult], object] = lambda result: None,
    ) -> None:
        self._items = iter(items)
        self._report = report
        self._max_attempts = uploader.options.max_attempts
        self.halted = False
        self._kind: type | None = None
        self._in_a_row = 0

    def next_item(self) -> UploadItem | None:
        return None if self.halted else next(self._items, None)

    def on_result(self, result: UploadResult) -> bool:
        self._report(result)
        error = result.error
        self._in_a_row = self._in_a_row + 1 if type(error) is self._kind else 1
        self._kind = type(error)
        if error:
            gave_up = error.remedy is Remedy.WAIT and result.attempts == self._max_attempts
            self.halted |= error.stops_batch or (gave_up and self._in_a_row >= SAME_FAILURES)
        return self.halted

    def halt(self) -> None:
        self.halted = True


def to_raise(result: UploadResult) -> WxStaticStoreError:
    """Return the exception for an upload that failed."""
    error = result.error
    assert error is not None  # noqa: S101 -- only failures come here
    # Without an errcode no call was made: the settings are wrong, and say so as everywhere.
    ours = isinstance(error, ConfigurationError) and error.errcode is None
    if ours or isinstance(error, NameRejected):
        return error.with_traceback(None)
    failed = UploadFailed(error.message)
    failed.__dict__.update(error.__dict__)
    return failed.with_context(cause=error.cause, status=result.status.value)
