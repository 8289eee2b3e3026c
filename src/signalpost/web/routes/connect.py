"""The form that connects an instance, its previews and trials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from signalpost.api.parts import read_id
from signalpost.instances.orders import read_order
from signalpost.instances.wishes import REDIRECT_URI, clean_text
from signalpost.model.addresses import mask_url
from signalpost.model.configuration import CALLBACK_URL, SIGNATURE_KEY
from signalpost.model.errors import (
    ConflictError,
    InvalidRequestError,
    NeedsAuthorisationError,
    NotFoundError,
    RequestError,
)
from signalpost.polling.pace import count_calls_a_day
from signalpost.store.vault import make_secret
from signalpost.web.connect_filling import (
    fill_instance,
    fill_new,
    fill_order,
    open_kept,
    read_form,
    seal_kept,
)
from signalpost.web.connect_form import ConnectForm, name_change
from signalpost.web.instance_page import Shown
from signalpost.web.pages import go, render
from signalpost.web.parts import Web, WebParts
from signalpost.web.resource_rows import COLUMNS, name_objects
from signalpost.web.routes.consent import find_begun, show_link, welcome
from signalpost.web.visits import Form, Operator, Sent, Visit, find_base, find_redirect_uri

router = APIRouter()


@dataclass(slots=True)
class Shape:
    """The form as it is about to be shown: with the answer of a test, with a preview."""

    form: ConnectForm
    trial: dict[str, Any] | None = None
    samples: list[dict[str, Any]] | None = None
    status: int = 200


@router.get("/instances/new")
async def show_new(request: Request, parts: Web, visit: Operator, connector: str = "") -> Response:
    """Show the empty form; without a connector, the one there is, or the catalogue."""
    if not connector:
        keys = [each.key for each in parts.api.registry]
        return RedirectResponse(
            f"/instances/new?connector={keys[0]}" if len(keys) == 1 else "/connectors", 303
        )
    form = fill_new(parts.api.registry.find(connector))
    saved = await parts.applications.list_applications(visit.organization_id, form.connector.key)
    form.application = str(saved[-1].id) if saved else ""
    return await _show(request, parts, visit, Shape(form))


@router.get("/connect/again/{number}")
async def show_again(request: Request, parts: Web, visit: Operator, number: str) -> Response:
    """Show the form as it was sent, to be mended; with what the account has, where the consent is given already."""
    connection = await find_begun(parts, visit, number)
    made = connection.instance_id or connection.made_instance_id
    if made is not None:
        return RedirectResponse(f"/instances/{made}", 303)
    if not connection.wish:
        message = "what was typed is kept for an hour, or until the instance is made; fill the form in anew"
        raise NotFoundError(message)
    form = fill_order(parts.api.registry.require(connection.connector), read_order(connection.wish))
    form.connection = str(connection.id)
    shape = Shape(form)
    if form.tokens is not None:
        await _preview(request, parts, visit, shape)
    return await _show(request, parts, visit, shape)


@router.post("/instances/new")
async def send_new(
    request: Request, parts: Web, visit: Operator, sent: Sent, connector: str = ""
) -> Response:
    """Do what the pressed button says: try the callback, make a key, a link, a preview, or connect."""
    form = fill_new(parts.api.registry.find(connector))
    return await _act(request, parts, visit, form, sent)


@router.get("/instances/{instance_id}/edit")
async def show_edit(request: Request, parts: Web, visit: Operator, instance: Shown) -> Response:
    """Show the form with what an instance has."""
    form = fill_instance(parts.api.registry.require(instance.connector), instance)
    return await _show(request, parts, visit, Shape(form))


@router.post("/instances/{instance_id}/edit")
async def send_edit(request: Request, parts: Web, visit: Operator, sent: Sent, instance: Shown) -> Response:
    """Change an instance; watermarks stay."""
    form = fill_instance(parts.api.registry.require(instance.connector), instance)
    return await _act(request, parts, visit, form, sent)


async def _act(request: Request, parts: WebParts, visit: Visit, form: ConnectForm, sent: Form) -> Response:
    now = parts.api.clock()
    read_form(form, sent, open_kept(form, sent, visit, parts.vault, now))
    shape = Shape(form)
    try:
        match sent.get("do"):
            case "key":
                form.shown_key = form.secrets[SIGNATURE_KEY] = make_secret()
            case "test":
                await _try_callback(request, parts, visit, shape)
            case "preview":
                await _preview(request, parts, visit, shape)
            case word:
                return await _carry_out(request, parts, visit, shape, by_link=word == "link")
    except RequestError as error:
        if isinstance(error, ConflictError):
            form.tokens = None  # the consent given is used up: the next one is asked for
        if form.tokens is not None and isinstance(error.__cause__, NeedsAuthorisationError):
            form.tokens = None  # as it is where the form stood open for longer than its token is good
            form.errors["begin"] = (
                "the consent given is no longer good; Create Instance leads to the consent page again"
            )
        form.add_error(error)
        shape.status = error.status
    if form.errors and shape.status < HTTPStatus.BAD_REQUEST:
        shape.status = HTTPStatus.BAD_REQUEST
    return await _show(request, parts, visit, shape)


async def _carry_out(
    request: Request, parts: WebParts, visit: Visit, shape: Shape, *, by_link: bool
) -> Response:
    """Connect, change, or make a link; what is wrong is shown at its field."""
    form = shape.form
    form.list_missing()
    await _check_name(parts, visit, form)
    if form.errors:
        shape.status = 400
        return await _show(request, parts, visit, shape)
    order = form.write_order(find_redirect_uri(request, parts), await _load(parts, visit, form))
    if form.instance is not None:
        return await _change(request, parts, visit, form)
    if order.wish.tokens is not None and not by_link:
        instance = await parts.consents.create(visit.member, order, UUID(form.connection))
        return go(request, f"/instances/{instance.id}", welcome(instance))
    if not form.by_consent:
        instance = await parts.consents.create_at_once(visit.member, order, UUID(form.connection))
        return go(request, f"/instances/{instance.id}", welcome(instance))
    number = await parts.consents.begin(visit.member, order, by_link=by_link)
    if by_link:
        return await show_link(request, parts, visit, number)
    return go(request, f"/connect/continue/{number}")


async def _change(request: Request, parts: WebParts, visit: Visit, form: ConnectForm) -> Response:
    """Change an instance at once, or with a new consent where key or scope are others."""
    instance = form.instance
    assert instance is not None
    redirect_uri = find_redirect_uri(request, parts)
    order = form.write_order(redirect_uri, {})
    changed = dict(order.wish.configuration or {})
    account = {**instance.configuration, **changed}
    if form.by_consent and form.digest_account(account) != form.digest_account(instance.configuration):
        changed[REDIRECT_URI] = redirect_uri
        order = replace(order, wish=replace(order.wish, configuration=changed))
        number = await parts.consents.begin(visit.member, order, instance=instance)
        return go(request, f"/connect/continue/{number}")
    after = await parts.api.lifecycle.change(instance, order.wish, whole=False)
    keys = ", ".join(name_change(key, changed[key]) for key in sorted(changed)) or "name or tags"
    await parts.note(visit.member, "instance.changed", f"changed {after.name}: {keys}", after.id)
    return go(
        request,
        f"/instances/{after.id}",
        f"{after.name} is changed. Its watermarks stay: nothing is told twice, nothing is lost.",
    )


async def _check_name(parts: WebParts, visit: Visit, form: ConnectForm) -> None:
    """Check the name that key and secret are to be saved under."""
    if not form.save_as.strip() or form.application:
        return
    try:
        form.save_as = clean_text("name", form.save_as)
    except InvalidRequestError as error:
        form.errors["save_as"] = str(error).removeprefix("name: ")
        return
    saved = await parts.applications.list_applications(visit.organization_id, form.connector.key)
    if any(each.name == form.save_as for each in saved):
        form.errors["save_as"] = (
            "an application of that name is saved already; choose it above, or give another name"
        )


async def _load(parts: WebParts, visit: Visit, form: ConnectForm) -> dict[str, str]:
    """Load key and secret of the saved application that was chosen; nothing where none was.

    Raises:
        InvalidRequestError: it was deleted meanwhile.
    """
    if not form.application or form.instance is not None:
        return {}
    number = read_id("application", form.application)
    found = await parts.applications.load(visit.organization_id, form.connector.key, number)
    if found is None:
        form.application = ""
        message = "application: it was deleted meanwhile; choose another one, or enter key and secret"
        raise InvalidRequestError(message)
    return found


async def _try_callback(request: Request, parts: WebParts, visit: Visit, shape: Shape) -> None:
    """Send one sample notification by what stands in the form."""
    form = shape.form
    configuration = form.write_configuration(find_base(request, parts), {})
    if form.instance is not None:
        configuration = {**form.instance.configuration, **configuration}
    url = form.values[CALLBACK_URL]
    if not url:
        form.errors[CALLBACK_URL] = (
            "it is missing; give the address that the test notification is to be sent to"
        )
        return
    await parts.api.vet(f"configuration.{CALLBACK_URL}", url)
    if form.instance is not None:  # with its password and headers
        detail = f"sent a test notification of {form.instance.name} to {mask_url(url)}"
        await parts.note(visit.member, "callback.tried", detail, form.instance.id)
    shape.trial = await parts.api.sampler.send(visit.caller, url, configuration)


async def _preview(request: Request, parts: WebParts, visit: Visit, shape: Shape) -> None:
    """Read real events by what stands in the form, of an instance or by a consent given already."""
    form = shape.form
    try:
        shape.samples = await _read_samples(request, parts, visit, form)
    except RequestError as error:
        form.add_error(error)
    else:
        name_objects(shape.samples or (), form.connector)


async def _read_samples(
    request: Request, parts: WebParts, visit: Visit, form: ConnectForm
) -> list[dict[str, Any]] | None:
    if form.instance is not None:
        return await parts.api.previews.make(form.instance, form.json_text, None)
    order = form.write_order(find_redirect_uri(request, parts), await _load(parts, visit, form))
    if order.wish.tokens is None:
        form.tokens, form.look_first = None, True
        form.errors["begin"] = (
            "the consent given is for another account; Create Instance leads to the consent page again, and then"
            " back here before anything is made"
        )
        return None
    session = parts.api.lifecycle.open_first(order.wish)
    return await parts.api.previews.make_first(form.connector, session, form.json_text)


async def _show(request: Request, parts: WebParts, visit: Visit, shape: Shape) -> Response:
    form = shape.form
    applications = await parts.applications.list_applications(visit.organization_id, form.connector.key)
    chosen = sum(row.chosen for row in form.rows) or 1
    return render(
        request,
        "connect/form.html",
        visit,
        status=shape.status,
        form=form,
        action=f"/instances/{form.instance.id}/edit"
        if form.instance
        else f"/instances/new?connector={form.connector.key}",
        kept=seal_kept(form, visit, parts.vault, parts.api.clock()),
        applications=[(str(each.id), each.name) for each in applications] if form.instance is None else [],
        columns=COLUMNS,
        chosen=chosen,
        calls=count_calls_a_day(form.interval_minutes * 60, chosen),
        trial=shape.trial,
        samples=shape.samples,
        redirect_uri=find_redirect_uri(request, parts),
    )
