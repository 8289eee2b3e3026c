"""The catalogue of connectors, and the applications saved for them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from signalpost.api.parts import read_id
from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import Connector
from signalpost.model.errors import NotFoundError
from signalpost.web.pages import go, render
from signalpost.web.parts import Web
from signalpost.web.visits import Admin, Sent, Viewer, find_redirect_uri

router = APIRouter()


@router.get("/connectors")
async def list_connectors(request: Request, parts: Web, visit: Viewer, search: str = "") -> Response:
    """Show the connectors installed, or those whose words match a search."""
    words = search.lower().split()
    found = [each for each in parts.api.registry if all(word in _write_words(each) for word in words)]
    found.sort(key=lambda connector: connector.name)
    return render(request, "connectors/list.html", visit, connectors=found, search=search[:100])


@router.get("/connectors/{key}")
async def show_connector(request: Request, parts: Web, visit: Viewer, key: str) -> Response:
    """Show what a connector reads, its limits, how to register the application, and what is open with it."""
    connector = parts.api.registry.find(key)
    return render(
        request,
        "connectors/one.html",
        visit,
        connector=connector,
        by_consent=asks_consent(connector),
        redirect_uri=find_redirect_uri(request, parts),
        applications=await parts.applications.list_applications(visit.organization_id, connector.key),
        links=await parts.connections.list_open_links(
            visit.organization_id, connector.key, parts.api.clock()
        ),
    )


@router.post("/organization/applications/delete")
async def delete_application(request: Request, parts: Web, visit: Admin, form: Sent) -> Response:
    """Delete a saved application; instances made with it go on."""
    name = await parts.applications.delete(visit.organization_id, read_id("id", form.get("id", "")))
    if name is None:
        message = "there is no such application; it was deleted meanwhile"
        raise NotFoundError(message)
    await parts.audit.add(
        visit.member, "application.deleted", f"deleted the application {name}", parts.api.clock()
    )
    return go(
        request,
        "/organization",
        f"The application {name} is deleted. Instances made with it keep its key and secret.",
    )


def _write_words(connector: Connector) -> str:
    resources = " ".join(f"{each.name} {each.description}" for each in connector.resources)
    return f"{connector.key} {connector.name} {connector.description} {connector.hub} {resources}".lower()
