"""The catalogue of connectors, and the applications saved for them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import Connector
from signalpost.model.errors import NotFoundError
from signalpost.store.applications import MOST_APPLICATIONS
from signalpost.store.connections import OpenLink
from signalpost.web.pages import go, render
from signalpost.web.parts import RowId, Web
from signalpost.web.visits import Admin, Sent, Viewer, find_redirect_uri

router = APIRouter()

LINKS_SHOWN = 50
NO_APPLICATION = "there is no such application; it was deleted meanwhile"


@router.get("/connectors")
async def list_connectors(request: Request, parts: Web, visit: Viewer, search: str = "") -> Response:
    """Show the connectors installed, or those whose words match a search."""
    words = search.lower().split()
    found = [each for each in parts.api.registry if all(word in _write_words(each) for word in words)]
    found.sort(key=lambda connector: connector.name)
    return render(request, "connectors/list.html", visit, connectors=found, search=search[:100])


@router.get("/connectors/{key}")
async def show_connector(request: Request, parts: Web, visit: Viewer, key: str, links: str = "") -> Response:
    """Show what a connector reads, its limits, how to register the application, and what is open with it.

    ``links`` says after which open link their list begins.
    """
    connector = parts.api.registry.find(key)
    before = _read_link(links)
    listed = await parts.connections.list_open_links(
        visit.organization_id,
        connector.key,
        parts.api.clock(),
        before=before,
        limit=LINKS_SHOWN + 1,
    )
    more = _write_link(listed[LINKS_SHOWN - 1]) if len(listed) > LINKS_SHOWN else None
    return render(
        request,
        "connectors/one.html",
        visit,
        connector=connector,
        by_consent=asks_consent(connector),
        redirect_uri=find_redirect_uri(request, parts),
        applications=await parts.applications.list_applications(visit.organization_id, connector.key),
        links=listed[:LINKS_SHOWN],
        further=before is not None,
        more_links=more and f"/connectors/{connector.key}?links={more}#links",
        most=MOST_APPLICATIONS,
    )


@router.get("/organization/applications/{application_id}/delete")
async def ask_delete_application(
    request: Request, parts: Web, visit: Admin, application_id: RowId
) -> Response:
    """Say what is lost when a saved application is deleted, and what goes on."""
    application = await parts.applications.find(visit.organization_id, application_id)
    if application is None:
        raise NotFoundError(NO_APPLICATION)
    return render(request, "organization/application.html", visit, application=application)


@router.post("/organization/applications/{application_id}/delete")
async def delete_application(
    request: Request, parts: Web, visit: Admin, form: Sent, application_id: RowId
) -> Response:
    """Delete a saved application; instances made with it go on."""
    name = await parts.applications.delete(visit.organization_id, application_id)
    if name is None:
        raise NotFoundError(NO_APPLICATION)
    await parts.note(visit.member, "application.deleted", f"deleted the application {name}")
    return go(
        request,
        "/organization",
        f"The application {name} is deleted. Instances made with it keep its key and secret.",
    )


def _write_link(link: OpenLink) -> str:
    return f"{link.expires_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}_{link.id}"


def _read_link(text: str) -> tuple[datetime, UUID] | None:
    """Read what ``_write_link`` wrote; None, so that the list begins anew: it is nothing of the kind."""
    written, _, number = text.partition("_")
    try:
        return datetime.strptime(written, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC), UUID(number)
    except ValueError:
        return None


def _write_words(connector: Connector) -> str:
    resources = " ".join(f"{each.name} {each.description}" for each in connector.resources)
    return f"{connector.key} {connector.name} {connector.description} {connector.hub} {resources}".lower()
