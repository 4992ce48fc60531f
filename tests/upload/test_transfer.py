"""One file on its way: what it is sent as, how long it may take, and what its result says."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from tests.deploys import item, sent
from tests.waiting import wait_for
from wx_static_store.core.naming import NO_CACHE
from wx_static_store.core.retry import Clock, Deadline
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    CosThrottled,
    DeadlineExceeded,
    ResponseLost,
    TokenRejected,
)
from wx_static_store.upload import sources, store, transfer as transfers
from wx_static_store.upload.store import get_store
from wx_static_store.upload.transfer import Transfer, longest
from wx_static_store.upload.uploader import get_uploader

MIB = 2**20
LINK_FAILS = {"on": "staticuploadfile", "do": "errcode", "errcode": 40097}
LINK_BUSY = {"on": "staticuploadfile", "do": "errcode", "errcode": -1}
PUT_FAILS = {"on": "put_object", "do": "cos_error", "status": 500, "code": "InternalError"}
PUT_DAMAGED = {"on": "put_object", "do": "cos_error", "status": 400, "code": "BadDigest"}


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure()
    return cloud


def transfer(
    name: str = "a.js", content: bytes = b"1", *, using: str = "default", **details: Any
) -> Transfer:
    return Transfer(get_uploader(using).options, item(name, content), **details)


def of(item: UploadItem, **details: Any) -> Transfer:
    return Transfer(get_uploader().options, item, **details)


# --- what is sent, and what the result says of it -----------------------------------------------


def test_a_file_is_sent_to_its_location_with_the_headers_of_its_storage(
    cloud: EmulatorServer,
) -> None:
    result = transfer("index.html", using="staticfiles").run()
    stored = cloud.objects()["static/index.html"]
    assert (result.key, result.headers.cache_control) == ("static/index.html", NO_CACHE)
    assert stored.headers["Cache-Control"] == NO_CACHE


def test_the_first_rule_of_cache_control_that_fits_is_the_header(configure: Any) -> None:
    configure(WX_STATIC_STORE={"CACHE_CONTROL": [("*.js", "no-store")]})
    assert transfer("a.js").run().headers.cache_control == "no-store"


def test_the_result_names_the_file_and_where_it_is(cloud: EmulatorServer) -> None:
    result = transfer().run()
    assert (result.name, result.key, result.env, result.size) == ("a.js", "a.js", ENV, 1)
    assert (result.stage, result.errcode) == ("", 0)


def test_the_result_says_what_cos_answered(cloud: EmulatorServer) -> None:
    result = transfer().run()
    assert result.request_id
    assert result.stored_at
    assert result.verified


@pytest.mark.usefixtures("no_pauses")
def test_a_stored_file_has_no_rid(cloud: EmulatorServer) -> None:
    """WeChat gives one with an error; that of an attempt that failed is not the last answer's."""
    cloud.script(LINK_BUSY)
    assert transfer().run().rid == ""


def test_the_result_says_what_wechat_refused(cloud: EmulatorServer) -> None:
    cloud.script(LINK_FAILS)
    result = transfer().run()
    assert result.error
    assert (result.errcode, result.rid) == (40097, result.error.rid)
    assert result.rid


def test_the_result_says_what_cos_refused(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "status": 402, "code": "AccessDenied"})
    result = transfer().run()
    assert result.error
    assert result.request_id == result.error.request_id != ""


def test_the_result_names_what_asked_for_the_file(cloud: EmulatorServer) -> None:
    asked = UploadItem("a.js", open=lambda: BytesIO(b"1"), source_ref="row 7")
    assert of(asked).run().source_ref == "row 7"


def test_the_result_says_how_long_it_took(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "delay", "seconds": 0.1})
    assert 0.1 <= transfer().run().seconds < 30


def test_a_small_file_is_sent_with_its_md5(cloud: EmulatorServer) -> None:
    transfer(content=b"hello").run()
    [put] = cloud.calls("put_object")
    assert put.headers["content-md5"] == "XUFAKrxLKna5cZ2REBfFkg=="


@pytest.mark.parametrize("batch", [True, False])
def test_a_small_file_that_fails_at_the_link_is_known_by_its_md5(
    cloud: EmulatorServer, batch: bool
) -> None:
    cloud.script(LINK_FAILS)
    result = transfer(content=b"hello", batch=batch).run()
    assert (result.status, result.md5) == ("failed", hashlib.md5(b"hello").hexdigest())


