"""Secrets of organizations and users."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from signalpost.cli.options import DataDirectory
from signalpost.observe import configure_logging
from signalpost.settings import Settings, load_settings
from signalpost.store.database import migrate, open_pool
from signalpost.store.organizations import Organizations
from signalpost.wiring import reach_database

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
    settings = load_settings(data_dir=data_dir)
    configure_logging(level="warning", json_lines=settings.log_json)
    made = asyncio.run(
        _create(settings, organization.strip() or "default", email.strip() or "admin@localhost")
    )
    if as_json:
        print(json.dumps(made))
        return
    print("Shown this once; keep both:")
    print(f"  organization secret  {made['organizationSecret']}")
    print(f"  user secret          {made['userSecret']}")
    print(f"  Authorization: User {made['userSecret']}, Organization {made['organizationSecret']}")


async def _create(settings: Settings, organization: str, email: str) -> dict[str, str]:
    async with reach_database(settings) as arguments:
        await migrate(arguments)
        pool = await open_pool(arguments, size=2)
        try:
            return await Organizations(pool).create_credentials(organization, email)
        finally:
            await pool.close()
