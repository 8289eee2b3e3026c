"""Whether a process lives and is ready, and what it counts: as those ask who watch it."""

from __future__ import annotations

import re
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support import until

LABELS = {
    "outcome": {"ok", "failed", "delivered", "retry", "dead", "spent", "gone", "renewed", "refused"},
    "stage": {"poll", "deliver", "replay", "notice"},
    "kind": {"poll", "deliver", "replay"},
    "state": {"queued", "running", "used", "idle"},
}
"""All labels that there may be, but a version and the bounds of histograms."""


async def ask(world, path):
    answer = await world.outside.get(world.url + path)
    return answer.status_code, answer.json()


async def read_metrics(world):
    """Give all samples: by name, and by name and labels where it has any."""
    text = (await world.outside.get(f"{world.url}/metrics")).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_process_that_is_well_says_so_of_each_part(world):
    services = {"scheduler": {"ok": True}, "heartbeat": {"ok": True}}
    assert await ask(world, "/healthz") == (200, {"status": "alive", "checks": services})
    checks = {"database": {"ok": True}, **services}
    assert await ask(world, "/readyz") == (200, {"status": "ready", "checks": checks})


async def test_a_process_without_roles_has_no_services_to_be_well(make_world):
    async with make_world(roles=frozenset()) as world:
        assert await ask(world, "/healthz") == (200, {"status": "alive", "checks": {}})
        assert await ask(world, "/readyz") == (200, {"status": "ready", "checks": {"database": {"ok": True}}})


async def test_without_its_database_it_is_alive_but_not_ready(world):
    await world.service.app.api.state.parts.health._pool.close()
    status, body = await ask(world, "/readyz")
    assert status == 503
    assert body["status"] == "not ready"
    assert body["checks"]["database"]["ok"] is False
    assert body["message"].startswith("database: the database cannot be reached")
    assert re.fullmatch("[0-9a-f]{32}", body["requestId"])
    assert (await ask(world, "/healthz"))[0] == 200


@pytest.mark.parametrize(("seconds", "alive"), [(31, 200), (91, 503)])
async def test_services_that_stand_still_are_named(world, seconds, alive):
    await world.service.runtime.stop()
    vitals = world.service.app.api.state.parts.vitals
    vitals._monotonic = lambda: time.monotonic() + seconds
    status, body = await ask(world, "/readyz")
    assert status == 503
    assert set(body["checks"]) == {"database", "scheduler", "heartbeat"}
    for name in ("scheduler", "heartbeat"):
        assert "no turn has succeeded for" in body["checks"][name]["reason"]
    status, body = await ask(world, "/healthz")
    assert status == alive
    assert body["status"] == ("alive" if alive == 200 else "stuck")
    assert all(check["ok"] is (alive == 200) for check in body["checks"].values())


