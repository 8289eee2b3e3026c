"""A connector file that is changed while instances of it are there: what holds for them from the next start on."""

from __future__ import annotations

import re

import pytest

from tests.rest.conftest import Desk
from tests.rest.desk import write_desk
from tests.support import until

LAST = "SELECT object_id FROM event ORDER BY sequence DESC LIMIT 1"


async def is_last(world, wanted):
    """Say whether an object is the last that the log of events has: the callback went with the service before."""
    return await world.pool.fetchval(LAST) == wanted


async def test_what_a_file_declares_of_a_resource_holds_for_instances_that_are_there(
    make_world, api, tmp_path
):
    path = tmp_path / "desk.toml"
    path.write_text(write_desk(api.url))
    async with make_world(connector_files=str(path)) as world:
        desk = Desk(world, api, "none")
        instance = await desk.connect()
        made = await desk.change(subject="first")
        await desk.wait_for(made["id"])
    path.write_text(write_desk(api.url).replace('id_field = "id"', 'id_field = "subject"'))
    async with make_world(connector_files=str(path)) as world:
        desk = Desk(world, api, "none")
        shown = await world.client.post(f"/instances/{instance['id']}/polls/preview", json={})
        await desk.change(subject="second")
        await until(lambda: is_last(world, "second"))
        assert shown.status_code == 200, shown.text
        [previewed] = shown.json()["resources"]
        assert {each["objectId"] for each in previewed["events"]} == {"first"}


@pytest.mark.parametrize(
    ("strategy", "dated"), [("timestamp", True), ("snapshot", True), ("snapshot", False)]
)
async def test_what_changed_meanwhile_is_told_where_the_same_records_are_read_elsewhere(
    make_world, api, tmp_path, strategy, dated
):
    """Such a change mends what failed as a rule: were the list taken in silently, what nobody read would be lost."""
    path, more = tmp_path / "desk.toml", f'strategies = ["{strategy}"]\n'

    def write(pagination):
        text = write_desk(api.url, pagination=pagination, more=more)
        return text if dated else re.sub("(?m)^(updated|created)_field.*$", "", text)

    path.write_text(write("page"))
    async with make_world(connector_files=str(path)) as world:
        desk = Desk(world, api, "none")
        await desk.connect()
        for subject in ("kept", "changed", "gone"):
            made = await desk.change(subject=subject)
            await desk.wait_for(made["id"])
        count = await world.pool.fetchval("SELECT count(*) FROM event")
    tickets = api.state.collections["tickets"]
    changed, gone = tickets[-2:]
    tickets.remove(gone)
    path.write_text(write("next_url"))
    async with make_world(connector_files=str(path)) as world:
        desk = Desk(world, api, "none")
        await desk.change(id=changed["id"], subject="otherwise")
        expected = {(str(changed["id"]), "UPDATED")}
        if strategy == "snapshot":
            expected.add((str(gone["id"]), "DELETED"))

        async def find_told():
            rows = await world.pool.fetch(
                "SELECT object_id, event_type FROM event ORDER BY sequence OFFSET $1", count
            )
            return {(each["object_id"], each["event_type"]) for each in rows} == expected

        await until(find_told)
