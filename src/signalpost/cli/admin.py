"""Looking after an installation: migrate, check it, show its settings, print the API's description."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from signalpost.api.app import build_routes
from signalpost.cli.configurations import judge_file
from signalpost.cli.options import DataDirectory
from signalpost.model.errors import ConfigurationError
from signalpost.observe import configure_logging
from signalpost.settings import Settings, load_settings
from signalpost.store.database import read_newest, read_version
from signalpost.store.troubles import check_tables, check_version
from signalpost.wiring import open_vault, reach_database

PollerConfiguration = Annotated[
    Path | None,
    typer.Option(
        help="A file of JSON: a poller configuration, several by resource, or by connector and resource."
        " No server and no database are needed."
    ),
]


def migrate(data_dir: DataDirectory = None) -> None:
    """Bring the database to the newest tables. Other commands do so on start; this does nothing else."""
    settings = load_settings(data_dir=data_dir)
    configure_logging(level="warning", json_lines=settings.log_json)

    async def run() -> None:
        async with reach_database(settings) as database:
            await database.migrate()

    asyncio.run(run())
    print("the database is up to date")


def settings(data_dir: DataDirectory = None) -> None:
    """Show the effective settings; secrets are masked."""
    for name, value in load_settings(data_dir=data_dir).summarise().items():
        print(f"{name}={value}")


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    print(json.dumps(build_routes().openapi(), indent=2))


def doctor(data_dir: DataDirectory = None, poller_configuration: PollerConfiguration = None) -> None:
    """Check the installation and say what to do; exit code 1 if something is wrong.

    With --poller-configuration check that file alone: one line for each resource, exit code 1 if one is refused and
    2 if the file cannot be read.
    """
    if poller_configuration is not None:
        sys.exit(judge_file(poller_configuration))
    effective = load_settings(data_dir=data_dir)
    configure_logging(level="error", json_lines=effective.log_json)
    failed = False
    for name, check in (
        ("settings", _check_settings),
        ("secrets", _check_vault),
        ("database", _check_database),
    ):
        try:
            print(f"ok      {name}: {check(effective)}")
        except ConfigurationError as error:
            failed = True
            print(f"wrong   {name}: {error}")
    if failed:
        sys.exit(1)


def _check_settings(effective: Settings) -> str:
    effective.read_schedule()
    effective.read_allowance()
    effective.read_proxy_url()
    effective.read_public_url()
    remark = (
        "callbacks may be private addresses"
        if effective.allow_private_networks
        else "callbacks must be public"
    )
    return f"{remark}; polls at least {effective.min_poll_interval_seconds:g} s apart"


def _check_vault(effective: Settings) -> str:
    open_vault(effective)
    return "encryption keys are usable"


def _check_database(effective: Settings) -> str:
    async def ask() -> str:
        async with reach_database(effective) as database:
            await database.check_sessions()
            pool = await database.open_pool(size=1)
            try:
                async with pool.acquire() as connection:
                    version, newest = await read_version(connection), read_newest()
                    check_version(connection.get_server_version().major)
                check_tables(version, newest)
                to_come = "" if version == newest else "; the next start makes its tables newer"
                return f"{await pool.fetchval('SHOW server_version')} answers ({where}){to_come}"
            finally:
                await pool.close()

    where = "embedded" if effective.database_url is None else "yours"
    return f"PostgreSQL {asyncio.run(ask())}"
