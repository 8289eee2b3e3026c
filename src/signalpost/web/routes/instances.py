"""Instances: the list, and the pages of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from signalpost.api.parts import read_id
from signalpost.api.shapes import show_configuration
from signalpost.connectors.base import FieldKind
from signalpost.model.addresses import mask_url
from signalpost.model.errors import InvalidRequestError
from signalpost.model.instance import Instance
from signalpost.store.views.instance_health import COUNTED_IN_LISTS, Health
from signalpost.web.instance_page import TABS, Shown, Standing, list_resources, load_charts, load_standing
from signalpost.web.pages import render
from signalpost.web.parts import Web
from signalpost.web.standing import Told, tell_states, write_watermark
from signalpost.web.visits import Viewer, Visit

router = APIRouter()

PAGE_SIZE = 50
STATES = (("attention", "Needs attention"),)
"""The states to choose from: the instances that the rail counts."""

NEWEST = 20
GAPS_SHOWN = 5
HISTORY_SHOWN = 50
"""So many of each kind of thing that happened are looked at."""


@dataclass(frozen=True, slots=True)
class ListedInstance:
    """A row of the list."""

    instance: Instance
    connector_name: str
    health: Health
    told: tuple[Told, ...]
    waiting: str


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened with an instance, in its history."""

    at: datetime
    kind: str
    text: str
    by: str = ""
    path: str | None = None


@router.get("/instances")
async def list_instances(
    request: Request,
    parts: Web,
    visit: Viewer,
    search: str = "",
    tag: Annotated[list[str] | None, Query()] = None,
    state: str = "",
    after: str = "0",
) -> Response:
    """List instances in the order of their ids, each with how it stands: five statements a page."""
    pulse = await parts.pulse.feel(visit.organization_id)
    now = parts.api.clock()
    tags = [each for each in tag or [] if each]
    if any("\x00" in text for text in (search, *tags)):
        message = "a NUL character stands in no name and no tag"
        raise InvalidRequestError(message)
    if state and state not in dict(STATES):
        message = f"state: {state[:50]!r} is none to choose; give attention, or leave it out for all"
        raise InvalidRequestError(message)
    found = await parts.api.instances.search(
        visit.organization_id,
        tags=tags,
        text=search or None,
        after_id=read_id("after", after),
        limit=PAGE_SIZE + 1,
        needing_at=now if state else None,
    )
    shown = found[:PAGE_SIZE]
    health = await parts.instance_health.read_many([each.id for each in shown])
    following = None
    if len(found) > PAGE_SIZE:
        given = [("search", search), ("state", state), *(("tag", each) for each in tags)]
        query = [(name, text) for name, text in given if text] + [("after", str(shown[-1].id))]
        following = f"/instances?{urlencode(query)}"
    return render(
        request,
        "instances/list.html",
        visit,
        rows=[
            ListedInstance(
                each,
                connector.name,
                health[each.id],
                tuple(tell_states(each, connector, health[each.id], now)),
                _write_waiting(health[each.id].lane.waiting),
            )
            for each in shown
            if each.id in health
            for connector in [parts.api.registry.recall(each)]
        ],
        connectors=sorted(parts.api.registry, key=lambda connector: connector.name),
        search=search,
        tags=tags,
        state_chosen=state,
        states=STATES,
        narrowed=bool(search or tags or state),
        following=following,
        further=after != "0",
        pulse=pulse or "",
    )


@router.get("/instances/{instance_id}")
async def show_instance(request: Request, parts: Web, visit: Viewer, instance: Shown) -> Response:
    """Show how an instance stands: health, charts, resources, gaps, what runs."""
    standing = await load_standing(parts, instance)
    gaps = await parts.instance_story.list_gaps(instance.id, limit=GAPS_SHOWN + 1)
    return _render(
        request,
        "health",
        visit,
        standing,
        tab="",
        charts=await load_charts(parts, instance),
        resources=list_resources(standing),
        gaps=gaps[:GAPS_SHOWN],
        more_gaps=len(gaps) > GAPS_SHOWN,
        watermark=write_watermark,
        running=await parts.api.replays.list_running(instance.id),
        notices=await parts.instance_story.count_notices(instance.id),
    )


@router.get("/instances/{instance_id}/events")
async def list_events(request: Request, parts: Web, visit: Viewer, instance: Shown) -> Response:
    """Show the newest events of an instance."""
    events = await parts.instance_story.list_events(instance.id, limit=NEWEST)
    return _render(
        request, "events", visit, await load_standing(parts, instance), tab="/events", events=events
    )


@router.get("/instances/{instance_id}/deliveries")
async def list_deliveries(request: Request, parts: Web, visit: Viewer, instance: Shown) -> Response:
    """Show the newest deliveries of an instance."""
    deliveries = await parts.instance_story.list_deliveries(instance.id, limit=NEWEST)
    return _render(
        request,
        "deliveries",
        visit,
        await load_standing(parts, instance),
        tab="/deliveries",
        deliveries=deliveries,
    )


@router.get("/instances/{instance_id}/configuration")
async def show_values(request: Request, parts: Web, visit: Viewer, instance: Shown) -> Response:
    """Show all values of an instance; secret ones are masked, and what URLs carry beside their place."""
    standing = await load_standing(parts, instance)
    values = [
        each | {"propertyValue": mask_url(each["propertyValue"])}
        if each["type"] == FieldKind.URL.value and each["propertyValue"]
        else each
        for each in show_configuration(instance, standing.connector)
    ]
    return _render(request, "configuration", visit, standing, tab="/configuration", values=values)


@router.get("/instances/{instance_id}/history")
async def show_history(request: Request, parts: Web, visit: Viewer, instance: Shown) -> Response:
    """Show what people did with an instance, its replays and its gaps; newest first."""
    entries = await parts.audit.list_entries(
        instance.organization_id, instance_id=instance.id, limit=HISTORY_SHOWN
    )
    replays = await parts.instance_story.list_replays(instance.id, limit=HISTORY_SHOWN)
    gaps = await parts.instance_story.list_gaps(instance.id, limit=HISTORY_SHOWN)
    happened = [
        *(Happening(each.done_at, "done", each.detail, each.email) for each in entries),
        *(
            Happening(
                each.created_at,
                "replay",
                f"replay {each.id}: {each.state.value}, {each.sent:,} sent, {each.dead:,} given up",
                path=f"/instances/{instance.id}/replays/{each.id}",
            )
            for each in replays
        ),
        *(Happening(each.detected_at, "gap", f"{each.resource}: {each.reason}") for each in gaps),
    ]
    happened.sort(key=lambda each: each.at, reverse=True)
    return _render(
        request,
        "history",
        visit,
        await load_standing(parts, instance),
        tab="/history",
        happened=happened,
        most=HISTORY_SHOWN,
    )


def _render(
    request: Request, name: str, visit: Visit, standing: Standing, *, tab: str, **shown: Any
) -> Response:
    return render(request, f"instances/{name}.html", visit, standing=standing, tabs=TABS, tab=tab, **shown)


def _write_waiting(number: int) -> str:
    return f"{number:,}+" if number >= COUNTED_IN_LISTS else f"{number:,}"
