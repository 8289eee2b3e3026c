"""An instance that polls all that Egnyte has, on a domain with something of each kind: what the tests of it share."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx

from tests.support import until

CONTENTS = "folders/contents?path=/Shared/Team"
LISTS = ("users", "groups", "links", "notes", "trash", "tasks", "project-folders", "contents")
RECORDS = ("users", "groups", "links", "tasks", "project-folders", "notes")
CONFIGURATION = {
    name: {"url": f"/hubs/documents/{CONTENTS if name == 'contents' else name}"}
    for name in ("events", "audit", *LISTS, "ping")
} | {"people": {"url": "/hubs/documents/users", "strategy": "snapshot"}}


class Domain:
    """The whole service on one domain of the sandbox, with an instance that polls it."""

    def __init__(self, world, instance):
        self.world, self.instance = world, instance
        authorization = f"{world.client.headers['Authorization']}, Element {instance['token']}"
        self.headers = {"Authorization": authorization}

    async def read(self, path, **query):
        """Read all pages at the hub."""
        records, query = [], dict(query)
        while True:
            path_and_query = httpx.URL(f"/hubs/documents/{path}").copy_merge_params(query)
            answer = await self.world.client.get(str(path_and_query), headers=self.headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert "pageSize" not in query or len(page) <= int(query["pageSize"])
            records += page
            query["nextPage"] = answer.headers.get("Elements-Next-Page-Token")
            if not query["nextPage"]:
                return records

    async def read_truth(self, kind):
        """Give all records of a kind as the sandbox has them, as a list tells them."""
        if kind == "trash":
            return await self.read("trash")
        if kind == "contents":
            return await self.read(CONTENTS)
        records = (await self.world.control("GET", f"records/{kind}"))["records"]
        if kind == "groups":  # the list tells no members
            return [{"id": record["id"], "displayName": record["displayName"]} for record in records]
        return [record | {"can_delete": True} for record in records] if kind == "notes" else records

    async def take_in(self):
        found = {kind: await self.read_truth(kind) for kind in ("audit", *LISTS)}
        return found | {"people": found["users"]}

    def told(self):
        """Count what was delivered: resource, object and type. Ping tells nothing but the time."""
        found = Counter()
        for received in self.world.listener.received:
            message = received["body"]["message"]
            for event in message["events"]:
                found[message["raw"]["objectType"], event["objectId"], event["eventType"]] += 1
        return Counter({key: number for key, number in found.items() if key[0] != "ping"})

    async def settle(self):
        """Wait until a poll was made that began after this, and all that was found is delivered."""
        asked_at = await self.world.pool.fetchval("SELECT now()")

        async def was_polled():
            query = "SELECT last_poll_at > $2 FROM instance WHERE id = $1"
            return await self.world.pool.fetchval(query, self.instance["id"], asked_at)

        await until(was_polled)
        newest = await self.world.pool.fetchval("SELECT coalesce(max(sequence), 0) FROM event")
        await until(lambda: not newest or max(self.sequences(), default=0) >= newest)

    def sequences(self):
        return [event["sequence"] for event in self.world.events()]


async def connect_domain(world, *, polled=True, **configuration):
    """Make something of each kind, and connect an instance that polls it: where it is ``polled``, all were read once."""
    await world.change(30, actions=["create", "create", "note", "delete"], folder="/Shared/Team")
    # What is done to the team's files does nothing to the notes that are made here.
    [kept] = await world.change(1, actions=["create"], folder="/Shared/Kept")
    old = "2025-03-01T10:00:00Z"
    given = {
        "links": {"creation_date": old},
        "tasks": {"creationDate": old},
        "notes": {"creation_time": old, "file_path": kept["data"]["target_path"]},
    }
    for kind in RECORDS:
        await world.control("POST", f"records/{kind}", {"create": [given.get(kind, {})] * 3 + [{}]})
    await world.control("POST", "records/audit", {"create": [{}] * 3})
    await asyncio.sleep(1.1)  # what is dated in the second of connecting is told
    made = Domain(
        world, await world.connect(**{"event.poller.configuration": CONFIGURATION, **configuration})
    )

    async def were_read():
        query = "SELECT bool_and(watermark IS NOT NULL) FROM resource_poll"
        return await world.pool.fetchval(query)

    if polled:
        await until(were_read)
        await made.settle()
    return made
