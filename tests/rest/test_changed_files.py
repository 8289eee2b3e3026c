"""A connector file that is changed while instances of it are there: what holds for them from the next start on."""

from __future__ import annotations

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
