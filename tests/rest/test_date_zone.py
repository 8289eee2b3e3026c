"""Dates without a zone, of a provider that writes the time of its own place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from signalpost.polling.configuration import default_resources, match_resource
from tests.rest.desk import write_desk
from tests.rest.test_post import load
from tests.support import until

ZONES = ["Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu"]
FORMATS = ["", "yyyy-MM-dd HH:mm:ss"]


def declare(zone, written=""):
    return f'date_format = "{written}"\ndate_zone = "{zone}"\n'


@pytest.mark.parametrize("zone", ZONES)
async def test_what_is_made_before_the_first_reading_is_told_by_its_date(open_desk, zone):
    """Taken for UTC it would be dated hours ahead, or hours before the instance was there."""
    async with open_desk(more=declare(zone, FORMATS[1])) as desk:
        instance = await desk.connect()
        later = (datetime.now(UTC) + timedelta(minutes=5)).replace(microsecond=0)
        at = later.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
        made = await desk.change(subject="here", created_at=at, updated_at=at)
        await desk.wait_for(made["id"])
        # Another name is read for the first time now, and tells what is dated since.
        resource = {"url": "/hubs/helpdesk/tickets"}
        polled = {"event.poller.configuration": {"tickets": resource, "again": resource}}
        await desk.world.client.patch(f"/instances/{instance['id']}", json={"configuration": polled})

        async def find_told():
            rows = await desk.world.pool.fetch("SELECT object_type, occurred_at FROM event")
            told = {each["object_type"]: each["occurred_at"] for each in rows}
            return told == dict.fromkeys(("tickets", "again"), later)

        await until(find_told)


@pytest.mark.parametrize("written", FORMATS)
def test_a_configuration_in_full_has_the_zone_and_reads_the_same(written):
    connector = load(write_desk("https://a.example", more=declare(ZONES[0], written)))
    [(name, full)] = default_resources(connector).items()
    assert full["datesConfiguration"]["updatedDateTimezone"] == ZONES[0]
    whole, short = (match_resource(name, each, connector) for each in (full, {"url": full["url"]}))
    assert whole.updated == short.updated
    assert whole.created == short.created
    assert str(whole.updated.zone) == ZONES[0]
