"""Polling through the provider's mishaps: nothing skipped, nothing repeated, what is lost is told."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support import until


async def started(world, **configuration):
    instance = await world.connect(**configuration)
    await world.wait_for_watermark(instance["id"])
    return instance


def ids(rows):
    return [row["id"] for row in rows]


async def gaps(world, instance):
    return (await world.client.get(f"/instances/{instance['id']}/gaps")).json()


async def test_a_lost_cursor_is_a_recorded_gap_and_reading_goes_on_with_the_oldest_kept(world):
    instance = await started(world)
    await world.client.delete(f"/instances/{instance['id']}/enabled")
    made = await world.change(40)
    await world.control("PATCH", "settings", {"retention": 15})
    await world.change(1)
    await world.client.put(f"/instances/{instance['id']}/enabled")
    await until(lambda: len(world.delivered()) >= 15)

    truth = await world.control("GET", "events?after=0")
    kept = ids(truth["events"] if isinstance(truth, dict) else truth)[-15:]
    assert ids(world.delivered()) == kept
    [gap] = await gaps(world, instance)
    assert gap["fromWatermark"]["id"] == made[0]["id"] - 1
    assert gap["toWatermark"]["id"] == kept[0] - 1
    assert gap["resource"] == "events"
    # The receiver sees the hole too: one number of the sequence is left out.
    assert gap["sequence"] == 1
    assert [event["sequence"] for event in world.events()] == list(range(2, 17))


async def test_a_cursor_refused_once_loses_and_repeats_nothing(world):
    instance = await started(world)
    first = await world.change(5)
    await until(lambda: len(world.delivered()) >= 5)
    await world.control("POST", "faults", {"kind": "lost_cursor", "times": 1, "path": "/pubapi/v2/events"})
    second = await world.change(5)
    await until(lambda: len(world.delivered()) >= 10)
    assert ids(world.delivered()) == ids(first) + ids(second)
    assert await gaps(world, instance) == []
    assert [event["sequence"] for event in world.events()] == list(range(1, 11))


MISHAPS = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "body": "<html>bad gateway</html>"},
    {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 200, "body": "<html>maintenance</html>"},
    {"kind": "status", "status": 200, "body": "[]"},
    {"kind": "status", "status": 418},
    {"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
    # A reset on a connection that served before is tried once more on a new one: so two are needed.
    {"kind": "reset", "times": 2},
    {"kind": "truncate"},
]


@pytest.mark.parametrize("fault", MISHAPS, ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}")
async def test_a_failed_read_moves_nothing_and_is_told_until_it_succeeds(world, fault):
    await started(world)
    await world.control("POST", "faults", {"times": 1, **fault})
    made = await world.change(120)

    async def failed():
        text = (await world.outside.get(f"{world.url}/metrics")).text
        return 'signalpost_polls_total{outcome="failed"}' in text

    await until(failed)
    await until(lambda: len(world.delivered()) >= 120)
    assert ids(world.delivered()) == ids(made)

    async def recovered():
        row = await world.pool.fetchrow("SELECT last_error, failures FROM resource_poll")
        return tuple(row) == (None, 0)

    await until(recovered)


async def test_why_a_read_failed_is_kept_in_words_and_the_watermark_with_it(world):
    instance = await started(world)
    before = await world.watermark(instance["id"])
    await world.control("POST", "faults", {"kind": "status", "status": 503, "times": 1})

    async def told():
        return await world.pool.fetchval("SELECT last_error FROM resource_poll")

    assert "Egnyte failed (503)" in await until(told)
    assert await world.watermark(instance["id"]) == before


async def test_a_page_that_fails_in_the_middle_of_many_leaves_what_was_read_and_goes_on(world):
    instance = await started(world)
    await world.client.delete(f"/instances/{instance['id']}/enabled")
    made = await world.change(450)
    # The third page fails: two are committed and delivered, then the rest follows, nothing twice.
    await world.control("PATCH", "settings", {"qps": 1000})
    for kind in ({"kind": "latency", "seconds": 0.01, "times": 2}, {"kind": "truncate", "times": 1}):
        await world.control("POST", "faults", kind)
    await world.client.put(f"/instances/{instance['id']}/enabled")
    await until(lambda: len(world.delivered()) >= 450)
    assert ids(world.delivered()) == ids(made)


async def test_the_days_quota_used_up_waits_as_long_as_told(world):
    await started(world)
    await world.control("POST", "faults", {"kind": "over_rate", "times": 1})

    async def waiting():
        return await world.pool.fetchrow(
            "SELECT extract(epoch FROM next_poll_at - now()) AS seconds, throttled_until = next_poll_at AS told,"
            " failures FROM instance JOIN resource_poll ON instance_id = instance.id"
            " WHERE throttled_until IS NOT NULL"
        )

    row = await until(waiting)
    # Until midnight in UTC, as the sandbox says; it is nobody's failure.
    assert (row["told"], row["failures"]) == (True, 0)
    assert 0 < row["seconds"] <= 86_400


@pytest.mark.parametrize("status", [403, 429])
async def test_calls_that_come_too_fast_are_made_again_and_nothing_fails(world, status):
    await world.control("PATCH", "settings", {"throttle_status": status})
    await started(world)
    await world.control("POST", "faults", {"kind": "over_qps", "times": 3})
    made = await world.change(120)
    await until(lambda: len(world.delivered()) >= 120)
    assert ids(world.delivered()) == ids(made)
    assert await world.pool.fetchval("SELECT last_error FROM resource_poll") is None
    metrics = (await world.outside.get(f"{world.url}/metrics")).text
    assert 'signalpost_polls_total{outcome="failed"} 0' in metrics


async def test_a_missing_permission_is_told_apart_from_limits(world):
    instance = await started(world)
    fault = {
        "kind": "status",
        "status": 403,
        "body": '{"errorMessage":"No permission to read events"}',
        "times": 1,
    }
    await world.control("POST", "faults", fault)

    async def told():
        return await world.pool.fetchval("SELECT last_error FROM resource_poll")

    assert "No permission to read events" in await until(told)
    assert (await world.client.get(f"/instances/{instance['id']}")).json()["valid"] is True


async def test_the_allotted_rate_is_kept(world):
    """With two calls a second allotted, the provider hardly has to refuse one: at the turn of a second it may."""
    await world.control("PATCH", "settings", {"qps": 2})
    await started(world)
    made = await world.change(350)
    await until(lambda: len(world.delivered()) >= 350)
    assert ids(world.delivered()) == ids(made)
    calls = await world.control("GET", "calls")
    answers = Counter()
    for counts in calls["paths"].values():
        answers.update(counts)
    assert answers["403"] <= answers.total() / 5, answers  # of calls made as fast as they come it is a third


async def test_numbers_as_text_and_late_settings_of_the_provider(world):
    await world.control("PATCH", "settings", {"numbers_as_strings": True})
    await started(world)
    made = await world.change(105)
    await until(lambda: len(world.delivered()) >= 105)
    assert [int(record["id"]) for record in world.delivered()] == [int(row["id"]) for row in made]


async def test_a_new_version_of_a_known_file_is_an_update(world):
    await started(world)
    await world.change(1, actions=["create"])
    await world.change(2, actions=["update"])
    await until(lambda: len(world.delivered()) >= 3)
    by_object: dict[str, list[str]] = {}
    for event in world.events():
        by_object.setdefault(event["objectId"], []).append(event["eventType"])
    for types in by_object.values():
        assert types[0] == "CREATED"
        assert set(types[1:]) <= {"UPDATED"}
    assert sum(len(types) for types in by_object.values()) == 3


async def test_every_action_is_told_by_its_type(world):
    await started(world)
    actions = ["create", "move", "copy", "rename", "delete", "restore", "permission_change", "note"]
    made = []
    for action in actions:
        made += await world.change(1, actions=[action])
    await until(lambda: len(world.delivered()) >= len(made))
    expected = {
        "create": {"CREATED"},
        "copy": {"CREATED"},
        "move": {"MOVED"},
        "rename": {"MOVED"},
        "delete": {"DELETED"},
        "restore": {"UPDATED"},
        "permission_change": {"UPDATED"},
    }
    for record, event in zip(world.delivered(), world.events(), strict=True):
        if record["type"] == "note":
            assert event["objectType"] == "note"
        else:
            assert event["eventType"] in expected[record["action"]], record


async def test_configuration_edited_in_mid_flight_keeps_the_watermark(world):
    instance = await started(world)
    made = []
    for turn in range(6):
        made += await world.change(60)
        body = {
            "configuration": {"event.poller.refresh_interval": f"{(0.3 + turn % 2) / 60:.4f}"},
            "name": f"N{turn}",
        }
        assert (await world.client.patch(f"/instances/{instance['id']}", json=body)).status_code == 200
    await until(lambda: len(world.delivered()) >= 360)
    assert ids(world.delivered()) == ids(made)


async def test_a_filter_by_type_is_applied_here_so_that_the_watermark_always_moves(world):
    url = {"url": "/hubs/documents/events?type=note%7Cpermission_change"}
    instance = await started(world, **{"event.poller.configuration": {"events": url}})
    made = await world.change(6, actions=["create", "note"])
    made += await world.change(3, actions=["create"])

    async def caught_up():
        return (await world.watermark(instance["id"]))["id"] == made[-1]["id"]

    await until(caught_up)
    notes = [row["id"] for row in made if row["type"] == "note"]
    await until(lambda: len(world.delivered()) >= len(notes))
    assert ids(world.delivered()) == notes
    assert notes


async def test_a_file_is_known_by_itself_where_its_path_is_the_id(world):
    """A path passes to other files, and files come to other paths with no event of their own."""
    polled = {"events": {"url": "/hubs/documents/events", "idField": "data.target_path"}}
    await started(world, **{"event.poller.configuration": polled})
    steps = [
        ("create", "/Shared/F/a", "g1", "CREATED"),
        ("rename", "/Shared/F/b", "g1", "MOVED"),
        ("create", "/Shared/F/a", "g2", "CREATED"),
        ("create", "/Shared/F/b", "g1", "UPDATED"),
        ("move", "/Shared/G", None, "MOVED"),
        ("create", "/Shared/G/a", "g2", "UPDATED"),
        ("delete", "/Shared/G/a", "g2", "DELETED"),
        ("create", "/Shared/G/a", "g3", "CREATED"),
    ]
    rows = [
        {
            "type": "file_system",
            "action": action,
            "data": {"target_path": path, "target_group_id": group, "is_folder": group is None},
        }
        for action, path, group, _ in steps
    ]
    await world.control("POST", "events", rows)
    await until(lambda: len(world.events()) >= len(steps))
    told = [(event["objectId"], event["eventType"]) for event in world.events()]
    assert told == [(path, event_type) for _, path, _, event_type in steps]
