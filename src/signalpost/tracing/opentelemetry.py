"""Spans recorded by OpenTelemetry's SDK and sent by OTLP over HTTP. Imported only where traces are wanted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence
from contextvars import Token
from typing import Self
from urllib.parse import urlsplit

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    server_attributes,
    service_attributes,
    url_attributes,
)
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from signalpost.model.addresses import USUAL_PORTS
from signalpost.observe import get_logger
from signalpost.tracing import CLOSE_SECONDS, Span, Tracer

log = get_logger("tracing")

NO_ANSWER = "no_answer"
"""The ``error.type`` of a request that was not answered."""
LEAST_FAILURE = 400
_W3C = TraceContextTextMapPropagator()


class RecordedSpan(Span):
    """A span of OpenTelemetry. Of an error its type alone is kept: in its words there may be a secret."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """The span's name for others."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, trace.set_span_in_context(self._span, context.Context()))
        return carrier.get("traceparent")

    def note(self, **told: str | int) -> None:
        """Keep what became known of the work, as attributes ``signalpost.<name>``."""
        self._span.set_attributes(_name_apart(told))

    def note_status(self, status: int | None) -> None:
        """Keep the status that a request was answered with; None: no answer came."""
        if status is not None:
            self._span.set_attribute(http_attributes.HTTP_RESPONSE_STATUS_CODE, status)
        if status is None or status >= LEAST_FAILURE:
            self._fail(NO_ANSWER if status is None else str(status))

    def _fail(self, error_type: str) -> None:
        self._span.set_attribute(error_attributes.ERROR_TYPE, error_type)
        self._span.set_status(trace.StatusCode.ERROR)

    def __enter__(self) -> Self:
        self._token: Token[context.Context] = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        context.detach(self._token)
        if kind is not None:
            self._fail(kind.__name__)
        self._span.end()


class OpenTelemetryTracer(Tracer):
    """Records spans and sends them from a thread of its own: who is traced never waits for the collector.

    What does not fit into the queue is dropped. Where to, which share, how often: by the ``OTEL_`` variables.

    Raises:
        ValueError: one of those has a value that cannot be used.
    """

    def __init__(self, version: str) -> None:
        found = Resource.create({service_attributes.SERVICE_VERSION: version})
        if str(found.attributes[service_attributes.SERVICE_NAME]).startswith("unknown_service"):
            found = found.merge(Resource({service_attributes.SERVICE_NAME: "signalpost"}))
        self._provider = TracerProvider(resource=found, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(TellingExporter(OTLPSpanExporter())))
        self._tracer = self._provider.get_tracer("signalpost", version, Schemas.V1_44_0.value)

    def open_span(self, name: str, **told: str | int) -> Span:
        """Open a span below the one that is open here, or the first one of a new trace."""
        return RecordedSpan(self._tracer.start_span(name, attributes=_name_apart(told)))

    def open_request(
        self,
        name: str,
        method: str,
        url: str,
        *,
        with_path: bool = False,
        parent: str | None = None,
        **told: str | int,
    ) -> Span:
        """Open the span of one HTTP request (see ``Tracer``). A ``parent`` that is none begins a new trace."""
        return RecordedSpan(
            self._tracer.start_span(
                name,
                None if parent is None else _W3C.extract({"traceparent": parent}, context.Context()),
                trace.SpanKind.CLIENT,
                {
                    http_attributes.HTTP_REQUEST_METHOD: method,
                    **_describe_url(url, with_path=with_path),
                    **_name_apart(told),
                },
            )
        )

    async def close(self) -> None:
        """Send what is not sent yet, within ``CLOSE_SECONDS``; what cannot be sent by then is dropped."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop is closed by now
                loop.call_soon_threadsafe(done.set)

        # Not a thread of the loop's: the end of the process would wait for that.
        threading.Thread(target=shut_down, name="tracing", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), CLOSE_SECONDS)


class TellingExporter(SpanExporter):
    """Says once that spans cannot be sent, and once that they can again: the SDK would say so every few seconds."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False
        self._sdk_log = logging.getLogger("opentelemetry")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            log.warning(
                "traces.failed", reason="the collector does not take them; until it does they are dropped"
            )
        elif self._failing and not failed:
            log.info("traces.recovered")
        self._failing = failed
        self._sdk_log.setLevel(logging.CRITICAL if failed else logging.NOTSET)
        return result

    def shutdown(self) -> None:
        """Send nothing any more."""
        self._exporter.shutdown()
        self._sdk_log.setLevel(logging.NOTSET)


def _name_apart(told: Mapping[str, str | int]) -> dict[str, str | int]:
    """Give what is ours names of our own, besides the standard ones."""
    return {f"signalpost.{name}": value for name, value in told.items()}


def _describe_url(url: str, *, with_path: bool) -> dict[str, str | int]:
    """Give what a span keeps of a URL; nothing of one that is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or USUAL_PORTS.get(parts.scheme)
    except ValueError:
        return {}
    if host is None or port is None:
        return {}
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + ("" if port == USUAL_PORTS.get(parts.scheme) else f":{port}")
    return {
        server_attributes.SERVER_ADDRESS: host,
        server_attributes.SERVER_PORT: port,
        url_attributes.URL_FULL: origin + (parts.path if with_path else "/"),
    }
