"""Instances: connect, list, change, disable, delete (``/instances``), by id or by instance token."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from signalpost.api.bodies import InstanceBody, PropertyBody
from signalpost.api.conditions import (
    ByTokenExact,
    IfNoneMatch,
    NamedExact,
    OwnExact,
    check_known,
    find_unchanged,
    refuse_changed,
    tag,
)
from signalpost.api.once import ONCE
from signalpost.api.paging import Pages, Paging, write_paging
from signalpost.api.parts import (
    ApiParts,
    Asking,
    ByToken,
    Named,
    Own,
    Parts,
    connector_of,
    find_own_instance,
    read_id,
    require_organization,
)
from signalpost.api.reading import JsonRoute
from signalpost.api.shapes import find_field_id, show_configuration, show_instance
from signalpost.instances.wishes import Wish
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.model.instance import Caller, Instance

router = APIRouter(prefix="/instances", tags=["instances"], route_class=JsonRoute)

Tags = Annotated[list[str] | None, Query(alias="tags[]")]
Search = Annotated[str | None, Query(alias="searchText")]


@router.post("", dependencies=ONCE)
async def create_instance(
    parts: Parts, caller: Asking, response: Response, body: InstanceBody
) -> dict[str, Any]:
    """Connect: exchange the code, call the provider once, store the instance, begin to poll."""
    require_organization(caller)
    return show(parts, response, await parts.lifecycle.create(caller, body.to_wish()))


@router.get("", response_model=None)
async def list_instances(
    parts: Parts,
    caller: Asking,
    response: Response,
    paging: Pages,
    tags: Tags = None,
    search: Search = None,
    if_none_match: IfNoneMatch = None,
) -> list[dict[str, Any]] | dict[str, Any] | Response:
    """List instances; with an instance token and without a search, show that instance."""
    is_search = any(tags or ()) or search or paging.after
    if caller.instance_id is not None and not is_search:
        return await read_instance(parts, await find_own_instance(parts, caller), response, if_none_match)
    check_known(if_none_match)
    return await search_instances(parts, caller, response, paging, tags, search)


async def search_instances(
    parts: ApiParts,
    caller: Caller,
    response: Response,
    paging: Paging,
    tags: list[str] | None,
    search: str | None,
    *,
    connector: str | None = None,
) -> list[dict[str, Any]]:
    """Search the organization's instances, all or those of a ``connector``.

    Raises:
        NotFoundError: none matches what is searched for.
    """
    require_organization(caller)
    wanted = [each for each in tags or () if each]  # what is empty is not asked: no tag is
    if any("\x00" in text for text in (search or "", *wanted)):
        message = "searchText, tags[]: a NUL character stands in no name and no tag"
        raise InvalidRequestError(message)
    found = await parts.instances.search(
        caller.organization_id,
        tags=wanted,
        text=search,
        after_id=paging.after_id,
        limit=paging.size,
        offset=paging.offset,
        connector=connector,
    )
    if not found and (wanted or search) and not paging.after and not paging.offset:
        message = "no instance matches the search"  # 404, as the original answers (open-connectors.md 3.2)
        raise NotFoundError(message)
    write_paging(response, paging, found, [found[-1].id] if found else None)
    return [show_instance(each, connector_of(parts, each)) for each in found]


@router.put("")
async def replace_own_instance(
    parts: Parts, own: Own, response: Response, exact: OwnExact, body: InstanceBody
) -> dict[str, Any]:
    """Replace the instance whose token is given (see PUT with an id)."""
    return await replace_instance(parts, own, response, exact, body)


@router.patch("")
async def change_own_instance(
    parts: Parts, own: Own, response: Response, exact: OwnExact, body: InstanceBody
) -> dict[str, Any]:
    """Change the instance whose token is given (see PATCH with an id)."""
    return await change_instance(parts, own, response, exact, body)


@router.delete("")
async def delete_own_instance(parts: Parts, own: Own, exact: OwnExact) -> None:
    """Delete the instance whose token is given."""
    await delete_instance(parts, own, exact)


@router.put("/enabled")
async def enable_own_instance(
    parts: Parts, instance: ByToken, response: Response, exact: ByTokenExact
) -> dict[str, Any]:
    """Enable the instance whose token is given; a disabled one's needs the organization's secret beside it."""
    return await enable_instance(parts, instance, response, exact)


@router.delete("/enabled")
async def disable_own_instance(parts: Parts, own: Own, exact: OwnExact) -> None:
    """Disable the instance whose token is given."""
    await disable_instance(parts, own, exact)


@router.get("/configuration", response_model=None)
async def list_own_configuration(
    parts: Parts, own: Own, response: Response, if_none_match: IfNoneMatch = None
) -> list[dict[str, Any]] | Response:
    """List the configuration of the instance whose token is given."""
    return await list_configuration(parts, own, response, if_none_match)


@router.get("/configuration/{config_id}", response_model=None)
async def read_own_property(
    parts: Parts, own: Own, response: Response, config_id: str, if_none_match: IfNoneMatch = None
) -> dict[str, Any] | Response:
    """Show one configuration value of the instance whose token is given."""
    return await read_property(parts, own, response, config_id, if_none_match)


@router.patch("/configuration/{config_id}")
async def change_own_property(
    parts: Parts, own: Own, response: Response, exact: OwnExact, config_id: str, body: PropertyBody
) -> dict[str, Any]:
    """Change one configuration value of the instance whose token is given."""
    return await change_property(parts, own, response, exact, config_id, body)


@router.get("/{instance_id}", response_model=None)
async def read_instance(
    parts: Parts, instance: Named, response: Response, if_none_match: IfNoneMatch = None
) -> dict[str, Any] | Response:
    """Show an instance."""
    return find_unchanged(response, parts, instance, if_none_match) or show(parts, response, instance)


@router.put("/{instance_id}")
async def replace_instance(
    parts: Parts, instance: Named, response: Response, exact: NamedExact, body: InstanceBody
) -> dict[str, Any]:
    """Replace name, tags and configuration. With ``providerData.code`` it is authorised again; watermarks stay."""
    with refuse_changed(instance):
        changed = await parts.lifecycle.change(instance, body.to_wish(), whole=True, exact=exact)
    return show(parts, response, changed)


@router.patch("/{instance_id}")
async def change_instance(
    parts: Parts, instance: Named, response: Response, exact: NamedExact, body: InstanceBody
) -> dict[str, Any]:
    """Change what is named. Resources that stay keep their watermark."""
    with refuse_changed(instance):
        changed = await parts.lifecycle.change(instance, body.to_wish(), whole=False, exact=exact)
    return show(parts, response, changed)


@router.delete("/{instance_id}")
async def delete_instance(parts: Parts, instance: Named, exact: NamedExact = False) -> None:
    """Delete an instance with its events and what was still to be delivered."""
    with refuse_changed(instance):
        if not await parts.instances.delete(instance, exact=exact):
            message = f"there is no instance {instance.id}"
            raise NotFoundError(message)


@router.put("/{instance_id}/enabled")
async def enable_instance(
    parts: Parts, instance: Named, response: Response, exact: NamedExact
) -> dict[str, Any]:
    """Enable: polling goes on from the watermark, a deactivated endpoint is released."""
    with refuse_changed(instance):
        await parts.instances.set_disabled(instance, disabled=False, exact=exact)
    found = await parts.instances.find(instance.organization_id, instance.id) or instance
    return show(parts, response, found)


@router.delete("/{instance_id}/enabled")
async def disable_instance(parts: Parts, instance: Named, exact: NamedExact = False) -> None:
    """Disable: nothing is polled, nothing delivered, nothing lost; its token opens nothing."""
    with refuse_changed(instance):
        await parts.instances.set_disabled(instance, disabled=True, exact=exact)


@router.get("/{instance_id}/configuration", response_model=None)
async def list_configuration(
    parts: Parts, instance: Named, response: Response, if_none_match: IfNoneMatch = None
) -> list[dict[str, Any]] | Response:
    """List all configuration values an instance has or may have, with the ids by which they are changed."""
    unchanged = find_unchanged(response, parts, instance, if_none_match)
    return unchanged or show_configuration(instance, connector_of(parts, instance))


@router.get("/{instance_id}/configuration/{config_id}", response_model=None)
async def read_property(
    parts: Parts, instance: Named, response: Response, config_id: str, if_none_match: IfNoneMatch = None
) -> dict[str, Any] | Response:
    """Show one configuration value."""
    shown = _find_property(parts, instance, config_id)
    return find_unchanged(response, parts, instance, if_none_match) or shown


@router.patch("/{instance_id}/configuration/{config_id}")
async def change_property(
    parts: Parts, instance: Named, response: Response, exact: NamedExact, config_id: str, body: PropertyBody
) -> dict[str, Any]:
    """Change one configuration value, checked as a whole with the others."""
    key = _find_property(parts, instance, config_id)["key"]
    wish = Wish(configuration={key: body.property_value})
    with refuse_changed(instance):
        changed = await parts.lifecycle.change(instance, wish, whole=False, exact=exact)
    tag(response, parts, changed)
    return _find_property(parts, changed, str(find_field_id(key)))


def _find_property(parts: ApiParts, instance: Instance, config_id: str) -> dict[str, Any]:
    number = read_id("configId", config_id)
    for shown in show_configuration(instance, connector_of(parts, instance)):
        if shown["id"] == number:
            return shown
    message = f"instance {instance.id} has no configuration value {config_id}"
    raise NotFoundError(message)


def show(parts: ApiParts, response: Response, instance: Instance) -> dict[str, Any]:
    """Show an instance, and set the ``ETag`` of the answer."""
    tag(response, parts, instance)
    return show_instance(instance, connector_of(parts, instance))
