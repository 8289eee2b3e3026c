"""The command line. A command that runs has its own module imported alone, so that it starts fast."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from signalpost import __version__
from signalpost.model.errors import SignalpostError

COMMANDS = {
    "serve": "serve",
    "api": "serve",
    "worker": "serve",
    "listen": "listen",
    "demo": "demo",
    "migrate": "admin",
    "doctor": "doctor",
    "settings": "admin",
    "openapi": "admin",
}
"""The module of each command, which has a function of the command's name."""

GROUPS = {
    "connector": "Connectors of your own.",
    "credentials": "Secrets of organizations and users.",
    "sandbox": "Simulated providers, for demos, tests and your own CI.",
}
"""What each group of commands is for; its module has the same name."""


def build_app(wanted: str | None = None) -> typer.Typer:
    """Build the command line; with only the command or group ``wanted``, if there is one of this name."""
    app = typer.Typer(
        name="signalpost",
        help="Watches SaaS accounts and POSTs what changed: signed, in order, at least once.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        # Every option can be given by the environment: SIGNALPOST_DEMO_CHANGES, ...
        context_settings={"auto_envvar_prefix": "SIGNALPOST"},
    )
    app.callback()(_group)
    everything = wanted not in {*COMMANDS, *GROUPS}
    for name, module in COMMANDS.items():
        if everything or name == wanted:
            app.command(name)(getattr(import_module(f"{__name__}.{module}"), name))
    for name, purpose in GROUPS.items():
        if everything or name == wanted:
            app.add_typer(import_module(f"{__name__}.{name}").app, name=name, help=purpose)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"signalpost {__version__}")
        raise typer.Exit


def _group(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            callback=_show_version,
            is_eager=True,
            allow_from_autoenv=False,  # SIGNALPOST_VERSION is what others call the version they deploy
        ),
    ] = False,
) -> None:
    """Keep a command one of a group, if it is the only one that was built."""


def main() -> None:
    """Run the command line. Errors made on purpose, and troubles of the database, are one line and exit code 1."""
    gc.disable()  # what is imported stays: to look for garbage amid it takes a sixth of the start
    try:
        app = build_app(sys.argv[1] if len(sys.argv) > 1 else None)
        gc.enable()
        app()
    except SignalpostError as error:
        _end(str(error))
    except Exception as error:
        trouble = import_module("signalpost.store.troubles").find_trouble(error)
        if trouble is None:
            raise
        _end(f"{trouble.what}; {trouble.remedy}")


def _end(reason: str) -> NoReturn:
    print(f"signalpost: {reason}", file=sys.stderr)
    sys.exit(1)
