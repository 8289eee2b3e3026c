"""Where feeds start that an instance is to be polled for: found before that is answered, and stored with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Session
from signalpost.model.errors import SignalpostError
from signalpost.model.event import Watermark
from signalpost.model.instance import Instance, Tokens
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances

OpenFirstSession = Callable[[Connector, Mapping[str, str], str], Session]
"""Opens a session for a connector, a configuration and an access token, before there is an instance."""

OpenStoredSession = Callable[[Instance, Connector], AbstractAsyncContextManager[Session]]
"""Opens a session of a stored instance, with its own tokens; raises SignalpostError where it has none that are good."""


class FindStarts(Protocol):
    """Finds where feeds are now (wiring gives it: polling knows them)."""

    async def __call__(
        self,
        session: Session,
        connector: Connector,
        configuration: Mapping[str, str],
        resources: Mapping[str, Mapping[str, Any]],
    ) -> Mapping[str, Watermark]:
        """Give the watermarks of those of which that is known now, by resource."""
        ...


@dataclass(frozen=True, slots=True)
class Starts:
    """Finds starts: what happens once the caller was answered is told by the first poll, whenever that comes."""

    instances: Instances
    find: FindStarts
    open_first: OpenFirstSession
    open_stored: OpenStoredSession

    async def find_first(
        self, connector: Connector, draft: InstanceDraft, tokens: Tokens
    ) -> Mapping[str, Watermark]:
        """Give those of all that is polled, asked for with ``tokens`` that were just given."""
        session = self.open_first(connector, draft.configuration, tokens.access_token)
        return await self.find(session, connector, draft.configuration, draft.resources)

    async def find_added(
        self, connector: Connector, draft: InstanceDraft, tokens: Tokens | None, instance: Instance
    ) -> Mapping[str, Watermark]:
        """Give those of resources that a change has polled besides, or that an import left to the first authorisation.

        One that is read from another source than before is polled besides.

        None where nobody can say it now: from when on they are read is then stored in their place.

        The provider is asked where there are such, and by its present tokens if the change brings none.
        """
        begun = await self.instances.list_begun(instance.id)
        added = {
            name: each
            for name, each in draft.resources.items()
            if name not in begun or begun[name] not in {None, draft.sources.get(name)}
        }
        if not added:
            return {}
        if tokens is not None:
            return await self.find_first(connector, replace(draft, resources=added), tokens)
        try:
            async with self.open_stored(instance, connector) as session:
                return await self.find(session, connector, draft.configuration, added)
        except SignalpostError:  # it waits for an authorisation; the first poll after it asks
            return {}
