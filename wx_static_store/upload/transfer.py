"""
One file on its way: its attempts, and their results so far.

Where OpenTelemetry is installed (extra ``otel``), each upload counts in metrics; it is a span, too,
if the project has set a tracer provider.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from ..clients.cos import PutReceipt
from ..clients.tokens import current_token, discard_token
from ..conf.options import STATIC, Options
from ..core.naming import content_headers, object_key
from ..core.retry import READ_RATE, Deadline, run
from ..core.secrets import Secret
from ..core.types import NO_HEADERS, ContentHeaders, UploadItem, UploadResult, UploadStatus
from ..exceptions import DeadlineExceeded, Remedy, ResponseLost, WxStaticStoreError
from ..i18n import gettext_lazy as _
from .sources import fingerprint, opened, rereadable
from .store import INTERACTIVE_RATE, Store, store_for

BATCH_SECONDS = 300.0
BATCH_RATE = 200 * 1024  # bytes a second that a slow line still manages


def headers_of(options: Options, item: UploadItem) -> ContentHeaders:
    """Return the content headers that a store with these options gives the item."""
    return content_headers(item, options.cache_control, static=options.kind == STATIC)


def longest(store: Store, size: int) -> float:
    """Return the seconds after which a list call and an upload are over, with all waits."""
    rates = (INTERACTIVE_RATE / 2, READ_RATE, BATCH_RATE)
    return 4 * store.interactive_deadline().left() + sum(size / rate for rate in rates)


@cache
def _otel() -> Any:
    """Return OpenTelemetry's modules and our instruments; None where it is not installed."""
    try:
        from opentelemetry import context, metrics, trace
    except ImportError:
        return None
    meter = metrics.get_meter("wx_static_store")
    return SimpleNamespace(
        context=context,
        trace=trace,
        tracer=trace.get_tracer("wx_static_store"),
        uploads=meter.create_counter("wx.uploads", "1", "Uploads, by outcome and errcode"),
        bytes=meter.create_counter("wx.upload.bytes", "By", "Bytes that were stored"),
        seconds=meter.create_histogram("wx.upload.duration", "s", "Seconds of an upload"),
    )


