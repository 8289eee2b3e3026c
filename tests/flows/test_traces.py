"""Traces of the whole service: from a poll to the callback, seen by a collector and by the receiver."""

from __future__ import annotations

import json
import socket

import pytest

from tests.collector import read_attributes, run_collector, write_name
from tests.support import open_world, until

TRACEPARENT = r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
THEIRS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def collector(monkeypatch):
    async with run_collector(monkeypatch) as running:
        yield running


def names_sent(world):
    return [received["headers"].get("traceparent") for received in world.listener.received]


async def start(world, **configuration):
    instance = await world.connect(**configuration)
    await world.wait_for_watermark(instance["id"])
    return instance


async def contexts_of(world):
    return [row["context"] for row in await world.pool.fetch("SELECT context FROM page")]


async def test_a_change_is_one_trace_from_the_poll_to_the_callback(make_world, collector):
    async with make_world(traces=True) as world:
        instance = await start(world)
        await world.change(3)
        await until(lambda: len(world.delivered()) == 3)
        received = world.listener.received[0]
        attempt = await collector.find(received["headers"]["traceparent"])
        commit = await collector.find_parent(attempt)
        poll = await collector.find_parent(commit)
        call = await until(
            lambda: next(
                (s for s in collector.named("provider.request") if s.parent_span_id == poll.span_id), None
            )
        )
    assert [attempt.name, commit.name, poll.name] == ["delivery.attempt", "page.commit", "poll"]
    assert poll.parent_span_id == b""
    assert call.trace_id == poll.trace_id == attempt.trace_id
    assert read_attributes(poll) == {
        "signalpost.instance": instance["id"],
        "signalpost.connector": "egnyte",
        "signalpost.outcome": "ok",
    }
    told = read_attributes(commit)
    assert told["signalpost.resource"] == "events"
    assert told["signalpost.events"] == len(received["body"]["message"]["events"])
    host, port = world.sandbox.url.removeprefix("http://").split(":")
    told = read_attributes(call)
    assert told.pop("http.response.status_code") in {200, 204}
    assert told.pop("url.full").startswith(f"{world.sandbox.url}/pubapi/")
    assert told == {"http.request.method": "GET", "server.address": host, "server.port": int(port)}
    assert read_attributes(attempt) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": int(world.listener.url.rsplit(":", 1)[1]),
        "url.full": f"{world.listener.url}/",
        "signalpost.instance": instance["id"],
        "signalpost.notification": int(received["headers"]["webhook-id"]),
        "signalpost.attempt": 1,
    }
    assert collector.resources[0]["service.name"] == "signalpost"


async def test_each_attempt_is_a_span_of_its_own_in_the_same_trace(make_world, collector):
    async with make_world(traces=True, retry_schedule_seconds="0.05,0.05,0.05") as world:
        await start(world)
        world.listener.status = 503
        await world.change(1)
        await until(lambda: len(world.listener.received) == 2)
        world.listener.status = 200
        await until(lambda: len(world.listener.received) == 3)
        attempts = [await collector.find(name) for name in names_sent(world)]
    assert len({attempt.span_id for attempt in attempts}) == 3
    assert len({attempt.trace_id for attempt in attempts}) == 1
    assert len({attempt.parent_span_id for attempt in attempts}) == 1
    told = [read_attributes(attempt) for attempt in attempts]
    assert [each["signalpost.attempt"] for each in told] == [1, 2, 3]
    assert [each.get("error.type") for each in told] == ["503", "503", None]
    assert [attempt.status.code for attempt in attempts] == [2, 2, 0]


async def test_an_attempt_without_an_answer_and_a_poll_that_failed_are_told(make_world, collector):
    async with make_world(traces=True) as world:
        with socket.socket() as taken:  # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            await start(
                world,
                **{"event.notification.callback.url": f"http://127.0.0.1:{taken.getsockname()[1]}/hook"},
            )
            await world.change(1)
            attempt = await until(lambda: next(iter(collector.named("delivery.attempt")), None))
        fault = {"kind": "status", "status": 500, "times": 1, "path": "/pubapi/v2/events"}
        await world.control("POST", "faults", fault)
        call = await until(
            lambda: next((s for s in collector.named("provider.request") if s.status.code), None)
        )
        poll = await collector.find_parent(call)
    told = read_attributes(attempt)
    assert told["error.type"] == "no_answer"
    assert "http.response.status_code" not in told
    assert read_attributes(call)["error.type"] == "500"
    assert read_attributes(poll)["signalpost.outcome"] == "failed"


