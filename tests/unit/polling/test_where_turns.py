"""The longest ``where`` there may be, on many records: each text is read once, and all else gets its turns between."""

from __future__ import annotations

import sys

import pytest

from signalpost.polling.choosing import choose
from signalpost.polling.where import MOST_VALUES, read_where
from tests.unit.polling.turns import take_turns

DATES = [
    f"Thu, {day} May 2026 {hour:02}:{minute:02}:00 GMT"
    for day in range(1, 29)
    for hour in range(24)
    for minute in (0, 30)
]
RECORD = {"modified": "2026-05-28T11:41:12Z", "size": 5, "name": "a"}


def count_calls(act):
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("field", ["modified", "size", "name"])
@pytest.mark.parametrize("joined", [" OR modified = ", ", "])
def test_what_a_text_is_besides_is_found_out_once(field, joined):
    values = [f"'{each}'" for each in DATES[:MOST_VALUES]]
    text = f"modified = {joined.join(values)}" if "=" in joined else f"modified IN ({joined.join(values)})"
    where = read_where(text.replace("modified", field))
    records = 5
    where.matches(RECORD)
    calls = count_calls(lambda: [where.matches(RECORD) for _ in range(records)])
    assert calls < 40 * records * MOST_VALUES


async def test_all_else_gets_its_turns_between_records():
    where = read_where(
        " OR ".join(f"modified = '{each}'" for each in [*DATES[: MOST_VALUES - 1], RECORD["modified"]])
    )
    records = [{**RECORD, "name": str(number)} for number in range(20)]
    async with take_turns() as turns:
        assert await choose(where, records) == records
    assert len(turns) >= len(records)


async def test_those_that_meet_are_chosen_in_their_order():
    records = [{"size": number} for number in range(3000)]
    assert await choose(read_where("size > 2997"), records) == [{"size": 2998}, {"size": 2999}]
    assert await choose(read_where(""), records) == records
    shown = await choose(read_where("size = 3"), range(9), lambda number: {"size": number})
    assert shown == [3]
