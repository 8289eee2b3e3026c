"""``signalpost deliveries``: notifications of a running service, here or elsewhere; sent again and replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from signalpost.cli.printing import print_fields, print_head, print_json
from signalpost.cli.remote.client import check_object
from signalpost.cli.remote.logs import Log
from signalpost.cli.remote.options import (
    After,
    AsJson,
    ExportFile,
    From,
    Instance,
    Limit,
    NoWait,
    ObjectId,
    Profile,
    Resource,
    State,
    To,
    open_api,
)
from signalpost.cli.remote.replays import COLUMNS, order, print_replay, show

app = typer.Typer(no_args_is_help=True)

Delivery = Annotated[
    int, typer.Argument(metavar="DELIVERY", min=1, help="Number of the delivery, the notification's id.")
]


def _read(delivery: Mapping[str, Any]) -> list[Any]:
    events = delivery.get("events")
    count = len(events) if isinstance(events, list) else 0
    names = ("id", "createdDate", "state", "attempts")
    return [*map(delivery.get, names), count, delivery.get("lastError")]


DELIVERIES = Log(
    "deliveries",
    "id",
    "afterId",
    "createdDate",
    {"id": 8, "created": 20, "state": 9, "attempts": 8, "events": 6, "last error": 0},
    _read,
)


@app.command("list")
def list_deliveries(
    instance: Instance,
    after: After = None,
    limit: Limit = 50,
    object_id: ObjectId = None,
    resource: Resource = None,
    state: State = None,
    begin: From = None,
    end: To = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries of an instance, oldest first: the newest, or those after a number."""
    search = {"objectId": object_id, "resource": resource, "state": state, "from": begin, "to": end}
    query = DELIVERIES.choose(after, limit, **search)
    DELIVERIES.list_entries(open_api(profile), instance, query, as_json=as_json)


@app.command("show")
def show_delivery(
    instance: Instance, delivery: Delivery, profile: Profile = None, as_json: AsJson = False
) -> None:
    """Show one delivery, with its attempts."""
    found = check_object(open_api(profile).get(f"/instances/{instance}/deliveries/{delivery}"))
    if as_json:
        print_json(found)
        return
    for part in ("events", "attemptList"):
        entries = found.pop(part, None)
        rows = entries if isinstance(entries, list) else []
        found |= {f"{part}.{place}": entry for place, entry in enumerate(rows, start=1)}
    print_fields(found)


@app.command("tail")
def tail_deliveries(
    instance: Instance, after: After = None, profile: Profile = None, as_json: AsJson = False
) -> None:
    """Show deliveries of an instance as they are made, each once, until you interrupt it."""
    DELIVERIES.follow(open_api(profile), instance, after, as_json=as_json)


@app.command("export")
def export_deliveries(
    instance: Instance,
    file: ExportFile,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Add to a file all deliveries of an instance that are not in it yet, a line of JSON each, as they stand now."""
    DELIVERIES.export(open_api(profile), instance, file, as_json=as_json)


@app.command("send")
def send(
    instance: Instance,
    delivery: Delivery,
    no_wait: NoWait = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Send one notification again, with the same id."""
    order(open_api(profile), instance, f"deliveries/{delivery}/send", {}, no_wait=no_wait, as_json=as_json)


@app.command("send-failed")
def send_failed(
    instance: Instance,
    since: Annotated[str | None, typer.Option(help="Only those that died since this instant.")] = None,
    no_wait: NoWait = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Send all dead letters of an instance again."""
    body = {} if since is None else {"since": since}
    order(open_api(profile), instance, "deliveries/send-failed", body, no_wait=no_wait, as_json=as_json)


@app.command("replay")
def replay(
    instance: Instance,
    begin: From = None,
    sequence: Annotated[int | None, typer.Option(min=1, help="From this event on.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Where to; the instance's own callback if not given.")
    ] = None,
    no_wait: NoWait = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Send again what was made from an instant or from an event on; give one of --from and --sequence."""
    given = {"from": begin, "sequence": sequence, "url": url}
    body = {name: value for name, value in given.items() if value is not None}
    if (begin is None) == (sequence is None):
        raise typer.BadParameter("give one of --from and --sequence")
    order(open_api(profile), instance, "replays", body, no_wait=no_wait, as_json=as_json)


@app.command("replays")
def list_replays(instance: Instance, profile: Profile = None, as_json: AsJson = False) -> None:
    """List the replays of an instance, oldest first: how far each came."""
    found = open_api(profile).list_pages(f"/instances/{instance}/replays", {})
    if not as_json:
        print_head(COLUMNS)
    for each in found:
        (print_json if as_json else print_replay)(each)


@app.command("cancel")
def cancel(
    instance: Instance,
    number: Annotated[int, typer.Argument(metavar="REPLAY", min=1, help="Number of the replay.")],
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """End a replay that runs."""
    show(check_object(open_api(profile).delete(f"/instances/{instance}/replays/{number}")), as_json=as_json)