async def test_by_default_nothing_is_traced(world):
    await start(world)
    await world.change(1)
    await until(world.delivered)
    assert names_sent(world) == [None]
    assert all("traceparent" not in context for context in await contexts_of(world))


async def test_what_was_committed_untraced_begins_a_trace_at_its_attempt(database, sandbox, collector):
    async with open_world(database, sandbox, roles=frozenset({"poll"})) as world:
        await start(world)
        await world.change(1)
        await until(lambda: contexts_of(world))
        instances = (await world.client.get("/instances")).json()
        secrets = world.secrets
    async with open_world(database, sandbox, traces=True) as world:
        body = {"configuration": {"event.notification.callback.url": world.listener.url}}
        authorization = f"User {secrets['userSecret']}, Organization {secrets['organizationSecret']}"
        answer = await world.client.patch(
            f"/instances/{instances[0]['id']}", json=body, headers={"Authorization": authorization}
        )
        assert answer.status_code == 200, answer.text
        await until(world.delivered)
        attempt = await collector.find(names_sent(world)[0])
    assert attempt.parent_span_id == b""


async def test_what_is_not_sampled_is_not_sent_but_named_to_the_receiver(make_world, collector, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with make_world(traces=True) as world:
        await start(world)
        await world.change(1)
        await until(world.delivered)
        (context,) = await contexts_of(world)
        (name,) = names_sent(world)
    assert name[:35] == context["traceparent"][:35]
    assert int(name[-2:], 16) & 1 == 0
    assert collector.bodies == []


async def test_a_receiver_that_set_a_traceparent_gets_that(make_world, collector):
    async with make_world(traces=True) as world:
        await start(world, **{"event.notification.callback.headers": json.dumps({"Traceparent": THEIRS})})
        await world.change(1)
        await until(world.delivered)
        attempt = await until(lambda: next(iter(collector.named("delivery.attempt")), None))
    received = world.listener.received[0]
    assert [value for name, value in received["headers"].items() if name.lower() == "traceparent"] == [THEIRS]
    assert write_name(attempt) != THEIRS[:52]


async def test_no_secret_is_in_any_span(make_world, collector):
    secrets = {
        "event.notification.signature.key": "a signature key",
        "event.notification.basic.username": "somebody",
        "event.notification.basic.password": "a callback password",
        "event.notification.callback.headers": json.dumps({"X-Key": "a header value"}),
    }
    async with make_world(traces=True) as world:
        secret_url = f"{world.listener.url}/hooks/path-secret?token=query-secret#fragment-secret"
        await start(world, **{**secrets, "event.notification.callback.url": secret_url})
        await world.control("POST", "faults", {"kind": "expired_token", "times": 1})
        await world.change(3)
        await until(lambda: len(world.delivered()) == 3)
        for name in names_sent(world):
            await collector.find(name)
        tokens = [each["access_token"] for each in world.sandbox.state.tokens.to_json()["tokens"]]
        own = [*world.secrets.values()]
    sent = b"\n".join(collector.bodies)
    assert b"/pubapi/v2/events" in sent  # what is looked through is readable
    assert len(tokens) >= 2
    hidden = [*tokens, *own, "a signature key", "somebody", "a callback password", "a header value"]
    for secret in [*hidden, "path-secret", "query-secret", "fragment-secret", "Bearer"]:
        assert secret.encode() not in sent, secret
    assert not [span for span in collector.spans if "?" in read_attributes(span).get("url.full", "")]


async def test_a_dead_collector_costs_no_delivery_and_is_told_once(make_world, monkeypatch, capsys):
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.01")
        monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "2")
        monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
        printed = ""

        def is_told() -> bool:
            nonlocal printed
            printed += capsys.readouterr().out
            return "traces.failed" in printed

        async with make_world(traces=True) as world:
            await start(world)
            truth = await world.change(60)
            await until(lambda: len(world.delivered()) == 60)
            await until(is_told)
    assert [each["id"] for each in world.delivered()] == [each["id"] for each in truth]
    assert (printed + capsys.readouterr().out).count("traces.failed") == 1
