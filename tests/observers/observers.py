"""What watches a project: each starts, and returns a function that gives all it has recorded."""

import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

Seen = Callable[[], str]


def sentry() -> Seen:
    """As it comes, with every trace and all local variables."""
    import sentry_sdk
    from sentry_sdk.transport import Transport

    sent: list[Any] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.append([item.payload.json or str(item.payload.bytes) for item in envelope.items])

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1",
        transport=Kept,
        traces_sample_rate=1.0,
        send_default_pii=True,
        max_request_body_size="always",
    )
    transaction = sentry_sdk.start_transaction(name="uploads")
    transaction.__enter__()

    def seen() -> str:
        transaction.__exit__(None, None, None)
        sentry_sdk.flush()
        return json.dumps(sent, default=repr)

    return seen


def _otel(*instrumentors: Any) -> Seen:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    for instrumentor in instrumentors:
        instrumentor().instrument()
    return lambda: "\n".join(span.to_json() for span in exporter.get_finished_spans())


def opentelemetry() -> Seen:
    """Load what patches urllib3, and what patches requests."""
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

    return _otel(URLLib3Instrumentor, RequestsInstrumentor)


def ddtrace() -> Seen:
    """All that it patches, with the query of addresses."""
    os.environ |= {
        "DD_TRACE_HTTP_CLIENT_TAG_QUERY_STRING": "true",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
        "DD_TRACE_OBFUSCATION_QUERY_STRING_REGEXP": "",
    }
    from ddtrace import patch
    from ddtrace.trace import TraceFilter, tracer

    spans: list[Any] = []

    class Kept(TraceFilter):
        def process_trace(self, trace: Any) -> None:
            spans.extend(trace)

    tracer.configure(trace_processors=[Kept()])
    patch(urllib3=True, requests=True, httplib=True)
    return lambda: "\n".join(f"{s.name} {s.resource} {s.get_tags()}" for s in spans)


def elasticapm() -> Seen:
    """With local variables of all spans."""
    import elasticapm
    from elasticapm.base import Client

    sent: list[Any] = []

    class Kept(Client):
        def queue(self, event_type: str, data: Any, flush: bool = False) -> None:
            sent.append((event_type, data))

    client = Kept(
        service_name="uploads",
        disable_send=False,
        collect_local_variables="all",
        span_stack_trace_min_duration=0,
        metrics_interval="0ms",
        cloud_provider=False,
        central_config=False,
    )
    elasticapm.instrument()
    client.begin_transaction("task")

    def seen() -> str:
        try:
            raise LookupError
        except LookupError:
            client.capture_exception()
        client.end_transaction("uploads")
        client.close()
        return json.dumps(sent, default=repr)

    return seen


def newrelic() -> Seen:
    """Each call as a node of the transaction, with its attributes."""
    file = tempfile.NamedTemporaryFile("w", suffix=".ini", delete=False)  # noqa: SIM115
    with file:
        file.write(f"[newrelic]\nlicense_key = {'0' * 40}\ndeveloper_mode = true\n")
    from newrelic import agent

    agent.initialize(file.name)
    os.unlink(file.name)
    from newrelic.api.external_trace import ExternalTrace

    nodes: list[Any] = []
    create = ExternalTrace.create_node

    def kept(self: Any) -> Any:
        nodes.append(create(self))
        return nodes[-1]

    ExternalTrace.create_node = kept
    task = agent.BackgroundTask(agent.register_application(timeout=10.0), "uploads")
    task.__enter__()

    def seen() -> str:
        task.__exit__(None, None, None)
        return "\n".join(map(repr, nodes))

    return seen


def _tracebacks(show: Callable[[BaseException], str]) -> Seen:
    from wx_static_store.storage import WxStorage

    shown: list[str] = []
    save = WxStorage.save

    def watched(self: Any, *args: Any) -> Any:
        try:
            return save(self, *args)
        except Exception as error:
            shown.append(show(error))
            raise

    WxStorage.save = watched  # type: ignore[method-assign]
    return lambda: "\n".join(shown)


def rich() -> Seen:
    """Tracebacks with local variables."""
    from rich.console import Console
    from rich.traceback import Traceback

    def show(error: BaseException) -> str:
        out = io.StringIO()
        trace = Traceback.from_exception(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_length=None,
            locals_max_string=None,
        )
        Console(file=out, width=100_000).print(trace)
        return out.getvalue()

    return _tracebacks(show)


def structlog() -> Seen:
    """Tracebacks as dictionaries, with local variables."""
    from structlog.tracebacks import ExceptionDictTransformer

    transform = ExceptionDictTransformer(
        show_locals=True, locals_max_length=1000, locals_max_string=100_000
    )
    return _tracebacks(
        lambda error: json.dumps(
            transform((type(error), error, error.__traceback__)),  # type: ignore[arg-type]
            default=repr,
        )
    )


def logs() -> Seen:
    """Log everything at DEBUG, with the debug level of http.client."""
    import http.client

    out = io.StringIO()
    logging.basicConfig(level=logging.DEBUG, stream=out, force=True)
    http.client.HTTPConnection.debuglevel = 2
    sys.stdout = out
    return out.getvalue


OBSERVERS: dict[str, tuple[Callable[[], Seen], tuple[str, ...]]] = {
    "newrelic": (newrelic, ("newrelic",)),
    "sentry": (sentry, ("sentry_sdk",)),
    "opentelemetry": (
        opentelemetry,
        ("opentelemetry.instrumentation.urllib3", "opentelemetry.instrumentation.requests"),
    ),
    "ddtrace": (ddtrace, ("ddtrace",)),
    "elasticapm": (elasticapm, ("elasticapm",)),
    "rich": (rich, ("rich",)),
    "structlog": (structlog, ("structlog",)),
    "logs": (logs, ()),
}
