"""The running transfers of a batch: begin, wait, stop."""

from __future__ import annotations

import queue
import time
from collections.abc import Collection
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import cast

from ..core.interrupts import interruptible
from ..core.types import UploadResult
from .transfer import Transfer
from .workers import WorkerPool

STUCK_SECONDS = 30.0  # without a result, before files that get no link are tried no more
SAME_FAILURES = 5  # every attempt used up: the rest would go the same way


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
        """
        Return the result of each transfer, within the pool's patience; cancel those not begun.

        A transfer that has not ended by then has the result of one that was broken off.
        """
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
