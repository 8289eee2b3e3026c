"""Arguments and options that the commands which ask a server share, and what they stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signalpost.cli.remote.client import Api
from signalpost.cli.remote.settings import list_profiles, load_server

Instance = Annotated[int, typer.Argument(metavar="INSTANCE", min=1, help="Number of the instance.")]
Profile = Annotated[
    str | None,
    typer.Option(
        envvar="SIGNALPOST_PROFILE",
        autocompletion=list_profiles,
        help="Profile of the server to ask; without one the environment says which, or the profile default.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: an object, or one on each line.")]
ExportFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="File of JSON lines; what is in it already is gone on from.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until it has ended.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="The most entries shown.")]
After = Annotated[
    int | None,
    typer.Option(min=0, help="Go on after this number, the first of each line; else the newest are shown."),
]
ObjectId = Annotated[str | None, typer.Option("--object", help="Only of this object, by its id.")]
Resource = Annotated[str | None, typer.Option(help="Only of this resource.")]
State = Annotated[
    str | None, typer.Option(help="Only what is pending, delivered, dead, cancelled or unsent.")
]
From = Annotated[str | None, typer.Option("--from", help="From this instant on, as 2026-05-28T11:41:12Z.")]
To = Annotated[str | None, typer.Option("--to", help="Before this instant.")]


def open_api(profile: str | None) -> Api:
    """Open the API of the server that is meant; raises as ``load_server``."""
    return Api(load_server(profile))
