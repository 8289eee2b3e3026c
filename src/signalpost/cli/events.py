"""``signalpost events``: the event log of a running service, here or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from signalpost.cli.printing import print_fields, print_json
from signalpost.cli.remote.client import check_object
from signalpost.cli.remote.logs import Log
from signalpost.cli.remote.options import (
    After,
    AsJson,
    ExportFile,
    From,
    Instance,
    Limit,
    ObjectId,
    Profile,
    Resource,
    State,
    To,
    open_api,
)

app = typer.Typer(no_args_is_help=True)


def _read(event: Mapping[str, Any]) -> list[Any]:
    names = ("sequence", "date", "eventType", "state")
    return [*map(event.get, names), f"{event.get('objectType')} {event.get('objectId')}"]


EVENTS = Log(
    "events",
    "sequence",
    "afterSequence",
    "id",
    {"sequence": 8, "date": 20, "type": 7, "state": 9, "object": 0},
    _read,
)


@app.command("list")
def list_events(
    instance: Instance,
    after: After = None,
    limit: Limit = 50,
    object_id: ObjectId = None,
    resource: Resource = None,
    event_type: Annotated[
        str | None, typer.Option("--type", help="Only CREATED, UPDATED, DELETED, MOVED or UNKNOWN.")
    ] = None,
    state: State = None,
    begin: From = None,
    end: To = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """List events of an instance, oldest first: the newest, or those after a number."""
    search = {"objectId": object_id, "resource": resource, "eventType": event_type, "state": state}
    query = EVENTS.choose(after, limit, **search, **{"from": begin, "to": end})
    EVENTS.list_entries(open_api(profile), instance, query, as_json=as_json)


@app.command("show")
def show_event(
    event_id: Annotated[str, typer.Argument(metavar="EVENT", help="Id of the event.")],
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Show one event, with its record."""
    event = check_object(open_api(profile).get(f"/instances/events/{quote(event_id, safe='')}"))
    if as_json:
        print_json(event)
    else:
        print_fields(event)


@app.command("tail")
def tail_events(
    instance: Instance, after: After = None, profile: Profile = None, as_json: AsJson = False
) -> None:
    """Show events of an instance as they come, until you interrupt it. A server that is away is waited for."""
    EVENTS.follow(open_api(profile), instance, after, as_json=as_json)


@app.command("export")
def export_events(
    instance: Instance,
    file: ExportFile,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Add to a file all events of an instance that are not in it yet, a line of JSON each."""
    EVENTS.export(open_api(profile), instance, file, as_json=as_json)
