"""Deliveries of an instance read back and sent again (``/instances/{id}/deliveries``), and how its endpoint stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from signalpost.api.once import ONCE
from signalpost.api.paging import (
    MOST_PAGE_SIZE,
    AfterId,
    ListName,
    Newest,
    NextPage,
    PageNumber,
    Pages,
    PageSize,
    go_on,
    read_paging,
    write_paging,
)
from signalpost.api.parts import ApiParts, Named, Parts, read_id
from signalpost.api.reading import JsonRoute
from signalpost.api.replays import read_body_instant, show_replay
from signalpost.api.search import Search
from signalpost.api.shapes import show_time
from signalpost.delivery.stuck import name_status
from signalpost.model.addresses import mask_url
from signalpost.model.errors import ConflictError, NotFoundError
from signalpost.model.ids import NotificationId
from signalpost.model.instance import Instance
from signalpost.store.delivery_log import DeliveredObject, DeliveryAttempt, LoggedDelivery

router = APIRouter(prefix="/instances", tags=["deliveries"], route_class=JsonRoute)


@router.get("/{instance_id}/deliveries")
async def list_deliveries(
    parts: Parts,
    instance: Named,
    search: Search,
    response: Response,
    paging: Pages,
    after_id: AfterId = None,
    newest: Newest = None,
) -> list[dict[str, Any]]:
    """List the deliveries of an instance; newest last."""
    paging = go_on(paging, "afterId", after_id, newest)
    found = await parts.delivery_log.list_deliveries(
        instance.id,
        search,
        after_id=paging.after_id,
        limit=paging.size,
        offset=paging.offset,
        backwards=paging.backwards,
    )
    write_paging(response, paging, found, [found[-1].id] if found else None)
    events = await parts.delivery_log.load_events(found)
    return [show_delivery(each, events[each.id]) for each in found]


@router.post("/{instance_id}/deliveries/send-failed", status_code=202, dependencies=ONCE)
async def send_failed(
    parts: Parts, instance: Named, body: Annotated[dict[str, Any] | None, Body()] = None
) -> dict[str, Any]:
    """Have the dead letters sent again: all, or those that died since an instant."""
    since = read_body_instant("since", body or {})
    return show_replay(await parts.replays.ask_failed(instance.id, since))


@router.get("/{instance_id}/deliveries/{notification_id}")
async def read_delivery(parts: Parts, instance: Named, notification_id: str) -> dict[str, Any]:
    """Show one delivery with its attempts."""
    found = await _find(parts, instance, notification_id)
    events = await parts.delivery_log.load_events([found])
    attempts = await parts.delivery_log.list_attempts(
        NotificationId(found.id), after=(-1, 0), limit=MOST_PAGE_SIZE
    )
    return {
        **show_delivery(found, events[found.id]),
        "attemptList": [_show_attempt(each) for each in attempts],
    }


@router.get("/{instance_id}/deliveries/{notification_id}/attempts")
async def list_attempts(
    parts: Parts,
    instance: Named,
    notification_id: str,
    response: Response,
    of: ListName,
    page_size: PageSize = None,
    next_page: NextPage = None,
    page: PageNumber = None,
) -> list[dict[str, Any]]:
    """List the attempts of one delivery: those of the lane, then those of each replay."""
    found = await _find(parts, instance, notification_id)
    paging = read_paging(of, page_size, next_page, page)
    attempts = await parts.delivery_log.list_attempts(
        NotificationId(found.id),
        after=paging.read_pair((-1, 0)),
        limit=paging.size,
        offset=paging.offset,
    )
    last = [attempts[-1].replay_id, attempts[-1].number] if attempts else None
    write_paging(response, paging, attempts, last)
    return [_show_attempt(each) for each in attempts]


@router.post("/{instance_id}/deliveries/{notification_id}/send", status_code=202, dependencies=ONCE)
async def send_again(parts: Parts, instance: Named, notification_id: str) -> dict[str, Any]:
    """Have one notification sent again, with the same id."""
    number = NotificationId(read_id("notificationId", notification_id))
    return show_replay(await parts.replays.ask_one(instance.id, number))


@router.get("/{instance_id}/endpoint")
async def read_endpoint(parts: Parts, instance: Named) -> dict[str, Any]:
    """Show how the endpoint of an instance stands, and how much waits for it."""
    found = await parts.endpoints.read(instance.id)
    if found is None:
        message = f"there is no instance {instance.id}"
        raise NotFoundError(message)
    return {
        "instanceId": instance.id,
        "url": None if found.url is None else mask_url(found.url),
        "state": found.state,
        "failingSince": show_time(found.failing_since),
        "deactivatedDate": show_time(found.deactivated_at),
        "lastError": found.last_error,
        "waiting": found.waiting,
        "oldestWaitingDate": show_time(found.oldest_waiting_at),
        "nextAttemptDate": show_time(found.next_attempt_at),
    }


@router.put("/{instance_id}/endpoint")
async def release_endpoint(parts: Parts, instance: Named) -> dict[str, Any]:
    """Release a held or deactivated endpoint: what waits is due at once, failures count from none."""
    if not await parts.endpoints.release(instance.id):
        message = (
            f"instance {instance.id} is disabled, and nothing is delivered;"
            f" PUT /instances/{instance.id}/enabled enables it and releases its endpoint as well"
        )
        raise ConflictError(message)
    await parts.queue.enqueue_deliveries([instance.id])
    return await read_endpoint(parts, instance)


def show_delivery(delivery: LoggedDelivery, events: Sequence[DeliveredObject]) -> dict[str, Any]:
    """Show a delivery."""
    status = name_status(delivery)
    return {
        "id": delivery.id,
        "instanceId": delivery.instance_id,
        "state": delivery.state.value,
        "status": status,
        "attempts": delivery.attempts,
        "failures": delivery.failures,
        "createdDate": show_time(delivery.created_at),
        "deliveredDate": show_time(delivery.delivered_at),
        "deadDate": show_time(delivery.dead_at),
        "nextAttemptDate": show_time(delivery.next_attempt_at) if status in {"created", "retry"} else None,
        "events": [
            {
                "id": str(each.id),
                "sequence": each.sequence,
                "objectId": each.object_id,
                "objectType": each.object_type,
                "eventType": each.event_type,
            }
            for each in events
        ],
        "lastStatus": delivery.last_status,
        "lastError": delivery.last_error,
    }


def _show_attempt(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "replayId": attempt.replay_id or None,
        "startedDate": show_time(attempt.started_at),
        "durationMilliseconds": attempt.duration_milliseconds,
        "status": attempt.status,
        "error": attempt.error,
        "excerpt": attempt.excerpt,
    }


async def _find(parts: ApiParts, instance: Instance, notification_id: str) -> LoggedDelivery:
    number = NotificationId(read_id("notificationId", notification_id))
    found = await parts.delivery_log.find_delivery(instance.id, number)
    if found is None:
        message = f"there is no delivery {number}"
        raise NotFoundError(message)
    return found