def test_a_file_whose_name_is_refused_is_named_by_its_environment(cloud: EmulatorServer) -> None:
    error = transfer("../a").run().error
    assert error
    assert error.env == ENV


# --- a file that is not what the plan looked at -------------------------------------------------


def planned(content: bytes, now: bytes) -> UploadItem:
    """Return an item that was hashed when it held `content`."""
    digest = hashlib.md5(content).hexdigest()
    return UploadItem("a.js", open=lambda: BytesIO(now), size=len(content), md5=digest)


def test_a_file_that_is_as_planned_is_not_changed(cloud: EmulatorServer) -> None:
    result = of(planned(b"old", b"old")).run()
    assert (result.status, result.changed, result.attempts) == ("stored", False, 1)


def test_a_file_that_is_not_as_planned_is_hashed_anew_and_stored_as_changed(
    cloud: EmulatorServer,
) -> None:
    result = of(planned(b"old", b"new")).run()
    assert (result.status, result.changed, result.attempts) == ("stored", True, 2)
    assert result.md5 == hashlib.md5(b"new").hexdigest()


@pytest.mark.parametrize(("size", "changed"), [(None, False), (1, False), (2, True)])
def test_a_file_that_was_measured_is_changed_if_its_size_is_another(
    cloud: EmulatorServer, size: int | None, changed: bool
) -> None:
    assert of(UploadItem("a.js", open=lambda: BytesIO(b"1"), size=size)).run().changed is changed


def test_a_file_that_failed_is_not_changed(cloud: EmulatorServer) -> None:
    cloud.script(LINK_FAILS)
    assert not of(UploadItem("a.js", open=lambda: BytesIO(b"1"), size=2)).run().changed


def test_a_planned_file_that_cannot_be_sent_is_known_by_size_and_md5(configure: Any) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None})
    result = of(planned(b"old", b"old")).run()
    assert (result.status, result.size, result.md5) == (
        "failed",
        3,
        hashlib.md5(b"old").hexdigest(),
    )


# --- how long it may take -----------------------------------------------------------------------


@dataclass
class Time:
    """A clock that a test moves; nobody sleeps by it."""

    now: float = 0.0

    def pass_by(self, seconds: float, value: Any = None) -> Any:
        self.now += seconds
        return value


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(store, "Clock", lambda: Clock(now=lambda: time.now, sleep=lambda s: None))
    return time


@pytest.fixture
def slow_token(configure: Any, time: Time) -> Callable[..., EmulatorServer]:
    """Configure a token for which each attempt waits that many seconds."""

    def apply(seconds: float, **settings: Any) -> EmulatorServer:
        cloud: EmulatorServer = configure()
        provider = lambda: time.pass_by(seconds, str(cloud.access_token))  # noqa: E731
        return configure(WX_STATIC_STORE={"TOKEN_PROVIDER": provider, **settings})  # type: ignore[no-any-return]

    return apply


@pytest.mark.parametrize(
    ("batch", "size", "seconds", "status"),
    [
        (False, 1, 20, "stored"),
        (False, 1, 26, "failed"),
        (False, 15 * MIB, 27, "stored"),
        (False, 15 * MIB, 41, "failed"),
        (True, 1, 290, "stored"),
        (True, 1, 301, "failed"),
        (True, 3 * MIB, 302, "stored"),
        (True, 3 * MIB, 316, "failed"),
    ],
)
def test_a_file_has_its_seconds_and_those_of_its_size(
    slow_token: Callable[..., EmulatorServer], batch: bool, size: int, seconds: float, status: str
) -> None:
    """A single one 25 and a second for each MiB, one of a batch 300 and one for each 200 KiB."""
    slow_token(seconds)
    assert transfer(content=b"x" * size, batch=batch).run().status == status


@pytest.mark.parametrize("batch", [True, False])
def test_a_file_has_the_seconds_of_the_deadline_that_is_set(
    slow_token: Callable[..., EmulatorServer], batch: bool
) -> None:
    slow_token(11, DEADLINE=10)
    assert isinstance(transfer(batch=batch).run().error, DeadlineExceeded)


