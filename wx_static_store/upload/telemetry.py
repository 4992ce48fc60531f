"""
Spans and metrics of uploads, where OpenTelemetry's API is installed (extra ``otel``).

A span holds no address and no text of an error, as both could hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..core.types import UploadResult

NAME = "wx_static_store"


def current() -> Any:
    """Return the caller's context, which a span in a worker thread is linked to."""
    return api.context.get_current() if (api := _api()) else None


@contextmanager
def span(name: str, parent: Any = None) -> Iterator[Any]:
    """Run the block within a span; yield it, or None where OpenTelemetry is not installed."""
    if (api := _api()) is None:
        yield None
        return
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with api.tracer.start_as_current_span(name, context=parent, **quiet) as one:
        try:
            yield one
        except BaseException as error:
            one.set_status(api.trace.StatusCode.ERROR, type(error).__name__)
            raise


def finished(one: Any, result: UploadResult) -> None:
    """Write into the span and the metrics how an upload ended."""
    if one is None or (api := _api()) is None:
        return
    facts = {
        "wx.env": result.env,
        "wx.key": result.key,
        "wx.outcome": result.status.value,
        "wx.errcode": result.errcode,
        "wx.attempts": result.attempts,
        "wx.bytes": result.size,
    }
    one.set_attributes({name: value for name, value in facts.items() if value is not None})
    if result.error:
        one.set_status(api.trace.StatusCode.ERROR, type(result.error).__name__)
    labels = {"wx.outcome": result.status.value}
    api.uploads.add(1, labels | {"wx.errcode": result.errcode or 0})
    api.seconds.record(result.seconds, labels)
    api.bytes.add((result.size or 0) if result.error is None else 0, labels)


@cache
def _api() -> Any:
    """Return OpenTelemetry's modules and our instruments; None where it is not installed."""
    try:
        from opentelemetry import context, metrics, trace
    except ImportError:
        return None
    meter = metrics.get_meter(NAME)
    return SimpleNamespace(
        context=context,
        trace=trace,
        tracer=trace.get_tracer(NAME),
        uploads=meter.create_counter("wx.uploads", "1", "Uploads, by outcome and errcode"),
        bytes=meter.create_counter("wx.upload.bytes", "By", "Bytes that were stored"),
        seconds=meter.create_histogram("wx.upload.duration", "s", "Seconds of an upload"),
    )
