"""The provider's resources, read through an instance (``/hubs/{hub}/{resource path}``)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from signalpost.api.paging import MOST_PAGE_SIZE, NextPage, PageNumber, PageSize, read_unnumbered
from signalpost.api.parts import Own, Parts
from signalpost.api.reading import JsonRoute
from signalpost.connectors.resource import Resource
from signalpost.model.errors import InvalidRequestError
from signalpost.model.instance import Instance
from signalpost.polling.hub import PING, HubQuery
from signalpost.polling.records import shorten

router = APIRouter(prefix="/hubs", tags=["hubs"], route_class=JsonRoute)

MOST_FIELDS = 100
LONGEST_POSITION = 4000
EVERYWHERE = frozenset({"where", "fields", "orderBy", "pageSize", "nextPage", "page"})
"""The query parameters that every resource takes."""

Text = Annotated[str | None, Query()]


@router.get("/{hub}/{resource_path:path}")
async def read_resource(
    parts: Parts,
    own: Own,
    request: Request,
    hub: str,
    resource_path: str,
    where: Text = None,
    fields: Text = None,
    order_by: Annotated[str | None, Query(alias="orderBy")] = None,
    page_size: PageSize = None,
    next_page: NextPage = None,
    page: PageNumber = None,
) -> Response:
    """Read one page of a resource through the instance whose token is given; any hub is taken for its own.

    Further query parameters are the resource's own. ``ping`` answers one object, all else a list.
    """
    resource = parts.hub.find_resource(own, resource_path)
    if order_by:
        message = f"orderBy: {order_by[:100]!r} is not possible, the order is the provider's; leave it out"
        raise InvalidRequestError(message)
    # As in lists, the token decides.
    paging = read_unnumbered("", page_size, None, None if next_page else page)
    position, size = _read_position(next_page, resource) if next_page else (None, paging.size)
    query = HubQuery(
        parameters=_read_own(request.query_params.multi_items()),
        where=where or "",
        fields=_read_fields(fields or ""),
        position=position,
        size=paging.size if page_size else size,
    )
    found = await parts.hub.read(own, resource, query)
    if resource.path == PING:
        return _answer(own, found.records[0] if found.records else {})
    response = _answer(own, found.records)
    response.headers["Elements-Returned-Count"] = str(len(found.records))
    if found.total is not None:
        response.headers["Elements-Total-Count"] = str(found.total)
    if found.next is not None:
        response.headers["Elements-Next-Page-Token"] = _write_position(found.next, query.size, resource)
    return response


def _answer(own: Instance, value: object) -> Response:
    headers = {"Elements-Element-Instance-Id": str(own.id)}  # as the original says who was asked
    try:
        body = orjson.dumps(value)
    except TypeError:  # what nests deeply can be read, and not written
        body = orjson.dumps(shorten(value))
    return Response(body, media_type="application/json", headers=headers)


def _read_own(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    own: dict[str, str] = {}
    passed: set[str] = set()
    for name, value in given:
        if name in passed:
            message = f"{name[:100]}: it is given more than once; give one value"
            raise InvalidRequestError(message)
        passed.add(name)
        if "\x00" in name or "\x00" in value:
            message = f"{name[:100]!r}: it holds a NUL character"
            raise InvalidRequestError(message)
        if name not in EVERYWHERE:
            own[name] = value
    return own


def _read_fields(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().strip("`") for name in text.split(","))
    fields = tuple(name for name in names if name)
    if len(fields) > MOST_FIELDS:
        message = f"fields: {len(fields)} are named; at most {MOST_FIELDS} are taken"
        raise InvalidRequestError(message)
    return fields


def _write_position(position: str, size: int, resource: Resource) -> str:
    token = orjson.dumps({"resource": resource.name, "position": position, "pageSize": size})
    return base64.urlsafe_b64encode(token).decode()


def _read_position(token: str, resource: Resource) -> tuple[str, int]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token))
        name, position, size = value["resource"], value["position"], value["pageSize"]
    except (ValueError, KeyError, TypeError):
        name, position, size = None, None, None
    if (
        name != resource.name
        or not isinstance(position, str)
        or len(position) > LONGEST_POSITION
        or type(size) is not int
        or not 1 <= size <= MOST_PAGE_SIZE
    ):
        message = (
            f"nextPage: {token[:50]!r} is not a token that a page of {resource.path} gave"
            " (Elements-Next-Page-Token)"
        )
        raise InvalidRequestError(message)
    return position, size
