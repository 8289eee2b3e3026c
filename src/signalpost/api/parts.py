"""What the routes work with, and who is asking: FastAPI dependencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Header, Request

from signalpost.api.authentication import EXPECTED, read_authorization
from signalpost.connectors.base import Connector
from signalpost.connectors.registry import Registry
from signalpost.delivery.sample import Sampler
from signalpost.delivery.stuck import Stuck
from signalpost.instances.lifecycle import Lifecycle
from signalpost.instances.oauth2 import OAuth2
from signalpost.model.errors import ForbiddenError, InvalidRequestError, NotFoundError, UnauthenticatedError
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Caller, Instance
from signalpost.observe import Metrics, Vitals
from signalpost.polling.hub import Hub
from signalpost.polling.preview import Previews
from signalpost.store.delivery_log import DeliveryLog
from signalpost.store.endpoints import Endpoints
from signalpost.store.event_log import EventLog
from signalpost.store.health import Health
from signalpost.store.instances import Instances
from signalpost.store.kept_answers import KeptAnswers
from signalpost.store.organizations import Organizations
from signalpost.store.polling_status import PollingStatus
from signalpost.store.queue import Queue
from signalpost.store.replay_orders import ReplayOrders

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Everything the API calls. No rule lives in the routes: they read, call, and show.

    ``vet`` judges the address of a URL; what it raises names the field.
    """

    registry: Registry
    organizations: Organizations
    instances: Instances
    kept_answers: KeptAnswers
    lifecycle: Lifecycle
    oauth2: OAuth2
    event_log: EventLog
    delivery_log: DeliveryLog
    endpoints: Endpoints
    replays: ReplayOrders
    stuck: Stuck
    hub: Hub
    previews: Previews
    polling: PollingStatus
    queue: Queue
    sampler: Sampler
    metrics: Metrics
    health: Health
    vitals: Vitals
    metrics_token: str | None
    clock: Callable[[], datetime]
    vet: Callable[[str, str | None], Awaitable[None]]


def give_parts(request: Request) -> ApiParts:
    """Give the parts of the app that answers."""
    return cast("ApiParts", request.app.state.parts)


Parts = Annotated[ApiParts, Depends(give_parts)]


async def find_caller(
    request: Request, parts: Parts, authorization: Annotated[str | None, Header()] = None
) -> Caller:
    """Find who asks; once for each request, as who waits for its body looks before, and its route after.

    Raises:
        UnauthenticatedError: secrets are missing or wrong, or the instance token is nobody's.
        ForbiddenError: there is no organization's secret, and the token's instance is disabled, or another is named.
        NotNowError: too many requests of the organization wait already.
    """
    kept: Caller | None = getattr(request.state, "caller", None)
    if kept is None:
        kept = request.state.caller = await _look_up(parts, authorization)
        request.state.place.belong_to(kept.organization_id)
        if request.path_params.get("instance_id", str(kept.instance_id)) != str(kept.instance_id):
            require_organization(kept)
    return kept


def require_organization(caller: Caller) -> None:
    """Refuse who may reach one instance alone: an application that acts for it has no say in others.

    Raises:
        ForbiddenError: no secret of the organization came.
    """
    if caller.is_bound:
        message = (
            f"User and Element alone open instance {caller.instance_id}, whose token it is; what concerns the"
            f" organization needs its secret as well: {EXPECTED}"
        )
        raise ForbiddenError(message)


async def _look_up(parts: ApiParts, authorization: str | None) -> Caller:
    secrets = read_authorization(authorization)
    assert secrets.user is not None
    caller = None
    if secrets.organization is not None:
        caller = await parts.organizations.find_user(secrets.organization, secrets.user)
        if caller is None:
            message = "the user secret and the organization secret do not belong together, or one is wrong"
            raise UnauthenticatedError(message)
    if secrets.element is not None:
        by_token = await parts.organizations.find_instance_user(secrets.user, secrets.element)
        if by_token is None or (caller is not None and caller.organization_id != by_token.organization_id):
            message = "the instance token is wrong, or its instance was deleted"
            raise UnauthenticatedError(message)
        if caller is None:  # a disabled instance's token opens nothing by itself
            await find_own_instance(parts, by_token)
        caller = replace(by_token, is_bound=caller is None)
    assert caller is not None
    return caller


Asking = Annotated[Caller, Depends(find_caller)]


async def find_caller_if_named(
    request: Request, parts: Parts, authorization: Annotated[str | None, Header()] = None
) -> Caller | None:
    """Find who asks where somebody says so: without the header it is anybody; raises as ``find_caller``."""
    return None if authorization is None else await find_caller(request, parts, authorization)


Anybody = Annotated[Caller | None, Depends(find_caller_if_named)]


async def find_by_token(parts: Parts, caller: Asking) -> Instance:
    """Find the instance whose token came with the request, disabled or not.

    Raises:
        UnauthenticatedError: none came.
    """
    if caller.instance_id is None:
        message = "this call needs an instance token: Authorization: User ..., Element <instance token>"
        raise UnauthenticatedError(message)
    instance = await parts.instances.find(caller.organization_id, caller.instance_id)
    if instance is None:
        message = "the instance was deleted"
        raise UnauthenticatedError(message)
    return instance


ByToken = Annotated[Instance, Depends(find_by_token)]


async def find_own_instance(parts: Parts, caller: Asking) -> Instance:
    """Find the instance whose token came with the request.

    Raises:
        UnauthenticatedError: none came. ForbiddenError: it is disabled.
    """
    instance = await find_by_token(parts, caller)
    if instance.disabled:
        message = f"instance {instance.id} is disabled; enable it with PUT /instances/{instance.id}/enabled"
        raise ForbiddenError(message)
    return instance


Own = Annotated[Instance, Depends(find_own_instance)]


async def find_scope(parts: Parts, caller: Asking) -> InstanceId | None:
    """Find what a list is of: the instance whose token came with the request; None: all of the organization.

    Raises:
        ForbiddenError: the instance is disabled.
    """
    return None if caller.instance_id is None else (await find_own_instance(parts, caller)).id


Scope = Annotated[InstanceId | None, Depends(find_scope)]


def read_id(field: str, text: str) -> int:
    """Read an id from a path.

    Raises:
        InvalidRequestError: it is no whole number of 64 bits.
    """
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1  # noqa: PLR2004 - 64 bits
    if not 0 <= number <= LARGEST_ID:
        message = f"{field}: {text[:50]!r} is not a whole number from 0 to {LARGEST_ID:,}"
        raise InvalidRequestError(message)
    return number


async def find_instance(parts: Parts, caller: Asking, instance_id: str) -> Instance:
    """Find the instance that the path names.

    Raises:
        NotFoundError: there is none, or it is another organization's.
    """
    instance = await parts.instances.find(caller.organization_id, InstanceId(read_id("id", instance_id)))
    if instance is None:
        message = f"there is no instance {instance_id}"
        raise NotFoundError(message)
    return instance


Named = Annotated[Instance, Depends(find_instance)]


def connector_of(parts: ApiParts, instance: Instance) -> Connector:
    """Give an instance's connector, or what stands for it where it is not installed."""
    return parts.registry.recall(instance)
