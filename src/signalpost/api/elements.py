"""Connectors, and the consent page of each (``/elements``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from signalpost.api.authentication import MISSING
from signalpost.api.bodies import AuthorizationBody
from signalpost.api.paging import Pages, write_paging
from signalpost.api.parts import Anybody, Asking, Parts
from signalpost.api.reading import JsonRoute
from signalpost.api.search import read_comparisons
from signalpost.api.shapes import show_connector, show_connector_metadata, show_connector_whole
from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import Connector
from signalpost.instances.wishes import with_defaults
from signalpost.model.configuration import stringify
from signalpost.model.errors import InvalidRequestError, NotFoundError, UnauthenticatedError
from signalpost.polling.choosing import choose

router = APIRouter(prefix="/elements", tags=["elements"], route_class=JsonRoute)

Text = Annotated[str | None, Query()]

FIELDS = (
    "id",
    "name",
    "key",
    "hub",
    "description",
    "active",
    "deleted",
    "typeOauth",
    "extended",
    "private",
    "beta",
    "cloneable",
    "extendable",
    "transformationsEnabled",
    "bulkDownloadEnabled",
    "bulkUploadEnabled",
)
"""What a ``where`` may ask for."""


@router.get("")
async def list_elements(
    parts: Parts,
    caller: Asking,
    response: Response,
    paging: Pages,
    where: Text = None,
) -> list[dict[str, Any]]:
    """List the connectors installed, or those of them that meet ``where``."""
    condition = read_comparisons(where, FIELDS, "connectors")
    known = [show_connector(each) for each in sorted(parts.registry, key=lambda connector: connector.id)]
    found = await choose(condition, known)
    following = [each for each in found if each["id"] > paging.after_id]
    shown = following[paging.offset : paging.offset + paging.size]
    write_paging(response, paging, shown, [shown[-1]["id"]] if shown and shown[-1] is not found[-1] else None)
    return shown


@router.get("/{key_or_id}")
async def read_element(parts: Parts, caller: Asking, key_or_id: str) -> dict[str, Any]:
    """Show a connector with its fields and what can be polled."""
    return show_connector_whole(parts.registry.find(key_or_id))


@router.get("/{key_or_id}/metadata")
async def read_element_metadata(parts: Parts, caller: Asking, key_or_id: str) -> dict[str, Any]:
    """Show what of a connector can be polled, and what it tells."""
    return show_connector_metadata(parts.registry.find(key_or_id))


@router.get("/{key_or_id}/oauth/url")
async def read_authorization_url(
    request: Request,
    parts: Parts,
    caller: Anybody,
    key_or_id: str,
    api_key: Annotated[str | None, Query(alias="apiKey")] = None,
    callback_url: Annotated[str | None, Query(alias="callbackUrl")] = None,
    scope: Text = None,
    state: Text = None,
    site_address: Annotated[str | None, Query(alias="siteAddress")] = None,
    subdomain: Text = None,
) -> dict[str, str]:
    """Give the address of the provider's consent page, to anybody.

    Clients of the original ask for it without secrets, and nothing of an organization is in it. Which connectors there
    are is told to those alone who may ask.
    """
    asked = AuthorizationBody(
        apiKey=api_key,
        callbackUrl=callback_url,
        scope=scope,
        state=state,
        siteAddress=site_address,
        subdomain=subdomain,
    )
    try:
        connector = parts.registry.find(key_or_id)
    except NotFoundError:
        if caller is None:
            raise UnauthenticatedError(MISSING) from None
        raise
    return _write(parts, connector, asked, request.query_params)


@router.post("/{key_or_id}/oauth/url")
async def make_authorization_url(
    request: Request, parts: Parts, caller: Asking, key_or_id: str, body: AuthorizationBody | None = None
) -> dict[str, str]:
    """Give the address of the provider's consent page; the same as GET, for long values.

    What the body does not name may stand in the query.
    """
    named = {} if body is None else body.model_dump(by_alias=True, exclude_none=True)
    asked = AuthorizationBody.model_validate({**request.query_params, **named})
    return _write(parts, parts.registry.find(key_or_id), asked, asked.model_extra or {})


def _write(
    parts: Parts, connector: Connector, asked: AuthorizationBody, more: Mapping[str, Any]
) -> dict[str, str]:
    """Write it, with what ``more`` has of the connector's own fields, as of a tenant that stands in the address."""
    if not asks_consent(connector):
        message = (
            f"{connector.key}: it has no consent page; POST /instances connects it by its configuration alone"
        )
        raise InvalidRequestError(message)
    required: Mapping[str, str | None] = {"apiKey": asked.api_key, "callbackUrl": asked.callback_url}
    for name, value in required.items():
        if not value:
            message = f"{name}: it is missing; give apiKey and callbackUrl of the application you registered"
            raise InvalidRequestError(message)
    given = {each.key: stringify(more[each.key]) for each in connector.fields if each.key in more} | {
        "oauth.api.key": asked.api_key,
        "oauth.callback.url": asked.callback_url,
        "subdomain": asked.subdomain or asked.site_address,
    }
    configuration = with_defaults({key: text for key, text in given.items() if text}, connector)
    try:
        url = parts.oauth2.write_consent_url(connector, configuration, state=asked.state, scope=asked.scope)
    except InvalidRequestError as error:
        if asked.subdomain or not str(error).startswith("subdomain:"):
            raise
        raise InvalidRequestError(f"siteAddress{str(error).removeprefix('subdomain')}") from error
    return {"element": connector.key, "oauthUrl": url}
