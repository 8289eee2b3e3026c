"""Looking after an installation: migrate, show its settings, encrypt anew."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from signalpost.cli.doctor.configured import check_connectors, check_encryption_key, check_settings
from signalpost.cli.doctor.findings import Subject, Verdict
from signalpost.cli.options import DataDirectory
from signalpost.cli.printing import print_line
from signalpost.model.clock import read_now
from signalpost.model.errors import ConfigurationError
from signalpost.observe import configure_logging
from signalpost.settings import Settings, load_settings
from signalpost.store.database import read_connect_arguments
from signalpost.store.resealing import reseal_all
from signalpost.store.troubles import DATABASE_URL
from signalpost.wiring.beside import open_beside, reach_database, require_database
from signalpost.wiring.database import DIRECT_URL, open_vault

Restored = Annotated[
    bool,
    typer.Option(
        "--restored",
        help="The database was put back to an older state: no number that was given since is given again."
        " Nothing else may run on it.",
    ),
]


def migrate(data_dir: DataDirectory = None, restored: Restored = False) -> None:
    """Bring the database to the newest tables. Other commands do so on start; this does nothing else."""
    settings = load_settings(data_dir=data_dir)
    configure_logging(level="warning", json_lines=settings.log_json)
    if restored:
        require_database(settings)

    async def run() -> None:
        async with reach_database(settings) as database:
            await database.migrate()
            if restored:
                await database.move_on()

    asyncio.run(run())
    print("the database is up to date")


def reencrypt(data_dir: DataDirectory = None) -> None:
    """Encrypt all stored secrets with the first of the encryption keys: the others may go then. The service may run."""
    settings = load_settings(data_dir=data_dir)
    configure_logging(level="warning", json_lines=settings.log_json)
    require_database(settings)  # of a new one it would say that the old keys may go

    async def run() -> int:
        async with open_beside(settings) as (pool, _):
            return await reseal_all(pool, await open_vault(settings, pool))

    print(f"encrypted with the first key: {asyncio.run(run())} that others had encrypted")


def settings(data_dir: DataDirectory = None) -> None:
    """Show the effective settings; secrets are masked. What a start would refuse is told, on standard error."""
    given = load_settings(data_dir=data_dir)
    for name, value in given.summarise().items():
        print(f"{name}={value}")
    refused = _find_refused(given)
    if refused:
        print_line(f"signalpost: {refused}", to_errors=True)


def _find_refused(given: Settings) -> str:
    """Say what of the settings a start would refuse first, and what to do; "" if it takes them."""
    try:
        for url, name in ((given.database_url, DATABASE_URL), (given.database_direct_url, DIRECT_URL)):
            if url is not None:
                read_connect_arguments(url.get_secret_value(), name)
        subject = Subject(given, now=read_now)
        for check in (check_settings, check_encryption_key, check_connectors):
            found = check(subject)
            if found.verdict is Verdict.FAILURE:
                return f"{found.message}; {found.remedy}"
    except ConfigurationError as error:
        return str(error)
    return ""
