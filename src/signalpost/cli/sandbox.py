"""``signalpost sandbox``: simulated providers, run from the command line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from signalpost.cli.options import refuse_empty
from signalpost.cli.printing import print_line
from signalpost.sandbox.egnyte import load_scenario, serve
from signalpost.sandbox.rest import serve as serve_rest

app = typer.Typer(no_args_is_help=True, help="Run a simulated provider.")

Host = Annotated[
    str,
    typer.Option(envvar="SIGNALPOST_SANDBOX_HOST", callback=refuse_empty, help="Address to listen on."),
]
Port = Annotated[
    int, typer.Option(envvar="SIGNALPOST_SANDBOX_PORT", min=0, max=65535, help="0 takes a free one.")
]


def _tell_ready(url: str) -> None:
    print(f"sandbox ready on {url}", flush=True)


def _tell_step(text: str) -> None:
    """Tell a step to whoever reads: nobody may, once the line with the URL was read, and the steps go on."""
    with suppress(OSError):
        print(f"scenario: {text}", flush=True)


def _tell_trouble(text: str) -> None:
    with suppress(OSError):  # what it goes to may be on the same disk
        print_line(f"signalpost: {text}", to_errors=True)


@app.callback()
def choose_provider() -> None:
    """Run a simulated provider."""


@app.command()
def egnyte(
    host: Host = "127.0.0.1",
    port: Port = 8090,
    domain: Annotated[
        str,
        typer.Option(
            envvar="SIGNALPOST_SANDBOX_DOMAIN", callback=refuse_empty, help="Name of the simulated domain."
        ),
    ] = "acme",
    seed: Annotated[
        int, typer.Option(envvar="SIGNALPOST_SANDBOX_SEED", help="The same seed gives the same changes.")
    ] = 1,
    state: Annotated[
        Path | None,
        typer.Option(
            envvar="SIGNALPOST_SANDBOX_STATE",
            dir_okay=False,
            help="File to keep the state in; else in memory.",
        ),
    ] = None,
    realistic: Annotated[
        bool,
        typer.Option(
            "--realistic",
            envvar="SIGNALPOST_SANDBOX_REALISTIC",
            help="Egnyte's own limits: 2 calls a second, 1,000 a day.",
        ),
    ] = False,
    scenario: Annotated[
        Path | None,
        typer.Option(
            envvar="SIGNALPOST_SANDBOX_SCENARIO",
            dir_okay=False,
            help="TOML file of settings, and of steps that are done by themselves.",
        ),
    ] = None,
) -> None:
    """Run a simulated Egnyte until it is told to stop. Steer it under /_sandbox/, which lists what it can do."""
    uvloop.run(
        serve(
            host,
            port,
            domain=domain,
            seed=seed,
            state_path=state,
            realistic=realistic,
            scenario=None if scenario is None else load_scenario(scenario),
            on_ready=_tell_ready,
            on_step=_tell_step,
            on_trouble=_tell_trouble,
        )
    )


@app.command()
def rest(
    host: Host = "127.0.0.1",
    port: Port = 8091,
) -> None:
    """Run a small REST API until it is told to stop: any collection, any authorisation, any pagination."""
    uvloop.run(serve_rest(host, port, on_ready=_tell_ready))
