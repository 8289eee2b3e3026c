"""The audit log by itself: whatever is asked in whatever portions, each row is told once, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signalpost.sandbox.egnyte.audit_log import ANY, AuditLog, Position

DATES = st.lists(st.integers(0, 60), max_size=40)


@given(dates=DATES, start=st.integers(0, 60), window=st.integers(1, 80), count=st.integers(1, 10))
def test_slices_tell_every_row_once_in_order(dates: list[int], start: int, window: int, count: int) -> None:
    log = AuditLog()
    for number, date in enumerate(dates):
        log.append({"date": date, "number": number, "auditSource": "AB"[number % 2]})
    for sources in ((ANY,), ("A",)):
        seen: list[int] = []
        position, has_more = Position(start), True
        while has_more:
            found = log.read(position, until=60, window=window, count=count, sources=sources)
            assert len(found.rows) <= count
            seen += [row["number"] for row in found.rows]
            position, has_more = found.position, found.has_more
        expected = [
            row["number"]
            for row in log.list_all()
            if row["date"] >= start and sources in ((ANY,), (row["auditSource"],))
        ]
        assert seen == expected


@given(dates=DATES, later=DATES)
def test_what_comes_later_is_told_later(dates: list[int], later: list[int]) -> None:
    log = AuditLog()
    for date in dates:
        log.append({"date": date})
    first = log.read(Position(0), until=60, window=60, count=100, sources=(ANY,))
    # Only rows that are not older than what was read can be told: a log is read forwards.
    fresh = [{"date": date + 60, "late": True} for date in later]
    for row in fresh:
        log.append(row)
    rest = log.read(first.position, until=120, window=60, count=100, sources=(ANY,))
    assert list(rest.rows) == sorted(fresh, key=lambda row: row["date"])
