"""The command line. A command that runs has its own module imported alone, so that it starts fast.

So with ``--help`` and completion: of other commands they need no more than the words below.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from signalpost import __version__
from signalpost.cli.endings import CommandError, Ending
from signalpost.model.errors import SignalpostError

COMMANDS = {
    "serve": ("serve", "Run everything in one process."),
    "api": ("serve", "Run the API alone."),
    "worker": ("serve", "Run polls and deliveries alone."),
    "listen": ("listen", "Receive notifications: verify their signatures, print them, write them down."),
    "demo": ("demo", "Connect the Egnyte sandbox by OAuth2, make changes, show them arriving."),
    "migrate": ("admin", "Bring the database to the newest tables."),
    "doctor": ("doctor", "Check the installation and say what to do."),
    "settings": ("admin", "Show the effective settings."),
    "openapi": ("openapi", "Print the OpenAPI document of the HTTP API."),
    "login": ("login", "Keep a server and its secrets as a profile."),
    "reencrypt": ("admin", "Encrypt all stored secrets with the first of the encryption keys."),
}
"""The module of each command, which has a function of the command's name, and what the command is for."""

GROUPS = {
    "instances": "Instances of a running service, here or elsewhere.",
    "events": "Its events: listed, followed, exported.",
    "deliveries": "Its deliveries: listed, exported, sent again, replayed.",
    "connector": "Connectors of your own.",
    "credentials": "Secrets of organizations and users.",
    "import": "Instances of the service that was used before.",
    "sandbox": "Simulated providers, for demos, tests and your own CI.",
}
"""What each group of commands is for; its module has the same name, where that may be one."""

KEYWORDS = {"import": "importing"}
"""The modules of groups whose names are words of Python."""

OUTPUT_FAILS = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

SUMMARIES = {name: summary for name, (_, summary) in COMMANDS.items()} | GROUPS


class LazyGroup(TyperGroup):
    """The commands by their names and summaries; the one that is run, or completed, is put in when it is known."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; raises for a name that there is not."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, None if found is None else _load(str(name)), rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(Ending.INTERRUPTED) from None
        except typer.Abort as error:
            # A question was not answered: it was interrupted, or what is read has ended.
            if isinstance(error.__context__, KeyboardInterrupt):
                raise typer.Exit(Ending.INTERRUPTED) from None
            raise


def build_app() -> typer.Typer:
    """Build the whole command line, with every command imported."""
    app = _open_app()
    for name in SUMMARIES:
        _add(app, name)
    return app


def build_lazy_app() -> typer.Typer:
    """Build the command line so that only the command which is run is imported."""
    app = _open_app(LazyGroup)
    for name, summary in SUMMARIES.items():
        app.command(name, help=summary)(_stand_in)
    return app


def _open_app(group: type[TyperGroup] = TyperGroup) -> typer.Typer:
    app = typer.Typer(
        name="signalpost",
        cls=group,
        help="Watches SaaS accounts and POSTs what changed: signed, in order, at least once.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        # Every option can be given by the environment: SIGNALPOST_DEMO_CHANGES, ...
        context_settings={"auto_envvar_prefix": "SIGNALPOST"},
    )
    app.callback()(_group)
    return app


def _add(app: typer.Typer, name: str) -> None:
    if name in GROUPS:
        group = import_module(f"{__name__}.{KEYWORDS.get(name, name)}")
        app.add_typer(group.app, name=name, help=GROUPS[name])
    else:
        module, _ = COMMANDS[name]
        app.command(name)(getattr(import_module(f"{__name__}.{module}"), name))


def _load(name: str) -> Any:
    app = _open_app()
    gc.disable()  # what is imported stays: to look for garbage amid it takes a sixth of the start
    try:
        _add(app, name)
    finally:
        gc.enable()
    command = typer.main.get_group(app).commands[name]
    import_module(f"{__name__}.texts").guard(command)
    return command


def _stand_in() -> None:
    """Stand for a command that is not imported."""


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
    """Run the command line. Errors made on purpose, and troubles of the database, are one line and an exit code.

    So is output that cannot be written; where nobody reads it any more, nothing is said. What it cannot show stands
    escaped in it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # whoever started us closed it: no file of ours may take its number
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for good
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            _run()
        finally:
            sys.stdout.flush()  # else what is left is written, and fails, after us
    except OSError as error:
        if error.filename is not None or error.errno not in OUTPUT_FAILS:
            raise
        with suppress(OSError):  # of a test it may be no file; what is left is tried once more at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            sys.exit(Ending.FAILED)
        _end(f"the output cannot be written: {error.strerror}")


def _run() -> NoReturn:
    try:
        sys.exit(build_lazy_app()(standalone_mode=False))
    except typer.Abort:
        _end("aborted")
    except typer.TyperException as error:
        _end_misused(error)
    except CommandError as error:
        _end(str(error), error.ending)
    except SignalpostError as error:
        _end(str(error))
    except Exception as error:
        told = _find_trouble(error)
        if told is None:
            raise
        _end(told)


def _find_trouble(error: Exception) -> str | None:
    """Say which trouble of the database an error tells of, and what to do; None: of none."""
    troubles = import_module("signalpost.store.troubles")
    trouble = troubles.find_trouble(error)
    if trouble is None:
        return None
    is_embedded = import_module("signalpost.settings").load_settings().database_url is None
    told = troubles.fit(trouble, troubles.EMBEDDED if is_embedded else troubles.DATABASE_URL)
    return f"{told.what}; {told.remedy}"


def _end_misused(error: typer.TyperException) -> NoReturn:
    """Tell in one line what is wrong with an option, its value with it; of a group without a command what there is."""
    ctx: typer.Context | None = getattr(error, "ctx", None)
    told = error.format_message()
    if ctx is not None and told == ctx.get_help():
        print(told, file=sys.stderr)
        sys.exit(error.exit_code)
    judged = getattr(error.__cause__, "errors", None)  # of a value of the wrong kind or size
    given = f" (given: {str(judged()[0]['input'])[:100]!r})" if judged else ""
    see = f"; see {ctx.command_path} --help" if ctx is not None else ""
    _end(f"{' '.join(told.split()).rstrip('.')}{given}{see}", error.exit_code)


def _end(reason: str, ending: int = Ending.FAILED) -> NoReturn:
    print(f"signalpost: {reason}", file=sys.stderr)
    sys.exit(ending)
