"""The events of each of the last hours, drawn: of the organization, or of one instance."""

from __future__ import annotations

from datetime import datetime, timedelta

from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.web.charts import BarChart, make_bars
from signalpost.web.parts import WebParts

HOURS_SHOWN = 48


def find_midnight(now: datetime) -> datetime:
    """Give when the day of ``now`` began, in its zone."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


async def load_hours(
    parts: WebParts, organization_id: OrganizationId, instance_id: InstanceId | None, now: datetime
) -> tuple[BarChart, int]:
    """Draw the events of each of the last hours, and give how many there were today: one statement."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    begin_at = hour - timedelta(hours=HOURS_SHOWN - 1)
    counts = await parts.insight.count_hours(
        organization_id, instance_id, begin_at, hour + timedelta(hours=1)
    )
    counted = {each.begin_at: each.events for each in counts}
    moments = [begin_at + timedelta(hours=number) for number in range(HOURS_SHOWN)]
    today = sum(events for at, events in counted.items() if at >= find_midnight(now))
    return make_bars([(at, counted.get(at, 0)) for at in moments]), today
