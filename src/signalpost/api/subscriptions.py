"""The original's way to look for what is stuck and to release it (``/notifications/...``, open-connectors.md 1.4).

An instance is the subscription of its events; only what waits and what is dead is looked at.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from signalpost.api.paging import (
    ListName,
    NextPage,
    PageNumber,
    PageSize,
    Paging,
    read_unnumbered,
    write_paging,
)
from signalpost.api.parts import Asking, Parts, Scope, read_id
from signalpost.api.reading import JsonRoute
from signalpost.api.search import read_comparisons
from signalpost.api.shapes import show_time
from signalpost.delivery.stuck import Choose, Found, name_status
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.model.ids import InstanceId, NotificationId
from signalpost.polling.choosing import choose
from signalpost.polling.where import Where
from signalpost.store.delivery_log import LoggedDelivery

router = APIRouter(prefix="/notifications", tags=["deliveries"], route_class=JsonRoute)

FIELDS = (
    "channel",
    "status",
    "config.url",
    "notificationId",
    "subscriptionId",
    "createdDate",
    "updatedDate",
    "attempts",
    "lastStatus",
    "lastError",
)
"""What a ``where`` may ask for."""


def read_condition(where: str | None = None) -> Where:
    """Read ``where``; raises as ``read_comparisons``."""
    return read_comparisons(where, FIELDS, "deliveries")


def read_hydrate(hydrate: str | None = None) -> bool:
    """Read ``hydrate``: whether notification and subscription are shown with each delivery.

    Raises:
        InvalidRequestError: it is neither true nor false.
    """
    if hydrate and hydrate.lower() not in {"true", "false"}:
        message = f"hydrate: {hydrate[:50]!r} is neither true nor false"
        raise InvalidRequestError(message)
    return (hydrate or "").lower() == "true"


Condition = Annotated[Where, Depends(read_condition)]
Hydrated = Annotated[bool, Depends(read_hydrate)]


@router.get("/subscriptions/deliveries")
async def list_stuck(
    parts: Parts,
    caller: Asking,
    scope: Scope,
    where: Condition,
    hydrated: Hydrated,
    response: Response,
    of: ListName,
    page_size: PageSize = None,
    next_page: NextPage = None,
    page: PageNumber = None,
) -> list[dict[str, Any]]:
    """List what waits and what is dead, of all instances or of the one whose token is given."""
    paging = read_unnumbered(of, page_size, next_page, page)
    found = await parts.stuck.search(
        caller.organization_id,
        scope,
        _choose_by(where),
        after=paging.read_pair(),
        size=paging.size,
    )
    return _answer(response, paging, found, hydrated=hydrated)


@router.put("/subscriptions/deliveries")
async def release_stuck(
    parts: Parts,
    caller: Asking,
    scope: Scope,
    where: Condition,
    hydrated: Hydrated,
    response: Response,
    of: ListName,
    next_page: NextPage = None,
    page: PageNumber = None,
) -> list[dict[str, Any]]:
    """Release the endpoints of what is queued or retried, and send what is dead again; lists what it concerns."""
    if where.part is None:
        message = "where: it is missing; say which, as in channel='webhook' and status='queued'"
        raise InvalidRequestError(message)
    paging = read_unnumbered(of, None, next_page, page)
    found = await parts.stuck.release(
        caller.organization_id, scope, _choose_by(where), after_id=paging.after_id
    )
    return _answer(response, paging, found, hydrated=hydrated)


@router.get("/{notification_id}/subscriptions/{subscription_id}/deliveries")
async def read_stuck(
    parts: Parts,
    caller: Asking,
    scope: Scope,
    notification_id: str,
    subscription_id: str,
) -> dict[str, Any]:
    """Show the delivery of one notification to its subscription, which is its instance."""
    number = NotificationId(read_id("notificationId", notification_id))
    instance_id = InstanceId(read_id("subscriptionId", subscription_id))
    instance = await parts.instances.find(caller.organization_id, instance_id)
    found = None
    if instance is not None and scope in {None, instance_id}:
        found = await parts.delivery_log.find_delivery(instance_id, number)
    if found is None:
        message = f"there is no delivery of {number} to {instance_id}"
        raise NotFoundError(message)
    return _show(found, hydrated=True)


def _choose_by(where: Where) -> Choose:
    return lambda deliveries: choose(where, deliveries, lambda each: _show(each, hydrated=False))


def _answer(response: Response, paging: Paging, found: Found, *, hydrated: bool) -> list[dict[str, Any]]:
    write_paging(response, paging, found.deliveries, found.last if found.more else None, more=True)
    return [_show(each, hydrated=hydrated) for each in found.deliveries]


def _show(delivery: LoggedDelivery, *, hydrated: bool) -> dict[str, Any]:
    """Show a delivery as the original does. The URL is whole, as with the instance: ``where`` is to find it."""
    created = show_time(delivery.created_at)
    config = {"url": delivery.endpoint_url}
    shown = {
        "notificationId": delivery.id,
        "subscriptionId": delivery.instance_id,
        "channel": "webhook",
        "status": name_status(delivery),
        "createdDate": created,
        "updatedDate": show_time(delivery.last_attempt_at) or created,
        "config": config,
        "attempts": delivery.attempts,
        "lastStatus": delivery.last_status,
        "lastError": delivery.last_error,
    }
    if hydrated:
        topic = f"instance-{delivery.instance_id}-{delivery.connector}-events"
        shown["notification"] = {
            "id": delivery.id,
            "topic": topic,
            "severity": "medium",
            "createdDate": created,
        }
        shown["subscription"] = {
            "id": delivery.instance_id,
            "channel": "webhook",
            "topics": [topic],
            "config": config,
        }
    return shown