def test_the_seconds_of_a_size_are_given_once_whatever_the_attempts(
    slow_token: Callable[..., EmulatorServer],
) -> None:
    cloud = slow_token(15.5)
    cloud.script(LINK_BUSY)
    result = transfer(content=b"x" * 5 * MIB).run()
    assert (result.status, result.attempts) == ("failed", 2)


def test_a_file_whose_reading_takes_too_long_fails_at_the_put(
    cloud: EmulatorServer, time: Time
) -> None:
    class Slow(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return bytes(time.pass_by(20 if size else 0, super().read(size)))

    content = b"x" * 3 * sources.BLOCK
    large = UploadItem("a.js", open=lambda: Slow(content), md5=hashlib.md5(content).hexdigest())
    result = of(large).run()
    assert isinstance(result.error, DeadlineExceeded)
    assert (result.status, result.stage) == ("failed", "put")


def test_a_put_that_hangs_ends_with_the_deadline(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"DEADLINE": 0.5})
    cloud.script({"on": "put_object", "do": "hang", "seconds": 30})
    result = transfer().run()
    assert (result.status, result.stage) == ("unknown", "put")
    assert result.seconds < 20, "the call hangs for 30"


def test_a_file_waits_for_a_slot_of_the_puts_no_longer_than_its_deadline(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"DEADLINE": 0.1})
    limiter = get_uploader().store.platform.put_limiter
    with pytest.raises(CosThrottled), limiter.slot(Deadline.after(1)):
        raise CosThrottled
    with limiter.slot(Deadline.after(1)):
        assert isinstance(transfer().run().error, DeadlineExceeded)
    assert cloud.journal == []


# --- what is tried again ------------------------------------------------------------------------


@pytest.mark.parametrize(("batch", "attempts"), [(False, 2), (True, 5)])
def test_a_page_in_place_of_an_answer_is_tried_once_more_and_in_a_batch_like_a_502(
    configure: Any, time: Time, batch: bool, attempts: int
) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 5})
    cloud.script({"on": "staticuploadfile", "do": "html", "times": None})
    assert transfer(batch=batch).run().attempts == attempts


def test_only_a_token_that_is_refused_is_discarded(configure: Any, time: Time) -> None:
    class Provider:
        discarded: list[str] = []

        def get(self) -> str:
            return str(cloud.access_token)

        def invalidate(self, token: str) -> None:
            self.discarded.append(token)

    cloud = configure(WX_STATIC_STORE={"TOKEN_PROVIDER": Provider})
    cloud.script(LINK_BUSY, PUT_FAILS)
    assert transfer().run().attempts == 3
    assert Provider.discarded == []


def test_a_token_that_is_refused_is_discarded_and_the_next_one_used(configure: Any) -> None:
    class Provider:
        tokens = ["refused"]

        def get(self) -> str:
            return self.tokens[0]

        def invalidate(self, token: str) -> None:
            self.tokens.remove(token)

    cloud = configure(WX_STATIC_STORE={"TOKEN_PROVIDER": Provider})
    Provider.tokens.append(cloud.access_token)
    result = transfer().run()
    assert (result.status, result.attempts) == ("stored", 2)
    assert Provider.tokens == [cloud.access_token]


def test_a_refused_token_of_the_settings_is_called_spent(configure: Any, time: Time) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": "refused"})
    error = transfer().run().error
    assert isinstance(error, TokenRejected)
    assert error.cause == "token.fixed"
    assert "ACCESS_TOKEN is wrong or has expired" in str(error)


@pytest.mark.parametrize("fault", [LINK_BUSY, PUT_DAMAGED], ids=["busy", "once"])
def test_a_file_of_a_batch_that_stops_is_tried_once(
    cloud: EmulatorServer, fault: dict[str, Any]
) -> None:
    cloud.script(fault)
    begun = transfer(batch=True)
    begun.last_try = True
    assert begun.run().attempts == 1


