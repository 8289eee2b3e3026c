"""The instances of one connector (``/elements/{key}/instances``): as ``/instances``, narrowed to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from signalpost.api.bodies import InstanceBody
from signalpost.api.conditions import IfNoneMatch, NamedExact
from signalpost.api.instances import (
    Search,
    Tags,
    delete_instance,
    read_instance,
    replace_instance,
    search_instances,
    show,
)
from signalpost.api.once import ONCE
from signalpost.api.paging import Pages
from signalpost.api.parts import Asking, Named, Parts, require_organization
from signalpost.api.reading import JsonRoute
from signalpost.connectors.base import Connector
from signalpost.model.errors import InvalidRequestError, NotFoundError

router = APIRouter(prefix="/elements/{key_or_id}/instances", tags=["instances"], route_class=JsonRoute)


async def find_element(parts: Parts, caller: Asking, key_or_id: str) -> Connector:
    """Find the connector that the path names, for somebody who may ask; raises NotFoundError."""
    return parts.registry.find(key_or_id)


Element = Annotated[Connector, Depends(find_element)]


async def check_element(instance: Named, element: Element) -> None:
    """Refuse an instance of another connector than the path names.

    Raises:
        NotFoundError: it is one.
    """
    if instance.connector != element.key:
        message = f"instance {instance.id} is one of {instance.connector}, and none of {element.key}"
        raise NotFoundError(message)


OF_ELEMENT = [Depends(check_element)]


@router.post("", dependencies=ONCE)
async def create_instance_of_element(
    parts: Parts, caller: Asking, element: Element, response: Response, body: InstanceBody
) -> dict[str, Any]:
    """Connect an account (see ``POST /instances``); ``element`` need not be given."""
    require_organization(caller)
    wish = body.to_wish()
    if wish.connector is not None and parts.registry.find(wish.connector).key != element.key:
        message = f"element: {wish.connector!r} is another connector than {element.key}, which the path names"
        raise InvalidRequestError(message)
    return show(parts, response, await parts.lifecycle.create(caller, replace(wish, connector=element.key)))


@router.get("")
async def list_instances_of_element(
    parts: Parts,
    caller: Asking,
    element: Element,
    response: Response,
    paging: Pages,
    tags: Tags = None,
    search: Search = None,
) -> list[dict[str, Any]]:
    """List the instances of a connector."""
    return await search_instances(parts, caller, response, paging, tags, search, connector=element.key)


@router.get("/{instance_id}", response_model=None, dependencies=OF_ELEMENT)
async def read_instance_of_element(
    parts: Parts, instance: Named, response: Response, if_none_match: IfNoneMatch = None
) -> dict[str, Any] | Response:
    """Show an instance of a connector."""
    return await read_instance(parts, instance, response, if_none_match)


@router.put("/{instance_id}", dependencies=OF_ELEMENT)
async def replace_instance_of_element(
    parts: Parts, instance: Named, response: Response, exact: NamedExact, body: InstanceBody
) -> dict[str, Any]:
    """Replace an instance of a connector (see ``PUT /instances/{id}``)."""
    return await replace_instance(parts, instance, response, exact, body)


@router.delete("/{instance_id}", dependencies=OF_ELEMENT)
async def delete_instance_of_element(parts: Parts, instance: Named, exact: NamedExact = False) -> None:
    """Delete an instance of a connector."""
    await delete_instance(parts, instance, exact)
