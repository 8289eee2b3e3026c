"""All that Egnyte has, polled by one instance and read at its hub: exactly what was made, by object and type, once."""

from __future__ import annotations

from collections import Counter

from tests.flows.domain import CONFIGURATION, LISTS, RECORDS, connect_domain
from tests.support import until

CHANGED = {"users": "lastModificationDate", "project-folders": "lastModifiedTime", "trash": "delete_date"}
"""The date of a record's last change, where a list that is compared by dates tells one."""
SNAPSHOTS = ("groups", "contents", "people")
EVENT_TYPES = {
    "create": "CREATED",
    "copy": "CREATED",
    "move": "MOVED",
    "rename": "MOVED",
    "delete": "DELETED",
    "restore": "UPDATED",
    "permission_change": "UPDATED",
    "Upload": "CREATED",
    "Create Folder": "CREATED",
    "Copy": "CREATED",
    "Move": "MOVED",
    "Rename": "MOVED",
    "Delete": "DELETED",
    "Restore": "UPDATED",
    "Login": "UNKNOWN",
}


def compare(name, before, after):
    """Say what is to be told of a list that was ``before`` and is ``after``."""
    field = "event_object_id" if name == "contents" else "id"
    old, new = ({str(record[field]): record for record in records} for records in (before, after))
    told = Counter()
    for object_id, record in new.items():
        if object_id not in old:
            told[name, object_id, "DELETED" if name == "trash" else "CREATED"] += 1
        elif record != old[object_id] and (name in SNAPSHOTS or is_dated(name, record, old[object_id])):
            told[name, object_id, "UPDATED"] += 1
    if name in SNAPSHOTS:
        told.update((name, object_id, "DELETED") for object_id in old if object_id not in new)
    return told


def is_dated(name, record, before):
    """Say whether a list by dates shows a change: by its date, or, while that is fresh, by its content."""
    if name in CHANGED:
        return record[CHANGED[name]] != before[CHANGED[name]] or name != "users"
    return not any(str(value).startswith(("2025-03-01", "1740823200")) for value in record.values())


def expect_events(rows, known):
    """Say what is to be told of rows of the events; ``known`` are files that were seen."""
    told = Counter()
    for row in rows:
        details = row["data"]
        specific = row.get("eventTypeSpecificAttributes") or {}
        names = ("note_id", "target_group_id", "folder_id", "target_id", "target_path")
        object_id = next(
            (str(details[name]) for name in names if details.get(name)), str(specific.get("targetFolderId"))
        )
        if row["type"] == "permission_change" and specific.get("targetFolderId"):
            object_id = str(specific["targetFolderId"])
        event_type = EVENT_TYPES[row["action"]]
        if row["action"] == "create" and object_id in known and row["type"] == "file_system":
            event_type = "UPDATED"
        known = known - {object_id} if event_type == "DELETED" else known | {object_id}
        told["events", object_id, event_type] += 1
    return told, known


def expect_audit(before, after):
    rows = after[len(before) :]
    names = ("targetPath", "sourcePath", "userId")
    return Counter(
        ("audit", next(row[name] for name in names if row.get(name)), EVENT_TYPES[row["action"]])
        for row in rows
    )


PHASES = [
    (["create", "create", "note", "permission_change"], "create"),
    (["update", "copy", "move", "rename", "create"], "update"),
    (["delete", "delete", "restore", "note", "delete"], "delete"),
    (["create", "update", "delete", "restore"], "all"),
]


def choose(kind, wish, records):
    """Give the body of a control that changes records of a kind, each once."""
    records = [record for record in records if "/Team" not in record.get("file_path", "")]
    first, second, *_ = [record["id"] for record in records[-3:]]
    name = {"users": "email", "groups": "displayName", "links": "path", "notes": "message"}.get(kind, "name")
    value = "x@example.com" if kind == "users" else f"/Shared/{wish}" if kind == "links" else wish
    bodies = {
        "create": [{}, {}],
        "update": [{"id": records[0]["id"], name: value}, {"id": first, name: value}],
        "delete": [first],
    }
    if wish == "all":
        bodies["delete"] = [second]
        bodies["create"] = [{}]
        return bodies
    return {wish: bodies[wish]}


