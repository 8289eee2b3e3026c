"""A collector of traces, as small as can be: it takes spans by OTLP over HTTP and keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support import until


class Collector:
    """What was sent so far: ``bodies`` as they came, ``spans`` read. ``status`` and ``answering`` may be changed."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self.spans: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        self.status = 200
        self.answering = asyncio.Event()
        self.answering.set()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        await self.answering.wait()
        if self.status == 200:
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(read_attributes(group.resource))
                self.spans += [span for scope in group.scope_spans for span in scope.spans]
        return web.Response(status=self.status)

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    async def find(self, traceparent: str) -> Any:
        """Wait for the span that a ``traceparent`` names."""
        return await until(lambda: next((s for s in self.spans if write_name(s) == traceparent[:52]), None))

    async def find_parent(self, span: Any) -> Any:
        def look() -> Any:
            return next((s for s in self.spans if s.span_id == span.parent_span_id), None)

        parent = await until(look)
        assert parent.trace_id == span.trace_id
        return parent


def write_name(span: Any) -> str:
    return f"00-{span.trace_id.hex()}-{span.span_id.hex()}"


def read_attributes(told: Any) -> dict[str, Any]:
    """Read the attributes of a span or a resource."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in told.attributes
    }


@asynccontextmanager
async def run_collector(monkeypatch) -> AsyncIterator[Collector]:
    """Take spans while the context is open; whoever opens a tracer meanwhile sends them here, and soon."""
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    try:
        yield collector
    finally:
        collector.answering.set()
        await runner.cleanup()
