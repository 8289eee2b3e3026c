"""Instances: connect, list, change, disable, delete (``/instances``), by id or by instance token."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from signalpost.api.bodies import InstanceBody, PropertyBody
from signalpost.api.paging import NextPage, PageNumber, PageSize, read_paging, write_paging
from signalpost.api.parts import Asking, Named, Own, Parts, connector_of, find_own_instance, read_id
from signalpost.api.reading import JsonRoute
from signalpost.api.shapes import find_field_id, show_configuration, show_instance
from signalpost.instances.wishes import Wish
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.model.instance import Instance

router = APIRouter(prefix="/instances", tags=["instances"], route_class=JsonRoute)


@router.post("")
async def create_instance(parts: Parts, caller: Asking, body: InstanceBody) -> dict[str, Any]:
    """Connect: exchange the code, call the provider once, store the instance, begin to poll."""
    instance = await parts.lifecycle.create(caller, body.to_wish())
    return show_instance(instance, connector_of(parts, instance))


@router.get("", response_model=None)
async def list_instances(
    parts: Parts,
    caller: Asking,
    response: Response,
    tags: Annotated[list[str] | None, Query(alias="tags[]")] = None,
    search: Annotated[str | None, Query(alias="searchText")] = None,
    page_size: PageSize = None,
    next_page: NextPage = None,
    page: PageNumber = None,
) -> list[dict[str, Any]] | dict[str, Any]:
    """List instances; with an instance token, show that instance."""
    if caller.instance_id is not None:
        return _show(parts, await find_own_instance(parts, caller))
    paging = read_paging(page_size, next_page, page)
    if any("\x00" in text for text in (search or "", *(tags or ()))):
        message = "searchText, tags[]: a NUL character stands in no name and no tag"
        raise InvalidRequestError(message)
    found = await parts.instances.search(
        caller.organization_id,
        tags=tags or [],
        text=search,
        after_id=paging.after_id,
        limit=paging.size,
        offset=paging.offset,
    )
    if not found and (tags or search) and not paging.after:
        message = "no instance matches the search"  # 404, as the original answers (open-connectors.md 3.2)
        raise NotFoundError(message)
    write_paging(response, paging, found, [found[-1].id] if found else None)
    return [_show(parts, each) for each in found]


@router.put("")
async def replace_own_instance(parts: Parts, own: Own, body: InstanceBody) -> dict[str, Any]:
    """Replace the instance whose token is given (see PUT with an id)."""
    return await replace_instance(parts, own, body)


@router.patch("")
async def change_own_instance(parts: Parts, own: Own, body: InstanceBody) -> dict[str, Any]:
    """Change the instance whose token is given (see PATCH with an id)."""
    return await change_instance(parts, own, body)


@router.delete("")
async def delete_own_instance(parts: Parts, own: Own) -> None:
    """Delete the instance whose token is given."""
    await delete_instance(parts, own)


@router.put("/enabled")
async def enable_own_instance(parts: Parts, own: Own) -> dict[str, Any]:
    """Enable the instance whose token is given, which changes nothing: a disabled one's token opens nothing."""
    return await enable_instance(parts, own)


@router.delete("/enabled")
async def disable_own_instance(parts: Parts, own: Own) -> None:
    """Disable the instance whose token is given."""
    await disable_instance(parts, own)


@router.get("/configuration")
async def list_own_configuration(parts: Parts, own: Own) -> list[dict[str, Any]]:
    """List the configuration of the instance whose token is given."""
    return await list_configuration(parts, own)


@router.get("/configuration/{config_id}")
async def read_own_property(parts: Parts, own: Own, config_id: str) -> dict[str, Any]:
    """Show one configuration value of the instance whose token is given."""
    return await read_property(parts, own, config_id)


@router.patch("/configuration/{config_id}")
async def change_own_property(parts: Parts, own: Own, config_id: str, body: PropertyBody) -> dict[str, Any]:
    """Change one configuration value of the instance whose token is given."""
    return await change_property(parts, own, config_id, body)


@router.get("/{instance_id}")
async def read_instance(parts: Parts, instance: Named) -> dict[str, Any]:
    """Show an instance."""
    return _show(parts, instance)


@router.put("/{instance_id}")
async def replace_instance(parts: Parts, instance: Named, body: InstanceBody) -> dict[str, Any]:
    """Replace name, tags and configuration. With ``providerData.code`` it is authorised again; watermarks stay."""
    return _show(parts, await parts.lifecycle.change(instance, body.to_wish(), whole=True))


@router.patch("/{instance_id}")
async def change_instance(parts: Parts, instance: Named, body: InstanceBody) -> dict[str, Any]:
    """Change what is named. Resources that stay keep their watermark."""
    return _show(parts, await parts.lifecycle.change(instance, body.to_wish(), whole=False))


@router.delete("/{instance_id}")
async def delete_instance(parts: Parts, instance: Named) -> None:
    """Delete an instance with its events and what was still to be delivered."""
    if not await parts.instances.delete(instance):
        message = f"there is no instance {instance.id}"
        raise NotFoundError(message)


@router.put("/{instance_id}/enabled")
async def enable_instance(parts: Parts, instance: Named) -> dict[str, Any]:
    """Enable: polling goes on from the watermark, a deactivated endpoint is released."""
    await parts.instances.set_disabled(instance, disabled=False)
    return _show(parts, await parts.instances.find(instance.organization_id, instance.id) or instance)


@router.delete("/{instance_id}/enabled")
async def disable_instance(parts: Parts, instance: Named) -> None:
    """Disable: nothing is polled, nothing delivered, nothing lost; its token opens nothing."""
    await parts.instances.set_disabled(instance, disabled=True)


@router.get("/{instance_id}/configuration")
async def list_configuration(parts: Parts, instance: Named) -> list[dict[str, Any]]:
    """List all configuration values an instance has or may have, with the ids by which they are changed."""
    return show_configuration(instance, connector_of(parts, instance))


@router.get("/{instance_id}/configuration/{config_id}")
async def read_property(parts: Parts, instance: Named, config_id: str) -> dict[str, Any]:
    """Show one configuration value."""
    number = read_id("configId", config_id)
    for shown in show_configuration(instance, connector_of(parts, instance)):
        if shown["id"] == number:
            return shown
    message = f"instance {instance.id} has no configuration value {config_id}"
    raise NotFoundError(message)


@router.patch("/{instance_id}/configuration/{config_id}")
async def change_property(
    parts: Parts, instance: Named, config_id: str, body: PropertyBody
) -> dict[str, Any]:
    """Change one configuration value, checked as a whole with the others."""
    key = (await read_property(parts, instance, config_id))["key"]
    changed = await parts.lifecycle.change(
        instance, Wish(configuration={key: body.property_value}), whole=False
    )
    return await read_property(parts, changed, str(find_field_id(key)))


def _show(parts: Parts, instance: Instance) -> dict[str, Any]:
    return show_instance(instance, connector_of(parts, instance))
