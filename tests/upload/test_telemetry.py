"""Our own spans and metrics: what they show of an upload, and no secret."""

import sys
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.conftest import ENV
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload import telemetry
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

EXPORTER, READER = InMemorySpanExporter(), InMemoryMetricReader()


@pytest.fixture(scope="session")
def providers() -> None:
    """Set a tracer and a meter, which last as long as the process."""
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([READER]))


@pytest.fixture
def cloud(configure: Any, providers: None) -> Iterator[EmulatorServer]:
    EXPORTER.clear()
    yield configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    EXPORTER.clear()


def item(name: str = "a.txt") -> UploadItem:
    return UploadItem(name, open=lambda: BytesIO(b"hello"))


def spans(name: str) -> list[ReadableSpan]:
    return [one for one in EXPORTER.get_finished_spans() if one.name == name]


def points(name: str) -> list[Any]:
    data = READER.get_metrics_data()
    assert data
    scopes = [scope for one in data.resource_metrics for scope in one.scope_metrics]
    found = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
    return [point for metric in found for point in metric.data.data_points]


def test_an_upload_is_a_span_with_its_facts(cloud: EmulatorServer) -> None:
    get_uploader().transfer(item())
    (span,) = spans("wx.upload")
    assert span.attributes == {
        "wx.env": ENV,
        "wx.key": "a.txt",
        "wx.outcome": "stored",
        "wx.errcode": 0,
        "wx.attempts": 1,
        "wx.bytes": 5,
    }


def test_link_and_put_are_spans_below_the_upload(cloud: EmulatorServer) -> None:
    get_uploader().transfer(item())
    (upload,), (link,), (put,) = spans("wx.upload"), spans("wx.link"), spans("wx.put")
    assert upload.context
    assert [one.parent and one.parent.span_id for one in (link, put)] == 2 * [
        upload.context.span_id
    ]


def test_a_failed_upload_is_a_span_with_its_errcode(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    get_uploader().transfer(item())
    (span,) = spans("wx.upload")
    assert span.attributes
    assert (span.attributes["wx.outcome"], span.attributes["wx.errcode"]) == ("failed", 40097)
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "WeChatRefused")


def test_uploads_of_worker_threads_belong_to_the_caller_s_trace(cloud: EmulatorServer) -> None:
    uploader = get_uploader()
    with trace.get_tracer("test").start_as_current_span("caller") as caller:
        list(uploader.upload_many([item("a.txt"), item("b.txt")], UploadContext("test")))
    parents = {span.parent.span_id for span in spans("wx.upload") if span.parent}
    assert parents == {caller.get_span_context().span_id}
    assert len(spans("wx.upload")) == 2


def test_no_span_holds_a_secret(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "reset"})
    get_uploader().transfer(item())
    shown = "".join(one.to_json() for one in EXPORTER.get_finished_spans())
    assert "wx.put" in shown
    assert str(cloud.access_token) not in shown
    assert "sign=" not in shown


def counted() -> tuple[float, float, float]:
    """Return uploads, bytes and measured durations of what was stored so far."""
    stored = {"wx.outcome": "stored"}
    uploads = [one for one in points("wx.uploads") if one.attributes["wx.outcome"] == "stored"]
    sizes = [one.value for one in points("wx.upload.bytes") if one.attributes == stored]
    seconds = [one.count for one in points("wx.upload.duration") if one.attributes == stored]
    return sum(one.value for one in uploads), sum(sizes), sum(seconds)


def test_the_metrics_count_uploads_bytes_and_seconds(cloud: EmulatorServer) -> None:
    get_uploader().transfer(item())
    before = counted()
    get_uploader().transfer(item())
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 5, 1]


@pytest.mark.usefixtures("cloud")
def test_an_upload_works_without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    telemetry._api.cache_clear()
    try:
        assert get_uploader().transfer(item()).status == "stored"
    finally:
        telemetry._api.cache_clear()
    assert spans("wx.upload") == []


def metered(name: str) -> Counter[tuple[Any, Any]]:
    """Return the sums of a metric, by outcome and errcode."""
    labels = ("wx.outcome", "wx.errcode")
    return Counter({tuple(map(one.attributes.get, labels)): int(one.value) for one in points(name)})


def test_uploads_are_counted_by_outcome_and_errcode_and_bytes_where_stored(
    cloud: EmulatorServer,
) -> None:
    get_uploader().transfer(item())
    uploads, sizes = metered("wx.uploads"), metered("wx.upload.bytes")
    get_uploader().transfer(item())
    get_uploader().transfer(UploadItem("empty.txt", open=BytesIO))
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    get_uploader().transfer(item())
    assert metered("wx.uploads") - uploads == {("stored", 0): 2, ("failed", 40097): 1}
    assert metered("wx.upload.bytes") - sizes == {("stored", None): 5}
