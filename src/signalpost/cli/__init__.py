"""The command line: one module a command group."""

from __future__ import annotations

import sys

import typer

from signalpost.cli import admin, credentials, demo, listen, sandbox, serve
from signalpost.model.errors import SignalpostError

app = typer.Typer(
    name="signalpost",
    help="Watches SaaS accounts and POSTs what changed: signed, in order, at least once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    # Every option can be given by the environment: SIGNALPOST_DEMO_CHANGES, ...
    context_settings={"auto_envvar_prefix": "SIGNALPOST"},
)
app.command("serve")(serve.serve)
app.command("api")(serve.api)
app.command("worker")(serve.worker)
app.command("listen")(listen.listen)
app.command("demo")(demo.demo)
app.command("migrate")(admin.migrate)
app.command("doctor")(admin.doctor)
app.command("settings")(admin.settings)
app.command("openapi")(admin.openapi)
app.add_typer(credentials.app, name="credentials", help="Secrets of organizations and users.")
app.add_typer(sandbox.app, name="sandbox", help="Simulated providers, for demos, tests and your own CI.")


def main() -> None:
    """Run the command line. Errors made on purpose are one line on stderr and exit code 1."""
    try:
        app()
    except SignalpostError as error:
        print(f"signalpost: {error}", file=sys.stderr)
        sys.exit(1)