@dataclass(eq=False, repr=False)  # a traceback that shows it shows no options
class Transfer:
    """One file on its way, and the results of its attempts so far."""

    options: Options = field(repr=False)  # settled: its `env` is a text
    item: UploadItem
    batch: bool = False
    started: float = field(default_factory=time.monotonic)
    # Of whoever asked: the span belongs to it, and is begun in a thread that does not know it.
    trace: Any = field(default_factory=lambda: (api := _otel()) and api.context.get_current())
    key: str = ""
    headers: ContentHeaders = NO_HEADERS
    token: Secret | None = None  # that the last attempt used
    size: int | None = None
    allowed: int = 0  # bytes for which the deadline was extended
    md5: str = ""
    attempts: int = 0
    errcode: int | None = None
    rid: str = ""
    sending: bool = False  # the body has begun to go, and nobody knows more
    trouble: WxStaticStoreError | None = None  # how the last attempt failed
    last_try: bool = False  # the batch stops: no attempt follows that of now
    abandoned: bool = False  # nobody waits for its end: nothing more may be sent
    maybe_stored: bool = False
    receipt: PutReceipt | None = None

    def prepare(self) -> None:
        """Determine the key and the headers; raise NameRejected."""
        self.key = object_key(self.options.location, self.item.name)
        self.headers = headers_of(self.options, self.item)
        if self.item.md5:  # by which the row's bytes are found again; the size comes with it
            self.md5, self.size = self.item.md5, self.item.size

    def run(self) -> UploadResult:
        """Send it; an expected failure is a result."""
        with _span("wx.upload", self.trace) as span:
            error = None
            try:
                self.prepare()
                with rereadable(self.item) as again:
                    self._send(again)
            except WxStaticStoreError as failure:
                error = failure
            result = self.result(error)
            _describe(span, result)
            return result

    def broken_off(self) -> UploadResult:
        """Return the result as it stands, and send nothing more: nobody waits for the end."""
        self.abandoned = True  # before `sending` is read: what goes on in a worker sees either
        if self.receipt:
            return self.result(None)
        if self.sending:
            text, stage = _("Interrupted while it was sent"), "put"
        else:
            text, stage = _("Interrupted before it was sent"), "link" if self.key else "name"
        self.maybe_stored |= self.sending
        return self.result(ResponseLost(text, cause="interrupted", stage=stage))

    def result(self, error: WxStaticStoreError | None) -> UploadResult:
        receipt = self.receipt  # that of the last attempt: there is no error then
        if error is None:
            status = UploadStatus.STORED
        else:
            status = UploadStatus.UNKNOWN if self.maybe_stored else UploadStatus.FAILED
            error.with_context(env=str(self.options.env), key=self.key)
        # A plan that did not hash the file knows its size at most.
        same_size = self.item.size in (None, self.size)
        as_planned = same_size if self.item.md5 is None else self.item.md5 == self.md5
        return UploadResult(
            name=str(self.item.name),
            key=self.key,
            status=status,
            env=str(self.options.env),
            size=self.size,
            md5=self.md5,
            headers=self.headers,
            verified=bool(receipt and receipt.verified),
            changed=not error and not as_planned,
            attempts=self.attempts,
            seconds=time.monotonic() - self.started,
            stage=error.stage if error else "",
            error=error,
            errcode=self.errcode,
            rid=self.rid,
            request_id=error.request_id if error else receipt.request_id if receipt else "",
            stored_at=receipt.date if receipt else None,
            source_ref=self.item.source_ref,
        )

    def learn(self, error: WxStaticStoreError) -> None:
        """Learn from an attempt that failed."""
        self.sending, self.trouble = False, error
        self.maybe_stored |= error.maybe_stored
        if error.errcode is not None:  # a lost answer has none
            self.errcode, self.rid = error.errcode, error.rid

    def _check_abandoned(self) -> None:
        if self.abandoned:
            text = _("Interrupted before it was sent")
            raise ResponseLost(text, cause="interrupted", remedy=Remedy.LATER)
        if time.time() > self.item.until:
            text = _("The time for this upload is over")
            raise DeadlineExceeded(text, stage="link", remedy=Remedy.LATER)

    def _send(self, item: UploadItem) -> None:
        """Try until COS has the file, or no remedy is left."""
        store = store_for(self.options)
        if self.batch:  # nobody waits for the file: it may wait for a slot as long as it takes
            until = store.clock.now() + (self.options.deadline or BATCH_SECONDS)
            deadline = Deadline(until, store.clock)
        else:
            deadline = store.interactive_deadline()

        def on_error(error: WxStaticStoreError) -> None:
            refused = error.remedy is Remedy.NEW_TOKEN
            self.learn(error)
            if refused and self.token is not None:
                discard_token(store.tokens, self.token, error)

        try:
            run(
                lambda number: self._try_once(number, item, store, deadline),
                max_attempts=self.options.max_attempts,
                deadline=deadline,
                on_error=on_error,
                give_up=lambda: self.last_try,
                # A batch has the time: a proxy's page may pass, as a 502 does.
                patient=self.batch,
            )
        except WxStaticStoreError:
            if self.batch and not self.md5:  # by which the row's bytes are found again
                with suppress(DeadlineExceeded):
                    self.md5 = fingerprint(item, lambda: deadline.check("source")).md5 or ""
            raise

    def _try_once(self, number: int, item: UploadItem, store: Store, deadline: Deadline) -> None:
        """Open, measure and hash the file, ask for a link, and PUT the file there at once."""
        self._check_abandoned()
        self.attempts = number
        known = item.md5 if number == 1 else None  # the plan hashed it; later we look again
        with opened(item, md5=known) as source, store.platform.put_limiter.slot(deadline):
            self.size = len(source)
            rate = BATCH_RATE if self.batch else INTERACTIVE_RATE
            deadline.extend(max(0, self.size - self.allowed) / rate)
            self.allowed = max(self.allowed, self.size)
            self.md5 = source.known_md5
            self.token = current_token(store.tokens)
            # Each attempt asks for a link of its own, just before the PUT: a link lives 60 seconds.
            with store.platform.api_limiter.slot(deadline), _span("wx.link"):
                link = store.wechat.upload_link(self.token, store.env, self.key, deadline=deadline)
            self.errcode, self.rid = 0, ""
            self.sending = True
            # Again, now that `sending` is set: what was reported as not sent must not be sent.
            self._check_abandoned()
            with _span("wx.put"):
                self.receipt = store.cos.put_object(
                    link, source, self.headers, md5=source.known_md5, deadline=deadline
                )
            self.md5 = self.receipt.md5


# --- spans and metrics ---------------------------------------------------------------------------


def _span(name: str, parent: Any = None) -> AbstractContextManager[Any]:
    """Run the block within a span; yield it, or None if nobody would see it."""
    api = _otel()
    if api is None or isinstance(api.trace.get_tracer_provider(), api.trace.ProxyTracerProvider):
        return nullcontext()
    return _seen_span(api, name, parent)


@contextmanager
def _seen_span(api: Any, name: str, parent: Any) -> Iterator[Any]:
    # An error's text may hold a secret: the span gets its class alone.
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with api.tracer.start_as_current_span(name, context=parent, **quiet) as span:
        try:
            yield span
        except BaseException as error:
            span.set_status(api.trace.StatusCode.ERROR, type(error).__name__)
            raise


def _describe(span: Any, result: UploadResult) -> None:
    """Write into the span and the metrics how an upload ended."""
    if (api := _otel()) is None:
        return
    labels = {"wx.outcome": result.status.value}
    api.uploads.add(1, labels | {"wx.errcode": result.errcode or 0})
    api.seconds.record(result.seconds, labels)
    api.bytes.add((result.size or 0) if result.error is None else 0, labels)
    if span is None:
        return
    facts = {
        "wx.env": result.env,
        "wx.key": result.key,
        "wx.outcome": result.status.value,
        "wx.errcode": result.errcode,
        "wx.attempts": result.attempts,
        "wx.bytes": result.size,
    }
    span.set_attributes({name: value for name, value in facts.items() if value is not None})
    if result.error:
        span.set_status(api.trace.StatusCode.ERROR, type(result.error).__name__)
