"""Operations: pollers and endpoints that need somebody; for admins also workers, queue and database."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from signalpost.store.endpoints import LATE_SECONDS
from signalpost.store.views.troubles import Kind
from signalpost.web.pages import render
from signalpost.web.parts import Web
from signalpost.web.troubles import find_troubles
from signalpost.web.visits import Viewer

router = APIRouter()

SHOWN = 50
"""So many of each kind of trouble."""

POLLING = (
    Kind.NOT_INSTALLED,
    Kind.AUTHORISATION,
    Kind.NEVER_AUTHORISED,
    Kind.STOPPED,
    Kind.STALE,
    Kind.FAILING,
    Kind.THROTTLED,
)
DELIVERY = (Kind.NO_CALLBACK, Kind.DEACTIVATED, Kind.HELD, Kind.LATE, Kind.DEAD)

SILENT_SECONDS = 60.0
"""A worker that is silent for so long is taken for dead."""


@router.get("/operations")
async def show_operations(request: Request, parts: Web, visit: Viewer) -> Response:
    """Show what is wrong, each with its remedy; to admins also how the installation stands."""
    pulse = await parts.pulse.feel(visit.organization_id)
    found = await find_troubles(parts, visit, limit=SHOWN)

    def choose(*kinds: Kind) -> list[object]:
        return [each for kind in kinds for each in found.troubles if each.kind is kind]

    return render(
        request,
        "operations/operations.html",
        visit,
        pulse=pulse or "",
        polling=choose(*POLLING),
        delivery=choose(*DELIVERY),
        gaps=choose(Kind.GAP),
        more=found.more,
        consenting=found.consenting,
        shown=SHOWN,
        most_counted=found.most_counted,
        retention_days=found.retention_days,
        most_waiting=parts.operations.most_waiting,
        standing=await parts.operations.read() if visit.may("admin") else None,
        silent_seconds=SILENT_SECONDS,
        late_seconds=LATE_SECONDS,
    )
