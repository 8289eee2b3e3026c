"""``signalpost instances``: the instances of a running service, here or elsewhere.

Their tokens are left out: each is a secret that opens its instance, and terminals keep what they showed.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import Annotated, Any

import typer

from signalpost.cli.printing import Columns, print_fields, print_head, print_json, print_line, print_row
from signalpost.cli.remote.client import check_object
from signalpost.cli.remote.options import AsJson, Instance, Profile, open_api

COLUMNS: Columns = {"id": 8, "connector": 10, "state": 24, "name": 0}

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_instances(
    search: Annotated[str | None, typer.Option(help="What stands in the name, in any letter case.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag that it has; may be given again.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most instances shown.")] = 200,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """List the instances."""
    query = {"searchText": search, "tags[]": tag, "pageSize": min(limit + 1, 200)}
    found = open_api(profile).list_pages("/instances", query)
    first = list(islice(found, 1))
    if not as_json:
        print_head(COLUMNS)
    for number, each in enumerate(chain(first, found)):
        if number == limit:
            print_line(f"there are more than {limit:,}: --limit shows more of them", to_errors=True)
            return
        _print(each, as_json=as_json)


def _print(instance: dict[str, Any], *, as_json: bool) -> None:
    instance.pop("token", None)
    if as_json:
        print_json(instance)
        return
    element = instance.get("element")
    state = (
        "disabled"
        if instance.get("disabled")
        else "active"
        if instance.get("valid")
        else "needs authorisation"
    )
    key = element.get("key") if isinstance(element, dict) else None
    print_row(COLUMNS, [instance.get("id"), key, state, instance.get("name")])


@app.command("show")
def show_instance(instance: Instance, profile: Profile = None, as_json: AsJson = False) -> None:
    """Show one instance, how it is polled, and how its endpoint stands."""
    api = open_api(profile)
    place = f"/instances/{instance}"
    shown = check_object(api.get(place))
    shown["polling"] = check_object(api.get(f"{place}/polling"))
    shown["endpoint"] = check_object(api.get(f"{place}/endpoint"))
    shown.pop("token", None)
    if as_json:
        print_json(shown)
        return
    for part in ("configuration", "polling", "endpoint"):
        nested = shown.pop(part, None)
        fields = nested if isinstance(nested, dict) else {}
        shown |= {f"{part}.{name}": value for name, value in fields.items()}
    print_fields(shown)
