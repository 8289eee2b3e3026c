"""Deliveries: failed and waiting ones, their attempts, sent again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from signalpost.api.parts import find_instance as find_own_instance
from signalpost.delivery.again import MOST_CHOSEN, Ordered
from signalpost.model.addresses import mask_url
from signalpost.model.delivery import State
from signalpost.model.errors import ConflictError, InvalidRequestError
from signalpost.store.replay_orders import Replay
from signalpost.store.replays import ReplayState
from signalpost.store.views.delivery_list import LOOKED_AT, MOST_COUNTED, DeliveryPage, DeliverySearch
from signalpost.web.delivery_story import find_instance, tell_delivery
from signalpost.web.log_form import (
    DELIVERY_FIELDS,
    STATE_WORDS,
    LogForm,
    read_form,
    read_number,
    read_place,
    write_place,
)
from signalpost.web.pages import go, render
from signalpost.web.parts import Web, WebParts
from signalpost.web.routes.events import list_choices
from signalpost.web.visits import Operator, Sent, Viewer, Visit

router = APIRouter()

PAGE_SIZE = 50
OVERVIEW_SIZE = 20
MOST_HELD = 10


@dataclass(frozen=True, slots=True)
class Part:
    """One list on the page. ``number`` counts up to one more than ``MOST_COUNTED``; None: it was not counted.

    ``following`` is the address where it goes on.
    """

    state: State | None
    page: DeliveryPage
    number: int | None
    following: str | None


@router.get("/deliveries")
async def show_deliveries(request: Request, parts: Web, visit: Viewer) -> Response:
    """Show held endpoints, then what failed, what waits, what was delivered; or what the form asks for."""
    form = read_form(request.query_params, DELIVERY_FIELDS)
    return await _show_list(request, parts, visit, form, request.query_params.get("after", ""))


@router.get("/deliveries/progress")
async def show_progress(request: Request, parts: Web, visit: Viewer) -> Response:
    """Show how far replays came that were asked for together."""
    numbers = _read_numbers(request.query_params.get("replays", "").split(","))
    pulse = await parts.pulse.feel(visit.organization_id)
    replays = await parts.failed.list_replays(visit.organization_id, numbers[: 2 * MOST_CHOSEN])
    if not replays:
        raise InvalidRequestError("there is nothing that is sent again; choose it under Deliveries")
    shares = [_measure(replay) for *_, replay in replays]
    return render(
        request,
        "deliveries/progress.html",
        visit,
        replays=[
            (name, disabled, replay, round(100 * share))
            for (name, disabled, replay), share in zip(replays, shares, strict=True)
        ],
        pulse=pulse or "",
        percent=int(100 * sum(shares) / len(shares)),
        sent=sum(replay.sent for *_, replay in replays),
        dead=sum(replay.dead for *_, replay in replays),
        ended_well=all(replay.state is ReplayState.DONE and not replay.dead for *_, replay in replays),
        running=sum(replay.state is ReplayState.RUNNING for *_, replay in replays),
    )


@router.get("/deliveries/{number}")
async def show_delivery(request: Request, parts: Web, visit: Viewer, number: str) -> Response:
    """Show one delivery with its events, its attempts and its body."""
    instance, notification_id = await find_instance(parts, visit.organization_id, number)
    pulse = await parts.pulse.feel(visit.organization_id, instance.id)
    story = await tell_delivery(parts, instance, notification_id)
    return render(
        request,
        "deliveries/delivery.html",
        visit,
        story=story,
        delivery=story.delivery,
        instance=instance,
        pulse=pulse or "",
    )


@router.post("/deliveries/send-again")
async def send_chosen(request: Request, parts: Web, visit: Operator, form: Sent) -> Response:
    """Have the failed deliveries that were ticked sent again."""
    numbers = _read_numbers(form.lists.get("delivery", []))
    filters = read_form(form, DELIVERY_FIELDS)
    if not numbers or len(numbers) > MOST_CHOSEN:
        filters.errors["delivery"] = (
            f"choose at most {MOST_CHOSEN} deliveries at a time"
            if numbers
            else "tick at least one failed delivery"
        )
        return await _show_list(request, parts, visit, filters, form.get("after", ""))
    ordered = await parts.again.send_chosen(visit.organization_id, numbers)
    return await _lead_on(request, parts, visit, ordered, f"{len(numbers)} chosen deliveries")


@router.post("/deliveries/send-failed")
async def send_failed(request: Request, parts: Web, visit: Operator, form: Sent) -> Response:
    """Have all failed deliveries sent again: of one instance, or of all."""
    instance_id, whose = None, "of all instances"
    if form.get("instance"):
        instance = await find_own_instance(parts.api, visit.caller, form["instance"])
        instance_id, whose = instance.id, f"of {instance.name}"
    ordered = await parts.again.send_all(visit.organization_id, instance_id)
    return await _lead_on(request, parts, visit, ordered, f"all failed deliveries {whose}")


@router.post("/deliveries/{number}/send-again")
async def send_one(request: Request, parts: Web, visit: Operator, form: Sent, number: str) -> Response:
    """Have one delivery sent again, with the same id."""
    instance, notification_id = await find_instance(parts, visit.organization_id, number)
    replay = await parts.again.send_one(instance.id, notification_id)
    ordered = Ordered([replay])
    return await _lead_on(request, parts, visit, ordered, f"delivery {notification_id}")


async def _lead_on(request: Request, parts: WebParts, visit: Visit, ordered: Ordered, what: str) -> Response:
    """Lead to the progress of what was ordered, and write it to the trail, for each instance."""
    if not ordered.replays:
        reasons = "; ".join(sorted(set(ordered.left.values())))
        raise ConflictError(reasons or "none of these is failed any more: they were sent meanwhile")
    for instance_id in sorted({replay.instance_id for replay in ordered.replays}):
        await parts.note(visit.member, "delivery.sent_again", f"had {what} sent again", instance_id)
    notice = None
    if ordered.left:
        reasons = "; ".join(sorted(set(ordered.left.values())))
        notice = f"Some had to wait: {reasons}. Send them when that is over."
    numbers = ",".join(str(replay.id) for replay in ordered.replays)
    return go(request, f"/deliveries/progress?{urlencode({'replays': numbers})}", notice)


async def _show_list(request: Request, parts: WebParts, visit: Visit, form: LogForm, after: str) -> Response:
    search = form.read_delivery_search()
    pulse = await parts.pulse.feel(visit.organization_id)
    choices = await list_choices(parts, visit, search.instance_id)
    if search.state is None and not after:
        wanted = [
            await _read_part(parts, visit, form, replace(search, state=state), "", OVERVIEW_SIZE)
            for state in (State.DEAD, State.PENDING, State.DELIVERED)
        ]
    else:
        wanted = [await _read_part(parts, visit, form, search, after, PAGE_SIZE)]
    held = await parts.failed.list_held(visit.organization_id, search.instance_id, limit=MOST_HELD + 1)
    return render(
        request,
        "deliveries/list.html",
        visit,
        status=400 if form.errors else 200,
        form=form,
        pulse=pulse or "",
        after=after,
        start="/deliveries?" + form.write_query(),
        # What answers a form stands at the form's address, where no page is.
        page="/deliveries?" + form.write_query(after=after) if request.method == "POST" else None,
        parts=wanted,
        held=[(each, each.url and mask_url(each.url)) for each in held[:MOST_HELD]],
        more_held=len(held) > MOST_HELD,
        choices=choices,
        states=STATE_WORDS,
        most_counted=MOST_COUNTED,
        looked_at=LOOKED_AT,
    )


async def _read_part(
    parts: WebParts, visit: Visit, form: LogForm, search: DeliverySearch, after: str, limit: int
) -> Part:
    page = await parts.delivery_list.list_deliveries(
        visit.organization_id, search, after=read_place(after), limit=limit
    )
    number = None
    if search.state in {State.DEAD, State.PENDING} and search.begin_at is None and search.end_at is None:
        number = await parts.delivery_list.count(visit.organization_id, search.state, search.instance_id)
    following = None
    if page.following is not None:
        state = "" if search.state is None else search.state.value
        following = "/deliveries?" + form.write_query(state=state, after=write_place(page.following))
    return Part(search.state, page, number, following)


def _read_numbers(texts: Sequence[str]) -> list[int]:
    return sorted({number for text in texts if (number := read_number(text)) is not None})


def _measure(replay: Replay) -> float:
    """Say which share of a replay is done, by the span of ids it goes through."""
    if replay.state is ReplayState.DONE or replay.last_id < replay.first_id:
        return 1.0
    return (replay.position - replay.first_id + 1) / (replay.last_id - replay.first_id + 1)
