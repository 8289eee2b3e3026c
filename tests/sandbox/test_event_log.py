"""The log by itself: whatever was appended, paging tells each kept event once, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signalpost.sandbox.egnyte.event_log import EventLog, Selection

IDS = st.lists(st.integers(1, 2**63 - 1), unique=True, max_size=60)
TYPES = st.sampled_from(["file_system", "note", "permission_change"])


@given(ids=IDS, retention=st.integers(1, 80), count=st.integers(1, 100), data=st.data())
def test_paging_gives_every_kept_event_once(
    ids: list[int], retention: int, count: int, data: st.DataObject
) -> None:
    log = EventLog()
    types = {event_id: data.draw(TYPES) for event_id in ids}
    for event_id in ids:
        log.append({"id": event_id, "type": types[event_id]}, now=0)
        log.let_go(retention=retention, retention_seconds=1, now=0)
    wanted = data.draw(st.none() | st.lists(TYPES).map(tuple))
    seen: list[int] = []
    after = log.oldest_kept_id - 1
    assert not log.is_lost(after)
    while found := log.select(Selection(after, count, types=wanted), visible_at=0):
        assert len(found) <= count
        seen += [entry.row["id"] for entry in found]
        after = seen[-1]
    kept = [event_id for event_id in sorted(ids) if event_id >= log.oldest_kept_id]
    assert seen == [event_id for event_id in kept if wanted is None or types[event_id] in wanted]
    assert [row["id"] for row in log.list_after(0)] == sorted(ids)


@given(ids=IDS.filter(len), after=st.integers(0, 2**63 - 1))
def test_cursor_is_lost_just_when_something_before_the_oldest_may_be_missing(
    ids: list[int], after: int
) -> None:
    log = EventLog()
    for event_id in ids:
        log.append({"id": event_id}, now=0)
    assert log.is_lost(after) == (after < min(ids) - 1)


def test_raised_retention_does_not_bring_back_what_is_gone() -> None:
    log = EventLog()
    for row in log.number([{}] * 5):
        log.append(row, now=0)
    log.let_go(retention=2, retention_seconds=1, now=0)
    log.let_go(retention=5, retention_seconds=1, now=0)
    assert log.oldest_kept_id == 4
