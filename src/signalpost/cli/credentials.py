"""Secrets of organizations and users, and passwords that were forgotten."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

import typer

from signalpost.accounts.rules import find_fault_of_name
from signalpost.cli.endings import CommandError, Ending
from signalpost.cli.options import DataDirectory
from signalpost.model.errors import ConfigurationError
from signalpost.observe import configure_logging
from signalpost.settings import Settings, load_settings
from signalpost.wiring.accounts import open_accounts
from signalpost.wiring.beside import require_database

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``create`` a command of its own, however many there are."""


@app.command()
def create(
    organization: Annotated[str, typer.Option(help="Name of the organization.")] = "default",
    email: Annotated[str, typer.Option(help="Address of the user.")] = "admin@localhost",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    data_dir: DataDirectory = None,
) -> None:
    """Make the secrets of a user of an organization (and either of them where missing). Shown once."""
    name, address = organization.strip() or "default", email.strip() or "admin@localhost"
    _refuse("--organization", name, find_fault_of_name(name))
    _refuse("--email", address, None if address.isprintable() else "The address must be readable text")
    settings = load_settings(data_dir=data_dir)
    configure_logging(level="warning", json_lines=settings.log_json)
    made = asyncio.run(_create(settings, name, address))
    if as_json:
        print(json.dumps(made))
        return
    print("Shown this once; keep both:")
    print(f"  organization secret  {made['organizationSecret']}")
    print(f"  user secret          {made['userSecret']}")
    print(f"  Authorization: User {made['userSecret']}, Organization {made['organizationSecret']}")


@app.command()
def password(
    email: Annotated[str, typer.Option(help="Address that the account signs in with.")],
    data_dir: DataDirectory = None,
) -> None:
    """Set another password for an account of the console. Asks for it, or reads a line; all its sessions end."""
    settings = load_settings(data_dir=data_dir)
    configure_logging(level="warning", json_lines=settings.log_json)
    require_database(settings)
    new = _read_password()
    print(f"{asyncio.run(_reset(settings, email, new))} signs in with the new password from now on")


def _read_password() -> str:
    """Ask for the new password, or read a line. Bytes that are no text are refused: no browser could send them.

    Raises:
        ConfigurationError: there are some.
    """
    try:
        if sys.stdin.isatty():
            return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
        # Of standard input as a text some locales take such bytes in silence.
        return sys.stdin.buffer.readline().decode(sys.stdin.encoding).rstrip("\r\n")
    except UnicodeDecodeError as error:
        message = f"standard input: the new password has bytes that are no {error.encoding}; give it as text"
        raise ConfigurationError(message) from None


def _refuse(option: str, given: str, fault: str | None) -> None:
    if fault is not None:
        raise CommandError(f"{option}: {fault} (given: {given[:100]!r})", Ending.MISUSED)


async def _reset(settings: Settings, email: str, new: str) -> str:
    async with open_accounts(settings) as opened:
        return (await opened.accounts.signing.reset_password(email, new)).email


async def _create(settings: Settings, organization: str, email: str) -> dict[str, str]:
    async with open_accounts(settings) as opened:
        return await opened.organizations.create_credentials(organization, email)
