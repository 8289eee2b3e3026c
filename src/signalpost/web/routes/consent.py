"""The way to the provider's consent page and back; connect links."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.containment import find_host
from signalpost.instances.consent import CONSENT_SECONDS
from signalpost.instances.oauth2 import find_authorization
from signalpost.instances.orders import Order
from signalpost.instances.wishes import REDIRECT_URI, Wish
from signalpost.model.configuration import POLLER_CONFIGURATION
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.model.instance import Instance
from signalpost.store.connections import Connection
from signalpost.store.vault import make_secret
from signalpost.web.instance_page import Shown
from signalpost.web.pages import go, render
from signalpost.web.parts import Web, WebParts
from signalpost.web.resource_rows import Row, make_rows, read_json
from signalpost.web.visits import Operator, Sent, Visit, find_base, find_redirect_uri, read_cookie, set_cookie

router = APIRouter()

CONSENT_COOKIE = "signalpost_consent"
"""What the browser that goes to a consent page must have when it comes back."""


def welcome(instance: Instance) -> str:
    """Say that an instance is connected."""
    return f"{instance.name} is connected as {instance.account.label}. The first poll is under way."


async def find_begun(parts: WebParts, visit: Visit, number: str) -> Connection:
    """Find a connection that a member of the organization began.

    Raises:
        NotFoundError: there is none, or it was withdrawn.
    """
    try:
        connection = await parts.connections.find(UUID(number))
    except ValueError:
        connection = None
    if connection is None or connection.member.organization_id != visit.organization_id:
        message = "there is no such connection under way; begin again at Connectors"
        raise NotFoundError(message)
    return connection


@router.get("/connect/continue/{number}")
async def show_way(request: Request, parts: Web, visit: Operator, number: str) -> Response:
    """Lead on to the consent page: by a link and at once, for no form may lead to another site."""
    connection = await find_begun(parts, visit, number)
    if connection.made_instance_id is not None:
        return RedirectResponse(f"/instances/{connection.made_instance_id}", 303)
    if not connection.is_open(parts.api.clock()):
        message = (
            "this connection is not open any more: it was begun more than an hour ago; fill the form in anew"
        )
        raise InvalidRequestError(message)
    nonce = _find_nonce(request)
    connector, configuration = await parts.consents.read_configuration(connection)
    url = await parts.consents.write_url(connection, nonce)
    response = render(
        request,
        "connect/continue.html",
        visit,
        connection=connection,
        connector=connector,
        host=_name_host(find_host(connector, configuration)),
        url=url,
    )
    response.headers["refresh"] = f"0; url={url}"
    set_cookie(request, response, CONSENT_COOKIE, nonce, seconds=CONSENT_SECONDS)
    return response


@router.get("/oauth/callback")
async def take_answer(
    request: Request,
    parts: Web,
    state: str = "",
    code: str = "",
    error: str = "",
    error_description: str = "",
) -> Response:
    """Take what the consent page answered, once, from the browser that went there."""
    connection = await parts.consents.find_returned(state, read_cookie(request, CONSENT_COOKIE))
    if connection.made_instance_id is None:
        if error or not code:
            await parts.consents.refuse(connection, error or "no code was given", error_description)
        else:
            connection = await parts.consents.finish(connection, code, state)
    return await _lead_on(request, parts, connection)


async def _lead_on(request: Request, parts: WebParts, connection: Connection) -> Response:
    """Lead to the result; the code does not stay in the address line."""
    if connection.by_link:
        return RedirectResponse(f"/connect/{parts.consents.write_link(connection.id)}", 303)
    if connection.made_instance_id is None:
        looks = connection.wish.get("tokens") and not connection.failure
        return RedirectResponse(f"/connect/{'again' if looks else 'result'}/{connection.id}", 303)
    instance = await parts.api.instances.find(connection.member.organization_id, connection.made_instance_id)
    told = None
    if instance is not None:
        told = welcome(instance)
        if connection.instance_id is not None:
            goes_on = "It goes on from its watermark" + (
                " once it is resumed: it is paused." if instance.disabled else "."
            )
            told = f"{instance.name} is authorised again as {instance.account.label}. {goes_on}"
    return go(request, f"/instances/{connection.made_instance_id}", told)


@router.get("/connect/result/{number}")
async def show_failure(request: Request, parts: Web, visit: Operator, number: str) -> Response:
    """Say why nothing came of a consent, in the provider's words and ours, and how to go on."""
    connection = await find_begun(parts, visit, number)
    if connection.made_instance_id is not None:
        return RedirectResponse(f"/instances/{connection.made_instance_id}", 303)
    ours, _, theirs = (connection.failure or "").partition("\n")
    return render(
        request,
        "connect/result.html",
        visit,
        connection=connection,
        connector=parts.api.registry.require(connection.connector),
        ours=ours,
        theirs=theirs,
    )