# --- the MD5 of a large file that failed --------------------------------------------------------


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return what is hashed while it streams."""
    monkeypatch.setattr(sources, "HASH_AHEAD", 4)
    return b"hello"


def test_a_large_file_of_a_batch_that_failed_is_hashed(cloud: EmulatorServer, large: bytes) -> None:
    cloud.script(LINK_FAILS)
    md5 = transfer(content=large, batch=True).run().md5
    assert md5 == hashlib.md5(large).hexdigest()


def test_a_single_large_file_that_failed_is_not_hashed(cloud: EmulatorServer, large: bytes) -> None:
    """Somebody waits for its end."""
    cloud.script(LINK_FAILS)
    assert transfer(content=large).run().md5 == ""


def test_a_large_file_whose_time_is_over_is_not_hashed(
    slow_token: Callable[..., EmulatorServer], large: bytes
) -> None:
    slow_token(400)
    result = transfer(content=large, batch=True).run()
    assert (result.status, result.md5) == ("failed", "")


def test_a_file_of_a_batch_that_cannot_be_read_has_no_md5(cloud: EmulatorServer) -> None:
    def missing() -> BytesIO:
        raise FileNotFoundError

    assert of(UploadItem("a.js", open=missing), batch=True).run().md5 == ""


# --- when nobody waits for its end any more -----------------------------------------------------


def test_a_transfer_that_is_broken_off_before_it_begins_sends_nothing(
    cloud: EmulatorServer,
) -> None:
    begun = transfer()
    begun.broken_off()
    assert begun.run().status == "failed"
    assert cloud.journal == []


def test_a_transfer_that_is_broken_off_names_its_environment_and_key(cloud: EmulatorServer) -> None:
    begun = transfer()
    begun.prepare()
    error = begun.broken_off().error
    assert error
    assert (error.env, error.key) == (ENV, "a.js")


@pytest.mark.parametrize(
    ("fault", "status"), [(PUT_FAILS, "failed"), ({"on": "put_object", "do": "reset"}, "unknown")]
)
def test_a_transfer_that_is_broken_off_between_two_attempts_sends_nothing_more(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], status: str
) -> None:
    """Its row says so already: a later PUT would make it a lie."""
    cloud.script({**fault})
    begun = transfer()
    learn = begun.learn

    def broken_off(error: Any) -> None:
        learn(error)
        assert begun.broken_off().status == status

    monkeypatch.setattr(begun, "learn", broken_off)
    assert isinstance(begun.run().error, ResponseLost)
    assert sent(cloud) == ["a.js"]
    assert cloud.objects() == {}


def test_a_transfer_that_is_broken_off_while_its_body_goes_is_unknown(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"DEADLINE": 1, "MAX_ATTEMPTS": 1})
    cloud.script({"on": "put_object", "do": "hang", "seconds": 30})
    begun = transfer()
    thread = threading.Thread(target=begun.run)
    thread.start()
    wait_for(lambda: cloud.calls("put_object"), "the PUT that hangs")
    result = begun.broken_off()
    thread.join()
    assert (result.status, result.stage) == ("unknown", "put")


def test_a_question_an_upload_and_a_retry_end_in_four_deadlines_and_the_time_for_the_bytes(
    configure: Any,
) -> None:
    configure(WX_STATIC_STORE={"DEADLINE": 10})
    assert longest(get_store(), 0) == pytest.approx(40, abs=1)
    assert longest(get_store(), 5 * 2**20) == pytest.approx(40 + 10 + 80 + 25.6, abs=1)


# --- spans and metrics of OpenTelemetry ----------------------------------------------------------


EXPORTER, READER = InMemorySpanExporter(), InMemoryMetricReader()


@pytest.fixture(scope="session")
def providers() -> None:
    """Set a tracer and a meter, which last as long as the process."""
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([READER]))


@pytest.fixture
def watched(configure: Any, providers: None) -> Iterator[EmulatorServer]:
    EXPORTER.clear()
    yield configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    EXPORTER.clear()


def spans(name: str) -> list[ReadableSpan]:
    return [one for one in EXPORTER.get_finished_spans() if one.name == name]


def points(name: str) -> list[Any]:
    data = READER.get_metrics_data()
    assert data
    scopes = [scope for one in data.resource_metrics for scope in one.scope_metrics]
    found = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
    return [point for metric in found for point in metric.data.data_points]


def test_an_upload_is_a_span_with_its_facts(watched: EmulatorServer) -> None:
    get_uploader().transfer(item("a.txt", b"hello"))
    (span,) = spans("wx.upload")
    assert span.attributes == {
        "wx.env": ENV,
        "wx.key": "a.txt",
        "wx.outcome": "stored",
        "wx.errcode": 0,
        "wx.attempts": 1,
        "wx.bytes": 5,
    }


def test_link_and_put_are_spans_below_the_upload(watched: EmulatorServer) -> None:
    get_uploader().transfer(item("a.txt", b"hello"))
    (upload,), (link,), (put,) = spans("wx.upload"), spans("wx.link"), spans("wx.put")
    assert upload.context
    assert [one.parent and one.parent.span_id for one in (link, put)] == 2 * [
        upload.context.span_id
    ]


def test_a_failed_upload_is_a_span_with_its_errcode(watched: EmulatorServer) -> None:
    watched.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    get_uploader().transfer(item("a.txt", b"hello"))
    (span,) = spans("wx.upload")
    assert span.attributes
    assert (span.attributes["wx.outcome"], span.attributes["wx.errcode"]) == ("failed", 40097)
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "WeChatRefused")


@pytest.mark.django_db
def test_uploads_of_worker_threads_belong_to_the_caller_s_trace(watched: EmulatorServer) -> None:
    uploader = get_uploader()
    with trace.get_tracer("test").start_as_current_span("caller") as caller:
        list(
            uploader.upload_many(
                [item("a.txt", b"hello"), item("b.txt", b"hello")], UploadContext("test")
            )
        )
    parents = {span.parent.span_id for span in spans("wx.upload") if span.parent}
    assert parents == {caller.get_span_context().span_id}
    assert len(spans("wx.upload")) == 2


def test_no_span_holds_a_secret(watched: EmulatorServer) -> None:
    watched.script({"on": "put_object", "do": "reset"})
    get_uploader().transfer(item("a.txt", b"hello"))
    shown = "".join(one.to_json() for one in EXPORTER.get_finished_spans())
    assert "wx.put" in shown
    assert str(watched.access_token) not in shown
    assert "sign=" not in shown


def counted() -> tuple[float, float, float]:
    """Return uploads, bytes and measured durations of what was stored so far."""
    stored = {"wx.outcome": "stored"}
    uploads = [one for one in points("wx.uploads") if one.attributes["wx.outcome"] == "stored"]
    sizes = [one.value for one in points("wx.upload.bytes") if one.attributes == stored]
    seconds = [one.count for one in points("wx.upload.duration") if one.attributes == stored]
    return sum(one.value for one in uploads), sum(sizes), sum(seconds)


def test_the_metrics_count_uploads_bytes_and_seconds(watched: EmulatorServer) -> None:
    get_uploader().transfer(item("a.txt", b"hello"))
    before = counted()
    get_uploader().transfer(item("a.txt", b"hello"))
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 5, 1]


def test_an_upload_is_counted_but_no_span_without_a_tracer_provider(
    watched: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unset = trace.ProxyTracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: unset)
    get_uploader().transfer(item("a.txt", b"hello"))
    before = counted()
    get_uploader().transfer(item("a.txt", b"hello"))
    assert counted()[0] == before[0] + 1
    assert spans("wx.upload") == []


@pytest.mark.usefixtures("watched")
def test_an_upload_works_without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    transfers._otel.cache_clear()
    try:
        assert get_uploader().transfer(item("a.txt", b"hello")).status == "stored"
    finally:
        transfers._otel.cache_clear()
    assert spans("wx.upload") == []


def metered(name: str) -> Counter[tuple[Any, Any]]:
    """Return the sums of a metric, by outcome and errcode."""
    labels = ("wx.outcome", "wx.errcode")
    return Counter({tuple(map(one.attributes.get, labels)): int(one.value) for one in points(name)})


def test_uploads_are_counted_by_outcome_and_errcode_and_bytes_where_stored(
    watched: EmulatorServer,
) -> None:
    get_uploader().transfer(item("a.txt", b"hello"))
    uploads, sizes = metered("wx.uploads"), metered("wx.upload.bytes")
    get_uploader().transfer(item("a.txt", b"hello"))
    get_uploader().transfer(UploadItem("empty.txt", open=BytesIO))
    watched.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    get_uploader().transfer(item("a.txt", b"hello"))
    assert metered("wx.uploads") - uploads == {("stored", 0): 2, ("failed", 40097): 1}
    assert metered("wx.upload.bytes") - sizes == {("stored", None): 5}
