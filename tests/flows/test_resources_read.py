"""Each resource read at its hub, polled from the oldest, and previewed: all three have what the provider has."""

from __future__ import annotations

import json

from signalpost.sandbox.egnyte.dates import write_zulu
from tests.flows.domain import CONFIGURATION, CONTENTS, LISTS, connect_domain
from tests.support import until

OURS = {"event_object_id", "event_object_type", "event_type", "event_date"}
PATHS = {name: CONTENTS if name == "contents" else name for name in ("events", "audit", *LISTS)}
WHERES = {
    "events": (
        "action = 'delete' OR type = 'note'",
        lambda row: row["action"] == "delete" or row["type"] == "note",
    ),
    "audit": ("auditSource = 'LOGIN_AUDIT'", lambda row: row["auditSource"] == "LOGIN_AUDIT"),
    "users": (
        "userName = 'admin' AND active = true",
        lambda row: row["userName"] == "admin" and row["active"],
    ),
    "groups": ("displayName LIKE 'Group%'", lambda row: row["displayName"].startswith("Group")),
    "links": (
        "creation_date >= '2025-06-01' AND type = 'file'",
        lambda row: row["type"] == "file" and not is_old(row),
    ),
    "notes": (
        "creation_time < '2025-06-01T00:00:00Z'",
        lambda row: row["creation_time"].startswith("2025-03-01"),
    ),
    "trash": ("type = 'file' AND size > 0", lambda row: row["type"] == "file" and row["size"] > 0),
    "tasks": ("file.path LIKE '/Shared/%' AND assigner.id = 1", lambda row: row["assigner"]["id"] == 1),
    "project-folders": ("status IN ('pending') AND startDate IS NULL", lambda row: True),  # noqa: ARG005 - all
    "contents": ("is_folder = true", lambda row: row["is_folder"]),
}


def is_old(row):
    return row["creation_date"].startswith("2025-03-01")


def canonical(records):
    """Give records as texts, in an order of their own."""
    return sorted(json.dumps(record, sort_keys=True) for record in records)


async def read_truth(domain, name):
    """Give what the provider has, beside what our own code tells of it."""
    state = domain.world.sandbox.state
    match name:
        case "events":
            return (await domain.world.control("GET", "events"))["events"]
        case "trash":
            return [
                {"id": item.id, "path": item.path, "delete_date": write_zulu(item.deleted_at)}
                for item in state.tree.trash
            ]
        case "contents":
            children = state.tree.find("/Shared/Team").children.values()
            return [{"path": node.path, "is_folder": node.is_folder} for node in children]
        case _:
            return await domain.read_truth(name)


def reduce(name, records):
    """Take what the truth does not tell: the fields that we add, and more of what is told in short above."""
    if name in ("trash", "contents"):
        fields = ("id", "path", "delete_date") if name == "trash" else ("path", "is_folder")
        return [{field: record[field] for field in fields} for record in records]
    return [{field: value for field, value in record.items() if field not in OURS} for record in records]


async def test_the_hub_has_what_the_provider_has_page_by_page_and_polling_tells_the_same(world):
    await world.control("PATCH", "settings", {"audit_window_seconds": 1_000_000})
    start = {"event.poller.start": "oldest"}
    domain = await connect_domain(world, **start)
    told = {}
    for received in world.listener.received:
        raw = received["body"]["message"]["raw"]
        told.setdefault(raw["objectType"], []).extend(raw[raw["objectType"]])
    for name, path in PATHS.items():
        found = await domain.read(path, pageSize="2")
        assert canonical(reduce(name, found)) == canonical(await read_truth(domain, name)), name
        assert canonical(told[name]) == canonical(found), name
        where, matches = WHERES[name]
        wanted = [record for record in found if matches(record)]
        assert wanted, name
        assert canonical(await domain.read(path, pageSize="2", where=where)) == canonical(wanted), name
    assert canonical(told["people"]) == canonical(told["users"])
    answer = await world.client.get("/hubs/documents/ping", headers=domain.headers)
    assert answer.json().keys() == told["ping"][0].keys() == {"dateTime", "endpoint"}


async def count_rows(pool):
    tables = await pool.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
    )
    names = [row["table_name"] for row in tables]
    counts = await pool.fetchrow("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in names))
    return dict(zip(names, counts, strict=True))


async def test_a_preview_shows_each_resource_and_stores_nothing(make_world):
    async with make_world(roles=frozenset()) as world:
        domain = await connect_domain(world, polled=False)
        before = await count_rows(world.pool)
        answer = await world.client.post(
            f"/instances/{domain.instance['id']}/polls/preview", json={"pageSize": 50}
        )
        assert await count_rows(world.pool) == before
        samples = {each["resource"]: each for each in answer.json()["resources"]}
        assert samples.keys() == CONFIGURATION.keys()
        for name, sample in samples.items():
            assert (sample["error"], sample["remarks"]) == (None, []), name
            assert len(sample["records"]) == len(sample["events"]) == len(sample["diagnosis"]) > 0
            if name not in ("ping", "people"):
                assert canonical(sample["records"]) == canonical(
                    await domain.read(PATHS[name], pageSize="50")
                )
            for diagnosis, event in zip(sample["diagnosis"], sample["events"], strict=True):
                assert diagnosis["id"]["objectId"] == event["objectId"]
                assert diagnosis["id"]["problem"] is None
                for kind in ("updated", "created"):
                    assert diagnosis[kind] is None or diagnosis[kind]["instant"], (name, diagnosis)
        types = {name: {event["eventType"] for event in sample["events"]} for name, sample in samples.items()}
        assert types["trash"] == {"DELETED"}
        assert {"CREATED", "DELETED"} <= types["events"]


async def test_without_a_scope_its_resource_alone_is_refused(world):
    code = await world.control(
        "POST",
        "authorize",
        {
            "client_id": "key",
            "redirect_uri": "https://app.example.com/connected",
            "scope": "Egnyte.filesystem",
        },
    )
    wish = {name: CONFIGURATION[name] for name in ("events", "users", "notes")}
    body = await world.body(**{"event.poller.configuration": wish}) | {"providerData": code}
    instance = (await world.client.post("/instances", json=body)).json()

    async def has_failed():
        status = (await world.client.get(f"/instances/{instance['id']}/polling")).json()
        return {each["resource"]: each["lastError"] for each in status["resources"] if each["lastError"]}

    failed = await until(has_failed)
    assert failed.keys() == {"users"}
    assert "Egnyte.user" in failed["users"]
    made = await world.change(3, actions=["create"])
    await until(lambda: len(world.delivered()) >= 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
    assert (await world.client.get(f"/instances/{instance['id']}")).json()["valid"]
