"""The overview: what needs attention now, and what happened today."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from signalpost.store.views.recent import LogSearch
from signalpost.web.hours import find_midnight, load_hours
from signalpost.web.pages import render
from signalpost.web.parts import Web
from signalpost.web.troubles import NEEDS_NOBODY, find_troubles
from signalpost.web.visits import Viewer

router = APIRouter()

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
    chart, events_today = await load_hours(parts, organization_id, None, now)
    newest = await parts.recent.list_events(organization_id, LogSearch(), before=None, limit=NEWEST)
    return render(
        request,
        "overview.html",
        visit,
        **asdict(found) | {"troubles": [each for each in found.troubles if each.kind not in NEEDS_NOBODY]},
        mends_itself=any(each.kind in NEEDS_NOBODY for each in found.troubles),
        totals=totals,
        events_today=events_today,
        today=await parts.insight.count_delivered(organization_id, find_midnight(now), most=MOST_COUNTED),
        most_totalled=MOST_COUNTED,
        chart=chart,
        newest=newest.events,
        pulse=pulse or "",
    )