async def test_what_a_delivery_leaves_in_the_metrics(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    await world.change(25)
    await until(lambda: len(world.delivered()) == 25)
    attempts = len(world.listener.received)

    async def is_counted():
        metrics = await read_metrics(world)
        # The lane is worked while the poll that woke it is still being finished.
        ended = metrics[("signalpost_polls_total", "ok")] >= 2
        return metrics if ended and metrics[("signalpost_delivery_lag_seconds_count",)] == attempts else None

    metrics = await until(is_counted)
    assert metrics[("signalpost_events_total",)] == 25
    assert metrics[("signalpost_pages_total",)] >= 1
    assert metrics[("signalpost_delivery_attempts_total", "delivered")] == attempts
    assert metrics[("signalpost_delivery_seconds_count",)] == attempts
    polls = metrics[("signalpost_polls_total", "ok")]
    assert polls >= 2
    assert metrics[("signalpost_poll_seconds_count",)] == polls
    assert metrics[("signalpost_poll_lag_seconds_count",)] == polls
    assert metrics[("signalpost_tick_seconds_count",)] > 0
    assert abs(metrics[("signalpost_last_tick_timestamp_seconds",)] - time.time()) < 60
    assert metrics[("signalpost_database_connection_wait_seconds_count",)] > 0
    most = metrics[("signalpost_database_connections_max",)]
    assert 0 < metrics[("signalpost_database_connections", "idle")] <= most
    assert 0 < metrics[("signalpost_quota_left_ratio",)] <= 1


async def test_labels_are_of_fixed_sets_whatever_is_polled(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    await world.service.runtime._count()
    text = (await world.outside.get(f"{world.url}/metrics")).text
    seen = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for name, value in sample.labels.items():
                assert name in {"le", "version"} or value in LABELS[name], sample
                seen.add(name)
    assert {"le", "version", "outcome"} <= seen


async def test_gauges_tell_what_needs_somebody(make_world):
    async with make_world(roles=frozenset()) as world:
        await world.pool.execute(
            "INSERT INTO worker VALUES (gen_random_uuid(), now()), (gen_random_uuid(), now() - interval '1 minute')"
        )
        instances = [await world.connect() for _ in range(3)]
        await world.pool.execute(
            "UPDATE resource_poll SET disabled_at = now() WHERE instance_id = $1", instances[0]["id"]
        )
        await world.pool.execute(
            "UPDATE instance SET created_at = now() - interval '1 hour', next_poll_at = now() - interval '1 hour'"
        )
        await world.pool.execute(
            "UPDATE instance SET valid = false, next_poll_at = NULL WHERE id = $1", instances[1]["id"]
        )
        await world.pool.execute(
            "UPDATE instance SET throttled_until = now() + interval '1 hour' WHERE id = $1",
            instances[2]["id"],
        )
        await world.pool.execute(
            "UPDATE endpoint SET failing_since = now(), state = 'deactivated' WHERE instance_id = $1",
            instances[0]["id"],
        )
        await world.service.runtime._count()
        metrics = await read_metrics(world)
        shown = {
            name[0].removeprefix("signalpost_"): value for name, value in metrics.items() if len(name) == 1
        }
        assert shown["pollers_disabled"] == 1
        assert shown["pollers_stale"] == 1  # of the other two one is not polled, one held back on purpose
        assert shown["authorisations_needed"] == 1
        assert shown["accounts_throttled"] == 1
        assert shown["endpoints_failing"] == shown["endpoints_deactivated"] == 1
        assert shown["workers"] == 1
        assert shown["database_size_bytes"] > 1_000_000
        assert abs(shown["counted_timestamp_seconds"] - time.time()) < 60
        for kind in LABELS["kind"]:
            assert ("signalpost_queue_jobs", kind, "queued") in metrics


async def test_gauges_tell_nothing_of_what_somebody_has_disabled(make_world):
    async with make_world(roles=frozenset()) as world:
        await world.connect()
        await world.pool.execute("UPDATE resource_poll SET disabled_at = now()")
        await world.pool.execute("UPDATE endpoint SET failing_since = now(), state = 'deactivated'")
        gauges = (
            "signalpost_pollers_disabled",
            "signalpost_endpoints_failing",
            "signalpost_endpoints_deactivated",
        )
        for is_disabled, number in ((False, 1), (True, 0)):
            await world.pool.execute("UPDATE instance SET disabled = $1", is_disabled)
            await world.service.runtime._count()
            metrics = await read_metrics(world)
            assert [metrics[(gauge,)] for gauge in gauges] == [number] * 3


async def test_gauges_tell_how_long_what_is_due_has_waited(make_world):
    async with make_world(roles=frozenset()) as world:
        await world.connect()
        await world.service.runtime._parts.queue.enqueue_polls([1, 2])
        await world.pool.execute("UPDATE instance SET next_poll_at = now() - interval '2 hours'")
        await world.pool.execute("UPDATE endpoint SET due_at = now() + interval '2 hours'")
        await world.service.runtime._count()
        metrics = await read_metrics(world)
        assert 7200 <= metrics[("signalpost_overdue_seconds", "poll")] < 7300
        assert metrics[("signalpost_overdue_seconds", "deliver")] == 0
        assert metrics[("signalpost_overdue_seconds", "replay")] == 0
        assert metrics[("signalpost_queue_jobs", "poll", "queued")] == 2
        assert metrics[("signalpost_queue_jobs", "poll", "running")] == 0
        assert 0 <= metrics[("signalpost_queue_oldest_seconds", "poll")] < 60
        assert metrics[("signalpost_queue_oldest_seconds", "deliver")] == 0


async def test_a_replay_that_rests_with_its_instance_is_not_overdue(make_world):
    async with make_world(roles=frozenset()) as world:
        rests, runs = [await world.connect() for _ in range(2)]
        for each in (rests, runs):
            await world.client.post(f"/instances/{each['id']}/replays", json={"sequence": 1})
        await world.client.delete(f"/instances/{rests['id']}/enabled")
        due = "UPDATE replay SET due_at = now() - make_interval(hours => $2) WHERE instance_id = $1"
        await world.pool.execute(due, rests["id"], 2)
        await world.pool.execute(due, runs["id"], 1)
        await world.service.runtime._count()
        assert 3600 <= (await read_metrics(world))["signalpost_overdue_seconds", "replay"] < 3700
        await world.client.delete(f"/instances/{runs['id']}/enabled")
        await world.service.runtime._count()
        assert (await read_metrics(world))["signalpost_overdue_seconds", "replay"] == 0


async def test_what_is_handed_out_and_taken_by_nobody_is_stale(make_world):
    """Whoever ticks puts off what has a job already: such an instance is never overdue for long."""
    async with make_world(roles=frozenset()) as world:
        instance = await world.connect()
        await world.pool.execute(
            "UPDATE instance SET created_at = now() - interval '1 hour', next_poll_at = now()"
        )
        runtime = world.service.runtime
        await runtime._count()
        assert (await read_metrics(world))[("signalpost_pollers_stale",)] == 0
        await runtime._parts.scheduler.tick()
        assert (
            await world.pool.execute("UPDATE pgqueuer SET created = now() - interval '2 minutes'")
            == "UPDATE 1"
        )
        await runtime._count()
        metrics = await read_metrics(world)
        assert metrics[("signalpost_pollers_stale",)] == 1, instance
        assert 120 <= metrics[("signalpost_queue_oldest_seconds", "poll")] < 180


async def test_gauges_that_were_not_counted_are_not_shown(make_world):
    async with make_world(roles=frozenset()) as world:
        assert ("signalpost_pollers_disabled",) not in await read_metrics(world)
