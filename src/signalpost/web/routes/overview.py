"""The overview: what needs attention now, and what happened today."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from signalpost.store.views.insight import HourCount
from signalpost.store.views.recent import LogSearch
from signalpost.web.charts import make_bars
from signalpost.web.pages import render
from signalpost.web.parts import Web
from signalpost.web.troubles import NEEDS_NOBODY, find_troubles
from signalpost.web.visits import Viewer

router = APIRouter()

HOURS = 48
NEWEST = 10
MOST_COUNTED = 10_000
"""So many notifications are counted; more are not told apart."""

TROUBLES_SHOWN = 5
"""So many of each kind; all stand under Operations."""


@router.get("/")
async def show_overview(request: Request, parts: Web, visit: Viewer) -> Response:
    """Show what needs attention, the totals of today and the events of each hour; without an instance, the way to one.

    Cost: seven statements, each bounded.
    """
    now = parts.api.clock()
    organization_id = visit.organization_id
    pulse = await parts.pulse.feel(organization_id)
    totals = await parts.insight.count_standing(organization_id, most=MOST_COUNTED)
    if not totals.instances:
        return render(request, "operations/first_use.html", visit)
    found = await find_troubles(parts, visit, limit=TROUBLES_SHOWN)
    hour = now.replace(minute=0, second=0, microsecond=0)
    today = hour.replace(hour=0)
    begin = hour - timedelta(hours=HOURS - 1)
    counts = await parts.insight.count_hours(organization_id, None, begin, hour + timedelta(hours=1))
    newest = await parts.recent.list_events(organization_id, LogSearch(), before=None, limit=NEWEST)
    return render(
        request,
        "overview.html",
        visit,
        **asdict(found) | {"troubles": [each for each in found.troubles if each.kind not in NEEDS_NOBODY]},
        totals=totals,
        events_today=sum(each.events for each in counts if each.begin_at >= today),
        today=await parts.insight.count_delivered(organization_id, today, most=MOST_COUNTED),
        most_totalled=MOST_COUNTED,
        chart=make_bars(fill_hours(counts, begin)),
        newest=newest.events,
        pulse=pulse or "",
    )


def fill_hours(counts: list[HourCount], begin: datetime, hours: int = HOURS) -> list[tuple[datetime, float]]:
    """Give the count of each hour from ``begin`` on, 0 where there was nothing."""
    known = {each.begin_at: each.events for each in counts}
    moments = [begin + timedelta(hours=number) for number in range(hours)]
    return [(moment, known.get(moment, 0)) for moment in moments]
