"""How polling stands (``/instances/{id}/polling``), resumed, asked for at once, tried without storing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from signalpost.api.once import ONCE
from signalpost.api.paging import MOST_PAGE_SIZE, Pages, write_paging
from signalpost.api.parts import ApiParts, Asking, Named, Own, Parts, Scope, connector_of
from signalpost.api.reading import JsonRoute
from signalpost.api.shapes import show_time
from signalpost.connectors.base import Connector
from signalpost.model.configuration import POLLER_CONFIGURATION, stringify
from signalpost.model.errors import ConflictError, InvalidRequestError, NotFoundError, RequestError
from signalpost.model.instance import Instance
from signalpost.model.quota import read_allowance
from signalpost.polling.configuration import recall_resource
from signalpost.polling.status import PollingState, judge_polling, judge_resource
from signalpost.store.polling_status import PollingRow, Schedule

router = APIRouter(prefix="/instances", tags=["polling"], route_class=JsonRoute)

POLLED = frozenset({PollingState.THROTTLED, PollingState.STALE, PollingState.FAILING, PollingState.ACTIVE})
"""The states in which a poll can be asked for."""


@router.get("/polling-disabled")
async def list_stopped(
    parts: Parts,
    caller: Asking,
    scope: Scope,
    response: Response,
    paging: Pages,
) -> list[dict[str, Any]]:
    """List the instances with resources that are not polled any more, as they failed too often."""
    found = await parts.polling.list_stopped(
        caller.organization_id,
        instance_id=scope,
        after_id=paging.after_id,
        limit=paging.size,
        offset=paging.offset,
    )
    write_paging(response, paging, found, [found[-1].instance_id] if found else None)
    return [
        {
            "instanceId": each.instance_id,
            "instanceName": each.instance_name,
            "resources": list(each.resources),
            "since": show_time(each.since),
            "lastError": each.last_error,
        }
        for each in found
    ]


@router.get("/event-poller-records")
async def list_own_records(parts: Parts, own: Own) -> list[dict[str, Any]]:
    """List the polled resources of the instance whose token is given, each with how far it was read."""
    return await list_records(parts, own)


@router.get("/polling")
async def read_own_polling(parts: Parts, own: Own) -> dict[str, Any]:
    """Show how polling of the instance whose token is given stands."""
    return await read_polling(parts, own)


@router.put("/polling")
async def resume_own_polling(parts: Parts, own: Own) -> dict[str, Any]:
    """Resume polling of the instance whose token is given."""
    return await resume_polling(parts, own)


@router.get("/{instance_id}/event-poller-records")
async def list_records(parts: Parts, instance: Named) -> list[dict[str, Any]]:
    """List the polled resources of an instance, each with how far it was read."""
    schedule = await _read(parts, instance)
    return [
        {
            "objectName": row.resource,
            "lastPollDate": show_time(schedule.last_poll_at),
            "lastSuccessDate": show_time(find_last_success(row, schedule)),
            "failures": row.failures,
            "disabled": row.disabled_at is not None,
            "watermark": row.watermark,
        }
        for row in schedule.resources
    ]


@router.get("/{instance_id}/polling")
async def read_polling(parts: Parts, instance: Named) -> dict[str, Any]:
    """Show how polling stands: in one word, in words that say what to do, and of each resource."""
    schedule = await _read(parts, instance)
    connector = connector_of(parts, instance)
    now = parts.clock()
    state, message = judge_polling(instance, connector, schedule, now)
    allowance = read_allowance(schedule.quota, connector.calls_a_day, now)
    resources = []
    for row in schedule.resources:
        resources.append(_show_resource(row, schedule, connector))
        await asyncio.sleep(0)  # there may be thousands
    return {
        "state": state.value,
        "message": message,
        "intervalSeconds": schedule.interval_seconds,
        "lastPollDate": show_time(schedule.last_poll_at),
        "lastSuccessDate": show_time(schedule.last_success_at),
        "nextPollDate": show_time(schedule.next_poll_at),
        "throttledUntil": show_time(schedule.throttled_until),
        "quota": None
        if allowance is None
        else {
            "callsADay": allowance.calls_a_day,
            "used": allowance.used,
            "leftToPolls": allowance.left_to_polls,
            "resetsDate": show_time(allowance.resets_at),
        },
        "resources": resources,
    }


@router.put("/{instance_id}/polling")
async def resume_polling(parts: Parts, instance: Named) -> dict[str, Any]:
    """Resume what is not polled any more as it failed too often: from its watermark, nothing is lost."""
    await parts.polling.resume(instance, parts.clock())
    return await read_polling(parts, instance)


@router.post("/{instance_id}/polls", status_code=202, dependencies=ONCE)
async def ask_poll(parts: Parts, instance: Named) -> dict[str, Any]:
    """Poll now, what waits after a failure included."""
    connector = connector_of(parts, instance)
    state, message = judge_polling(instance, connector, await _read(parts, instance), parts.clock())
    asked_at = await parts.polling.ask_poll(instance) if state in POLLED else None
    if asked_at is None:
        message = f"instance {instance.id} cannot be polled now: {message}"
        raise ConflictError(message)
    await parts.queue.enqueue_polls([instance.id])
    return {"instanceId": instance.id, "requestedDate": show_time(asked_at)}


@router.post("/{instance_id}/polls/preview")
async def preview_poll(
    parts: Parts, instance: Named, body: Annotated[dict[str, Any] | None, Body()] = None
) -> dict[str, Any]:
    """Read one page of each resource by a configuration and show what would come of it. Nothing is stored."""
    text, size = _read_wish(body or {}, instance)
    return {"resources": await parts.previews.make(instance, text, size)}


async def _read(parts: ApiParts, instance: Instance) -> Schedule:
    schedule = await parts.polling.read(instance.id)
    if schedule is None:
        message = f"there is no instance {instance.id}"
        raise NotFoundError(message)
    return schedule


def find_last_success(row: PollingRow, schedule: Schedule) -> datetime | None:
    """Give when a resource was last read: at the last poll, unless it fails; each success is not written apart.

    Of one that was given up and resumed the first is.
    """
    was_read = row.last_error_at is None or (
        row.last_success_at is not None and row.last_success_at > row.last_error_at
    )
    if row.failures or row.disabled_at is not None or row.watermark is None or not was_read:
        return row.last_success_at
    return schedule.last_poll_at


def _show_resource(row: PollingRow, schedule: Schedule, connector: Connector) -> dict[str, Any]:
    return {
        "resource": row.resource,
        "strategy": name_strategy(row, connector),
        "watermark": row.watermark,
        "state": judge_resource(row).value,
        "failures": row.failures,
        "lastError": row.last_error,
        "lastErrorDate": show_time(row.last_error_at),
        "lastSuccessDate": show_time(find_last_success(row, schedule)),
        "retryDate": show_time(row.retry_at),
        "disabledDate": show_time(row.disabled_at),
        "remark": row.remark,
        "remembered": row.remembered,
    }


def name_strategy(row: PollingRow, connector: Connector) -> str | None:
    """Name how a resource is read; None where its configuration cannot be read any more."""
    try:
        return recall_resource(row.resource, row.configuration, connector).strategy.value
    except RequestError:  # written by another version of the connector: its poll says why
        return None


def _read_wish(body: Mapping[str, Any], instance: Instance) -> tuple[str, int | None]:
    """Give the poller configuration to try, as text, and the size of pages."""
    size = body.get("pageSize")
    if size is not None and (type(size) is not int or not 1 <= size <= MOST_PAGE_SIZE):
        message = f"pageSize: {str(size)[:50]!r} is not a whole number from 1 to {MOST_PAGE_SIZE}"
        raise InvalidRequestError(message)
    given = {name: value for name, value in body.items() if name != "pageSize"}
    if "configuration" in given:
        return stringify(given["configuration"]), size
    if given:
        return stringify(given), size
    return instance.configuration.get(POLLER_CONFIGURATION, ""), size
