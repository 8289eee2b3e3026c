"""What no list should hold: told in words, nothing lost, and the other resources of the instance go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signalpost.model.errors import ConnectorError
from tests.polling.machine import CONFIGURATIONS

LISTS = ["timestamp", "snapshot"]
DATE = "2026-05-28T12:14:00.000+00:00"


@pytest.mark.parametrize("strategy", LISTS)
@pytest.mark.parametrize(
    "record",
    [
        {},
        {"id": None},
        {"id": ""},
        {"id": {"nested": 1}},
        {"id": []},
        {"other": 1},
        7,
        "text",
        None,
        ["list"],
        {"id": "x\x00y"},
    ],
    ids=repr,
)
async def test_a_record_without_an_id_is_told_by_its_content_and_remarked(open_machine, strategy, record):
    machine = await open_machine(strategy)
    machine.provider.listed = [record, {"id": "good", "created": DATE, "updated": DATE}]
    told = await machine.tell()
    assert len(told) == 2
    assert ("good", "CREATED") in told
    assert await machine.tell() == told
    if record != {"id": "x\x00y"}:
        assert "id" in (await machine.read_row())["remark"]
    assert await machine.read_error() is None


async def test_nothing_is_deleted_while_records_without_an_id_leave_doubt(open_machine):
    machine = await open_machine("snapshot")
    machine.provider.listed = [{"id": "a"}, {"id": "b"}]
    await machine.tell()
    machine.provider.listed = [{"id": "a"}, {"name": "b, without its id"}]
    assert ("b", "DELETED") not in await machine.tell()
    assert "no deletions" in (await machine.read_row())["remark"]
    machine.provider.listed = [{"id": "a"}]
    assert ("b", "DELETED") in await machine.tell()


@pytest.mark.parametrize(
    "value", [None, "", "soon", True, [], {}, 10**30, -1, "0000-00-00", "99999-01-01T00:00:00Z"], ids=repr
)
async def test_an_unreadable_date_loses_no_record(open_machine, value):
    machine = await open_machine("timestamp")
    record = {"id": "o", "updated": value, "value": 1}
    machine.provider.listed = [record]
    assert await machine.tell() == [("o", "CREATED")]
    assert await machine.tell() == [("o", "CREATED")]
    machine.provider.listed = [{**record, "value": 2}]
    assert await machine.tell() == [("o", "CREATED"), ("o", "UPDATED")]
    machine.provider.listed = [record]
    assert (await machine.tell())[2:] == [("o", "UPDATED")]


@pytest.mark.parametrize(
    ("first", "second"), [("1779970440000", 1779970440000), (DATE, 1779970440000), (1779970440, "1779970440")]
)
async def test_numbers_as_text_and_text_as_numbers_are_the_same_date(open_machine, first, second):
    machine = await open_machine("timestamp")
    machine.provider.now += timedelta(hours=3)
    machine.provider.listed = [{"id": "o", "updated": first}]
    await machine.tell()
    machine.provider.listed = [{"id": "o", "updated": second}]
    assert await machine.tell() == [("o", "CREATED")]


@pytest.mark.parametrize("strategy", LISTS)
async def test_an_id_that_stands_twice_in_a_page(open_machine, strategy):
    machine = await open_machine(strategy)
    machine.provider.listed = [
        {"id": "o", "created": DATE, "updated": DATE, "value": 1},
        {"id": "o", "created": DATE, "updated": "2026-05-28T12:14:30.000+00:00", "value": 2},
    ]
    told = await machine.tell()
    assert told[0] == ("o", "CREATED")
    assert await machine.tell() == told
    if strategy == "snapshot":
        assert "not unique" in (await machine.read_row())["remark"]


async def test_eight_megabytes_in_one_record(open_machine):
    machine = await open_machine("timestamp")
    machine.provider.listed = [{"id": "big", "updated": DATE, "text": "x" * 8_000_000}]
    assert await machine.tell() == [("big", "CREATED")]
    [event] = await machine.read_events()
    assert len(event["record"]["text"]) == 8_000_000


@pytest.mark.parametrize("strategy", LISTS)
@pytest.mark.parametrize(
    "names", [lambda _: "5", lambda last: "1" if last == "2" else "2"], ids=["one", "two"]
)
async def test_pages_that_lead_in_circles_are_told_and_conclude_nothing(open_machine, strategy, names):
    machine = await open_machine(strategy)
    before = await machine.read_watermark()
    machine.provider.endless = names
    await machine.tell()
    assert "does not end" in await machine.read_error()
    assert await machine.read_watermark() == before
    assert machine.provider.calls < 20


@pytest.mark.parametrize("strategy", LISTS)
async def test_pages_without_an_end_are_bounded_and_told(open_machine, strategy, monkeypatch):
    monkeypatch.setattr("signalpost.polling.strategies.reading.MOST_LIST_PAGES", 50)
    machine = await open_machine(strategy)
    machine.provider.endless = lambda last: str(int(last or 0) + 1)
    await machine.tell()
    assert "more than 50 pages" in await machine.read_error()
    assert machine.provider.calls < 60


async def test_a_list_that_is_too_long_for_a_snapshot_says_so(open_machine, monkeypatch):
    machine = await open_machine("snapshot")
    monkeypatch.setattr("signalpost.polling.strategies.snapshot.SnapshotReading.__init__.__defaults__", (5,))
    for number in range(9):
        machine.provider.write(f"o{number}", number)
    await machine.tell()
    assert "too many for a snapshot" in await machine.read_error()


async def test_a_sick_resource_does_not_stop_a_healthy_one(open_machine):
    """And after a hundred failures it alone is given up, until somebody resumes it."""
    machine = await open_machine("timestamp")
    resources = {"sick": CONFIGURATIONS["feed"], "polled": CONFIGURATIONS["timestamp"]}
    draft = machine._draft(CONFIGURATIONS["timestamp"], {})
    await machine.instances.update(
        machine.instance, type(draft)(**{**_fields(draft), "resources": resources})
    )
    machine.provider.feed_failure = ConnectorError("sick")
    for number in range(120):
        machine.provider.write(f"o{number}", number)
        machine.provider.now += timedelta(hours=2)
        await machine.poll()
    told = [event["object_id"] for event in await machine.read_events() if event["object_id"].startswith("o")]
    assert set(told) == {f"o{number}" for number in range(120)}
    rows = {row["resource"]: row for row in await machine.pool.fetch("SELECT * FROM resource_poll")}
    assert rows["sick"]["failures"] == 100
    assert rows["sick"]["disabled_at"] is not None
    assert rows["polled"]["disabled_at"] is None


def _fields(draft):
    return {name: getattr(draft, name) for name in type(draft).__dataclass_fields__}
