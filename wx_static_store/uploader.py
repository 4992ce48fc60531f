"""One file, from `UploadItem` to `UploadResult`."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial

from . import pool, recorders
from .clients.cos import PutReceipt
from .conf import options_for
from .exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    NameRejected,
    Remedy,
    ResponseLost,
    UploadFailed,
    WxStaticStoreError,
)
from .naming import content_headers, object_key
from .options import STATIC, Options
from .retry import Deadline
from .secrets import Secret
from .sources import looked_at, opened, rereadable
from .store import Store, store_for
from .texts import gettext_lazy as _
from .transfers import (
    ContentHeaders,
    UploadContext,
    UploadItem,
    UploadResult,
    UploadStatus,
)

__all__ = ["Uploader", "get_uploader"]

BATCH_SECONDS = 300.0
BATCH_RATE = 200 * 1024  # bytes a second that a slow line still manages
RECORD_AT_ONCE = 100  # results, written in one query
RECORD_SECONDS = 1.0  # a killed run loses the rows of so long, and the next one sends those again
SAME_FAILURES = 5  # in a row, every attempt used up: the rest would go the same way


@dataclass
class _Progress:
    """What the attempts of one upload learn on the way."""

    key: str
    headers: ContentHeaders
    size: int | None = None
    md5: str = ""
    attempts: int = 0
    errcode: int | None = None
    rid: str = ""
    maybe_stored: bool = False
    receipt: PutReceipt | None = field(default=None)

    def hear(self, error: WxStaticStoreError) -> None:
        error.about(key=self.key)
        self.maybe_stored |= error.maybe_stored
        self.answered(error.errcode, error.rid)

    def answered(self, errcode: int | None, rid: str = "") -> None:
        """The last number that WeChat gave in this upload; a lost answer is no number."""
        if errcode is not None:
            self.errcode, self.rid = errcode, rid


class Uploader:
    """
    Sends files to one environment; `transfer` is safe in threads, the other two record.

    A callable `env` is asked here, once: worker threads know nothing of the caller's tenant.
    """

    def __init__(self, options: Options) -> None:
        self.options = options.settled()
        self.env = str(self.options.env)
        self.logged = 0  # rows that the database took of `upload_many`
        self.finished: list[UploadResult] = []  # of the last `upload_many`, in its order
        self._sent: set[str] = set()  # keys under way whose body has begun to go

    @property
    def store(self) -> Store:
        return store_for(self.options)

    def transfer(self, item: UploadItem, *, batch: bool = False) -> UploadResult:
        """Send one file and record nothing; an expected failure is a result, not an exception."""
        started = time.monotonic()
        progress = _Progress("", ContentHeaders("", ""))
        error: WxStaticStoreError | None = None
        try:
            progress.key = object_key(self.options.location, item.name)
            progress.headers = self.headers(item)
            with rereadable(item) as again:
                self._attempt(self.store, again, progress, batch=batch)
        except WxStaticStoreError as failure:
            error = failure.about(env=self.env, key=progress.key)
        self._sent.discard(progress.key)
        return _result(item, self.env, progress, error, time.monotonic() - started)

    def upload(self, item: UploadItem, context: UploadContext) -> UploadResult:
        """
        Send one file and record it.

        Raises NameRejected, ConfigurationError, or UploadFailed, whose `status` tells ``failed``
        from ``unknown``.
        """
        result = self.transfer(item)
        recorders.record([result], context)
        if result.error is None:
            return result
        raise _to_raise(result)

    def upload_many(
        self, items: Iterable[UploadItem], context: UploadContext
    ) -> Generator[UploadResult, None, None]:
        """
        Send many files in parallel and record them as they finish.

        Stops handing out files when an error says that all others would fail alike; what was not
        attempted then has no result.
        """
        self.finished = finished = list[UploadResult]()
        with pool.Crew(self.options.max_workers) as crew:
            yield from pool.arrivals(finished, self.sending(items, context, crew, finished))

    def sending(
        self,
        items: Iterable[UploadItem],
        context: UploadContext,
        crew: pool.Crew,
        finished: list[UploadResult],
    ) -> Generator[None, None, None]:
        """The same by a crew that others use, too: results are in `finished` after each step."""
        halt, heard, recorded = _Halt(self.options.max_attempts), 0, 0
        since = time.monotonic()
        transfer = partial(self.transfer, batch=True)
        batch = pool.Batch(crew, transfer, lost=self.lost, finished=finished)
        with suppress(WxStaticStoreError):  # each file tells it
            self.store  # noqa: B018 -- made once, here: else every worker would make one
        try:
            with closing(batch.steps(halt.until_halted(items))) as steps:
                for _step in steps:
                    while heard < len(finished):
                        halt.hear(finished[heard])
                        heard += 1
                    late = time.monotonic() - since >= RECORD_SECONDS
                    if late or len(finished) - recorded >= RECORD_AT_ONCE:
                        rows = finished[recorded:]
                        recorded += len(rows)  # first: an interruption must not write them twice
                        self._record(rows, context)
                        since = time.monotonic()
                    yield
        finally:
            batch.dismiss()
            self._record(finished[recorded:], context)

    def lost(self, item: UploadItem) -> UploadResult:
        """The result of a file that was under way when the run was interrupted."""
        sent = object_key(self.options.location, item.name) in self._sent
        error = ResponseLost(_("Interrupted while it was sent"), stage="put" if sent else "link")
        return self.failed(item, error.about(maybe_stored=sent))

    def failed(self, item: UploadItem, error: WxStaticStoreError) -> UploadResult:
        """The result of a file that no attempt brought to an end, for the reason of `error`."""
        progress = _Progress(object_key(self.options.location, item.name), self.headers(item))
        if item.md5:  # by which the row's bytes are found again; the size was told with it
            progress.md5, progress.size = item.md5, item.size
        progress.hear(error.about(env=self.env))
        return _result(item, self.env, progress, error, 0.0)

    def _record(self, results: list[UploadResult], context: UploadContext) -> None:
        self.logged += recorders.record(results, context)

    def headers(self, item: UploadItem) -> ContentHeaders:
        """The content headers that this store gives the item."""
        static = self.options.kind == STATIC
        return content_headers(item, self.options.cache_control, static=static)

    def _deadline(self, store: Store, item: UploadItem, *, batch: bool) -> Deadline:
        if not batch:
            return store.interactive_deadline(item.size or 0)
        seconds = self.options.deadline or BATCH_SECONDS
        return Deadline.after(seconds + (item.size or 0) / BATCH_RATE, store.clock)

    def _attempt(self, store: Store, item: UploadItem, progress: _Progress, *, batch: bool) -> None:
        deadline = self._deadline(store, item, batch=batch)

        def try_once(number: int, token: Callable[[], Secret]) -> None:
            progress.attempts = number
            known = item.md5 if number == 1 else None  # the plan hashed it; later we look again
            with (
                opened(item, md5=known, tick=lambda: deadline.check("put")) as source,
                store.puts.entered(deadline.left),
            ):
                progress.size = len(source)
                progress.md5 = source.known_md5
                current = token()
                with store.gate.entered(deadline.left):
                    link = store.wechat.upload_link(
                        current, store.env, progress.key, left=deadline.left
                    )
                progress.answered(0)
                self._sent.add(progress.key)
                progress.receipt = store.cos.put_object(
                    link, source, progress.headers, md5=source.known_md5, left=deadline.left
                )
                progress.md5 = progress.receipt.md5

        try:
            store.attempt(try_once, deadline=deadline, on_error=progress.hear)
        except WxStaticStoreError:
            if batch and not progress.md5:  # by which the row's bytes are found again
                with suppress(DeadlineExceeded):
                    progress.md5 = looked_at(item, lambda: deadline.check("source"))[0] or ""
            raise


def get_uploader(using: str = "default", env: str | None = None) -> Uploader:
    """The uploader of a ``STORAGES`` alias, or of the same store at another environment."""
    return Uploader(options_for(using).for_env(env))


class _Halt:
    """Decides when the rest of a batch is not worth trying."""

    def __init__(self, max_attempts: int) -> None:
        self._max_attempts = max_attempts
        self._halted = False
        self._kind: type[WxStaticStoreError] | None = None
        self._in_a_row = 0

    def until_halted(self, items: Iterable[UploadItem]) -> Iterator[UploadItem]:
        for item in items:
            if self._halted:
                return
            yield item

    def hear(self, result: UploadResult) -> None:
        error = result.error
        self._in_a_row = self._in_a_row + 1 if error and type(error) is self._kind else 1
        self._kind = type(error) if error else None
        if error is None:
            return
        in_vain = error.remedy is Remedy.WAIT and result.attempts == self._max_attempts
        self._halted |= error.stops_batch or (in_vain and self._in_a_row >= SAME_FAILURES)


def _result(
    item: UploadItem,
    env: str,
    progress: _Progress,
    error: WxStaticStoreError | None,
    seconds: float,
) -> UploadResult:
    receipt = progress.receipt
    if error is None:
        status = UploadStatus.STORED
    else:
        status = UploadStatus.UNKNOWN if progress.maybe_stored else UploadStatus.FAILED
    return UploadResult(
        name=str(item.name),
        key=progress.key,
        status=status,
        env=env,
        size=progress.size,
        md5=progress.md5,
        headers=progress.headers,
        verified=receipt.verified if receipt and not error else False,
        changed=not error and not _as_planned(item, progress),
        attempts=progress.attempts,
        seconds=seconds,
        stage=error.stage if error else "",
        error=error,
        errcode=progress.errcode,
        rid=progress.rid,
        request_id=error.request_id if error else receipt.request_id if receipt else "",
    )


def _as_planned(item: UploadItem, progress: _Progress) -> bool:
    """Whether these are the bytes that were looked at, as far as anybody looked."""
    if item.md5 is None:
        return item.size in (None, progress.size)
    return item.md5 == progress.md5


def _to_raise(result: UploadResult) -> WxStaticStoreError:
    error = result.error
    if isinstance(error, NameRejected | ConfigurationError):
        return error.with_traceback(None)
    assert error is not None  # noqa: S101 -- only failures come here
    failed = UploadFailed(error.message)
    failed.__dict__.update(error.__dict__)
    return failed.about(hint=error.hint, remedy=error.remedy, status=result.status.value)