class Expected:
    """What is to be told by now, as counts of resource, object and type."""

    def __init__(self, domain):
        self.domain = domain
        self.counts = Counter()
        self._known = frozenset()

    async def change(self, actions, wish, before):
        """Change something of each kind that was there ``before``."""
        world = self.domain.world
        # A poll amid the changes would tell what is changed by two of them twice.
        enabled = f"/instances/{self.domain.instance['id']}/enabled"
        assert (await world.client.delete(enabled)).status_code == 200
        await until(lambda: not world.service.runtime._parts.poller.active)
        rows = await world.change(len(actions), actions=actions, folder="/Shared/Team")
        for kind in RECORDS:
            await world.control("POST", f"records/{kind}", choose(kind, wish, before[kind]))
        await world.control("POST", "records/audit", {"create": [{}]})
        assert (await world.client.put(enabled)).status_code == 200
        told, self._known = expect_events(rows, self._known)
        self.counts += told

    async def check(self, before):
        """Wait for what came of all changes since ``before``; nothing else must have been told."""
        domain = self.domain
        after = await domain.take_in()
        self.counts += expect_audit(before["audit"], after["audit"])
        for name in (*LISTS, "people"):
            self.counts += compare(name, before[name], after[name])
        await until(lambda: not self.counts - domain.told())
        await domain.settle()
        assert domain.told() == self.counts
        assert domain.sequences() == list(range(1, len(domain.sequences()) + 1))
        assert all(received["valid"] for received in domain.world.listener.received)


async def test_each_change_of_each_kind_is_told_once_by_object_and_type(world):
    domain = await connect_domain(world)
    expected = Expected(domain)
    for actions, wish in PHASES:
        before = await domain.take_in()
        await expected.change(actions, wish, before)
        await expected.check(before)
    assert {key[0] for key in expected.counts} == set(CONFIGURATION) - {"ping"}
    pings = [event for event in world.events() if event["objectType"] == "ping"]
    assert {event["objectId"] for event in pings} == {"egnyte"}
    assert {"CREATED"} < {event["eventType"] for event in pings} == {"CREATED", "UPDATED"}
    # All but what is gone from a list, of which the id alone is left, is called by its path or its name.
    unnamed = await world.pool.fetch("SELECT DISTINCT resource, event_type FROM event WHERE label = ''")
    assert {tuple(row) for row in unnamed} <= {(name, "DELETED") for name in SNAPSHOTS}


def answer(body, status=200):
    return {"kind": "status", "status": status, "body": body}


FAULTS = {
    "users": (
        "v2/users",
        answer('{"errorMessage": "The token is not granted the scope"}', 403),
        "not granted",
    ),
    "people": ("v2/users", None, "not granted"),
    "groups": ("v2/groups", answer("Oops", 500), "Egnyte failed (500): Oops"),
    "links": ("v2/links", answer("<html>Maintenance</html>"), "no valid JSON: <html>"),
    "notes": ("v1/notes", answer('{"notes": {"id": 1}}'), "notes are no list but dict"),
    "trash": ("v1/fs/trash", {"kind": "truncate"}, "no valid JSON"),
    "tasks": ("v1/workflows/tasks", answer('{"count": 3}'), "no list results or tasks; it has count"),
    "project-folders": ("v1/project-folders", {"kind": "reset"}, "did not answer"),
    "contents": ("v1/fs/Shared", answer('"nothing"'), "JSON that is no list"),
}


async def test_a_resource_that_fails_stops_no_other_and_loses_nothing(world):
    domain = await connect_domain(world)
    expected, before = Expected(domain), await domain.take_in()
    for path, fault, _ in FAULTS.values():
        if fault is not None:
            await world.control("POST", "faults", fault | {"times": 1000, "path": f"/pubapi/{path}"})
    await expected.change(*PHASES[0], before)
    place = f"/instances/{domain.instance['id']}"

    async def have_failed():
        resources = (await world.client.get(f"{place}/polling")).json()["resources"]
        return {each["resource"] for each in resources if each["state"] == "failing"} == set(FAULTS)

    await until(have_failed)
    await until(lambda: not expected.counts - domain.told())
    await until(lambda: {name for name, _, _ in domain.told()} == {"events", "audit"})
    status = (await world.client.get(f"{place}/polling")).json()
    assert status["state"] == "failing"
    for each in status["resources"]:
        assert (each["failures"] > 0) == (each["resource"] in FAULTS)
        assert not each["failures"] or FAULTS[each["resource"]][2] in each["lastError"]
    await world.control("DELETE", "faults")
    assert (await world.client.post(f"{place}/polls")).status_code == 202
    await expected.check(before)
    status = (await world.client.get(f"{place}/polling")).json()
    assert status["state"] == "active"
    assert {each["lastError"] for each in status["resources"]} == {None}
