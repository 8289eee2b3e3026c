"""The parts of an import, put together for a command beside the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from signalpost.connectors.registry import load_registry
from signalpost.instances.imports import Importer
from signalpost.model.errors import ConfigurationError
from signalpost.model.member import Role
from signalpost.outbound import Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.settings import Settings
from signalpost.store.connections import Connections
from signalpost.store.imports import Imports
from signalpost.store.organizations import Organizations
from signalpost.wiring.beside import open_beside
from signalpost.wiring.database import open_vault
from signalpost.wiring.outbound import open_outbound
from signalpost.wiring.plan import PlanReader

CONNECTIONS_OUTWARDS = 4


class OnceForEachHost(PlanReader):
    """Judges the address of a host once: thousands send to a few, and a silent name server takes seconds for each."""

    def __init__(self, settings: Settings, outbound: Outbound) -> None:
        super().__init__(settings, outbound)
        self._judged: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def vet(self, field: str, url: str | None) -> None:
        """Judge as ``PlanReader.vet``; what was judged before is recalled."""
        if url is None:
            return
        key = (field, urlsplit(url).netloc)
        if key not in self._judged:
            self._judged[key] = asyncio.create_task(super().vet(field, url))
        await self._judged[key]


@asynccontextmanager
async def open_importer(
    settings: Settings, organization: str, email: str, values: Mapping[str, Mapping[str, str]]
) -> AsyncIterator[Importer]:
    """Reach the database, which may be in use, to import for the user ``email`` of ``organization``.

    Raises:
        ConfigurationError: the database cannot be had, or there is no such user who may connect instances.
    """
    registry = load_registry(
        egnyte_url=settings.read_egnyte_url(),
        files=settings.list_connector_files(),
        check_format=compile_pattern,
    )
    async with (
        open_beside(settings) as (pool, clock),
        open_outbound(settings, connections=CONNECTIONS_OUTWARDS) as outbound,
    ):
        member = await Organizations(pool).find_member(organization, email)
        if member is None or not member.role.covers(Role.OPERATOR):
            message = (
                f"organization {organization!r} has no user {email!r} who may connect instances; name one with"
                " --organization and --email, or make one with: signalpost credentials create"
            )
            raise ConfigurationError(message)
        vault = await open_vault(settings, pool)
        yield Importer(
            registry=registry,
            read_plan=OnceForEachHost(settings, outbound),
            imports=Imports(pool, vault),
            connections=Connections(pool, vault),
            vault=vault,
            clock=clock,
            member=member,
            values=values,
            public_url=settings.read_public_url(),
        )