@router.post("/instances/{instance_id}/authorise")
async def authorise(request: Request, parts: Web, visit: Operator, form: Sent, instance: Shown) -> Response:
    """Have an instance authorised again: here and now, or (``do=link``) by a connect link."""
    if not asks_consent(parts.api.registry.require(instance.connector)):
        told = "No consent is needed here: give the key or password anew below, and save."
        return go(request, f"/instances/{instance.id}/edit", told)
    by_link = form.get("do") == "link"
    wish = Wish(configuration={REDIRECT_URI: find_redirect_uri(request, parts)})
    number = await parts.consents.begin(visit.member, Order(wish), instance=instance, by_link=by_link)
    if by_link:
        return await show_link(request, parts, visit, number)
    return go(request, f"/connect/continue/{number}")


async def show_link(request: Request, parts: WebParts, visit: Visit, number: UUID) -> Response:
    """Show a connect link, this once."""
    connection = await parts.connections.find(number)
    assert connection is not None
    detail = f"made a connect link for {connection.name}"
    await parts.note(visit.member, "connect_link.made", detail, connection.instance_id)
    connector, configuration = await parts.consents.read_configuration(connection)
    return render(
        request,
        "connect/link.html",
        visit,
        connection=connection,
        connector=connector,
        host=_name_host(find_host(connector, configuration)),
        link=f"{find_base(request, parts)}/connect/{parts.consents.write_link(number)}",
    )


@router.post("/connect/links/withdraw")
async def withdraw_link(request: Request, parts: Web, visit: Operator, form: Sent) -> Response:
    """Withdraw a connect link that nobody has used yet."""
    connection = await find_begun(parts, visit, form.get("id", ""))
    name = await parts.connections.withdraw(visit.organization_id, connection.id)
    if name is None:
        message = "the connect link was used meanwhile; look at the instances"
        raise NotFoundError(message)
    detail = f"withdrew the connect link for {name}"
    await parts.note(visit.member, "connect_link.withdrawn", detail, connection.instance_id)
    return go(
        request,
        f"/connectors/{connection.connector}",
        f"The connect link for {name} is withdrawn: it opens nothing any more.",
    )


@router.get("/connect/{token}")
async def show_invitation(request: Request, parts: Web, token: str) -> Response:
    """Show a customer's admin what is asked for, or what came of it. No account is needed."""
    connection = await parts.consents.read_link(token)
    connector, configuration = await parts.consents.read_configuration(connection)
    done = connection.made_instance_id is not None
    is_open = connection.is_open(parts.api.clock())
    ours, _, theirs = (connection.failure or "").partition("\n")
    resources: list[Row] = []
    if is_open:
        value = read_json(configuration.get(POLLER_CONFIGURATION, ""), connector) or {}
        resources = [row for row in make_rows(value, connector) if row.chosen]
    return render(
        request,
        "connect/invitation.html",
        None,
        connection=connection,
        connector=connector,
        host=_name_host(find_host(connector, configuration)) if is_open else "",
        scopes=find_authorization(connector, configuration).scopes if is_open else (),
        resources=resources,
        done=done,
        is_open=is_open,
        ours=ours,
        theirs=theirs,
        token=token,
    )


@router.get("/connect/{token}/go")
async def follow_invitation(request: Request, parts: Web, token: str) -> Response:
    """Lead a customer's admin to the consent page."""
    connection = await parts.consents.read_link(token)
    if not connection.is_open(parts.api.clock()):
        return RedirectResponse(f"/connect/{token}", 303)
    nonce = _find_nonce(request)
    response = RedirectResponse(await parts.consents.write_url(connection, nonce), 303)
    set_cookie(request, response, CONSENT_COOKIE, nonce, seconds=CONSENT_SECONDS)
    return response


def _find_nonce(request: Request) -> str:
    """Give what this browser has, so that windows opened beside one another do not spoil each other's way."""
    return read_cookie(request, CONSENT_COOKIE) or make_secret()


def _name_host(url: str) -> str:
    return url.partition("://")[2]
