"""The bound of the memory, and what it forgets."""

from __future__ import annotations

from datetime import timedelta

from signalpost.model.event import Remembered
from signalpost.store.events import Events
from signalpost.store.memory import Memory
from tests.store.history import change
from tests.store.test_event_log import instance_id, page, poll  # noqa: F401 - fixtures
from tests.store.test_memory import NOW, entry, number


async def test_up_to_when_was_dropped_never_goes_back(pool, instance_id, poll):  # noqa: F811
    """Older objects that come later are dropped as well: what was dropped before them stays dropped."""
    events = Events(pool, most_remembered=10)
    last = None
    for version, days in enumerate([range(100, 115), range(8)], start=1):
        seen = [entry(f"o{day}", days=day) for day in days]
        await events.commit_page(
            change(
                page(instance_id, version, []), poll_id=poll.id, remembered=seen, watermark={"id": version}
            )
        )
        _, forgotten_before = await number(pool)
        assert last is None or forgotten_before >= last
        last = forgotten_before


async def test_another_version_replaces_all_that_was_known(pool, instance_id, poll):  # noqa: F811
    events = Events(pool)
    entries = [
        entry("o"),
        Remembered("o", "folder", "2", NOW + timedelta(days=3), NOW + timedelta(days=4)),
    ]
    for version, each in enumerate(entries, start=1):
        await events.commit_page(
            change(
                page(instance_id, version, []), poll_id=poll.id, remembered=[each], watermark={"id": version}
            )
        )
        assert await Memory(pool).recall(poll.id, ["o"]) == {"o": each}
