"""Deletions that a provider tells in its lists: by a field of the record, or by a list of what was deleted."""

from __future__ import annotations

import pytest

BY_FIELD = 'deleted_field = "deleted_at"\n'
SEEN_BY = {
    "": ["snapshot"],
    BY_FIELD: ["timestamp", "snapshot"],
    "lists_deleted = true\n": ["timestamp", "snapshot"],
}


@pytest.mark.parametrize("strategy", ["timestamp", "snapshot"])
async def test_a_record_that_stays_and_says_so_is_told_as_deleted(open_desk, strategy):
    async with open_desk(more=f'{BY_FIELD}strategies = ["{strategy}"]\n') as desk:
        await desk.connect()
        made = await desk.change(subject="here")
        await desk.wait_for(made["id"])
        await desk.change(id=made["id"], deleted_at="2026-05-28T11:41:12Z")
        await desk.wait_for(made["id"], made["id"])
        last = await desk.change(subject="last")
        await desk.wait_for(made["id"], made["id"], last["id"])
        assert [each["eventType"] for each in desk.world.events()] == ["CREATED", "DELETED", "CREATED"]


async def test_what_appears_in_a_list_of_deleted_things_is_told_as_deleted(open_desk):
    async with open_desk(more="lists_deleted = true\n") as desk:
        await desk.connect()
        made = await desk.change(subject="was there")
        [event] = await desk.wait_for(made["id"])
        assert event["eventType"] == "DELETED"


@pytest.mark.parametrize("more", SEEN_BY)
async def test_what_is_seen_is_shown(open_desk, more):
    async with open_desk(more=more) as desk:
        shown = (await desk.world.client.get("/elements/desk")).json()["events"]["polling"]["tickets"]
        assert shown["deletionsSeenBy"] == SEEN_BY[more]
        assert "DELETED" in shown["eventTypes"]
        instance = await desk.connect()
        await desk.change(subject="a", deleted_at="2026-05-28T11:41:12Z")
        previewed = await desk.world.client.post(f"/instances/{instance['id']}/polls/preview", json={})
        [resource] = previewed.json()["resources"]
        assert [each["eventType"] for each in resource["events"]] == (["DELETED"] if more else ["CREATED"])
