"""Spans on their way to a collector, and what they keep."""

from __future__ import annotations

import asyncio

import pytest

from signalpost.tracing import NO_TRACES
from signalpost.tracing.opentelemetry import OpenTelemetryTracer, _describe_url
from tests.collector import read_attributes, run_collector, write_name
from tests.support import until

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def collector(monkeypatch):
    async with run_collector(monkeypatch) as running:
        yield running


@pytest.fixture
async def tracer(collector):
    tracer = OpenTelemetryTracer("1.2.3")
    yield tracer
    await tracer.close()


def test_without_traces_nothing_is_recorded_and_nobody_is_told():
    with NO_TRACES.open_span("outer", instance=1) as outer:
        with NO_TRACES.open_request("inner", "GET", "https://example.com", parent=PARENT) as inner:
            inner.note_status(500)
            inner.note(outcome="failed")
    assert (outer.traceparent, inner.traceparent) == (None, None)


async def test_what_runs_inside_a_span_is_below_it(tracer, collector):
    async def work():
        with tracer.open_span("inner") as span:
            return span.traceparent

    with tracer.open_span("outer") as outer:
        inner = await asyncio.create_task(work())
    with tracer.open_span("next") as after:
        pass
    found = await collector.find(inner)
    assert write_name(await collector.find_parent(found)) == outer.traceparent[:52]
    assert (await collector.find(after.traceparent)).parent_span_id == b""


async def test_a_request_is_below_the_parent_given_not_the_one_around(tracer, collector):
    with tracer.open_span("around"), tracer.open_request("inner", "GET", "http://a", parent=PARENT) as span:
        assert span.traceparent[:35] == PARENT[:35]
    assert (await collector.find(span.traceparent)).parent_span_id.hex() == PARENT[36:52]


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        PARENT.upper(),
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"{PARENT}-more",
        "00-é",
        "0" * 10_000,
    ],
)
async def test_a_parent_that_is_none_begins_a_new_trace(tracer, collector, parent):
    with tracer.open_request("inner", "GET", "http://a", parent=parent) as span:
        pass
    assert (await collector.find(span.traceparent)).parent_span_id == b""


async def test_of_an_error_its_type_alone_is_kept(tracer, collector):
    with pytest.raises(ValueError), tracer.open_span("outer") as span:
        raise ValueError("a secret")
    found = await collector.find(span.traceparent)
    assert found.status.code == 2
    assert read_attributes(found) == {"error.type": "ValueError"}
    assert not any(b"a secret" in body for body in collector.bodies)


@pytest.mark.parametrize(
    ("url", "with_path", "address", "port", "full"),
    [
        ("https://a.example/hook/s3cret?token=x#y", False, "a.example", 443, "https://a.example/"),
        ("https://a.example/path?token=x#y", True, "a.example", 443, "https://a.example/path"),
        ("https://user:password@a.example:8443/p", True, "a.example", 8443, "https://a.example:8443/p"),
        ("http://[::1]:8090/p;a=b", True, "::1", 8090, "http://[::1]:8090/p;a=b"),
        ("http://a.example", True, "a.example", 80, "http://a.example"),
    ],
)
def test_what_is_kept_of_a_url(url, with_path, address, port, full):
    assert _describe_url(url, with_path=with_path) == {
        "server.address": address,
        "server.port": port,
        "url.full": full,
    }


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://a:port", "http://[", "ftp://a/b"])
def test_of_what_is_no_url_nothing_is_kept(url):
    assert _describe_url(url, with_path=True) == {}


async def test_closing_sends_what_is_left(collector, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    tracer = OpenTelemetryTracer("1.2.3")
    with tracer.open_span("last"):
        pass
    await tracer.close()
    assert [span.name for span in collector.spans] == ["last"]
    assert collector.resources[0]["service.name"] == "ours"
    assert collector.resources[0]["service.version"] == "1.2.3"


async def test_closing_does_not_wait_for_a_collector_that_is_silent(collector, monkeypatch):
    """Were it to wait, this test would not end: the collector answers once the tracer is closed."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
    tracer = OpenTelemetryTracer("1.2.3")
    collector.answering.clear()
    with tracer.open_span("last"):
        pass
    await tracer.close()
    assert collector.spans == []
    collector.answering.set()
    await until(lambda: collector.spans)


async def test_a_collector_that_refuses_is_told_once_and_its_recovery_too(tracer, collector, capsys):
    collector.status = 400
    for count in range(1, 4):
        with tracer.open_span("lost"):
            pass
        await until(lambda count=count: len(collector.bodies) >= count)
    collector.status = 200
    for _ in range(2):
        with tracer.open_span("kept") as span:
            pass
        await collector.find(span.traceparent)
    await tracer.close()
    printed = capsys.readouterr().out
    assert printed.count("traces.failed") == printed.count("traces.recovered") == 1
