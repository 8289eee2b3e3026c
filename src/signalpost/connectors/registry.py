"""The connectors installed: those built in, and those that other packages announce by entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points

from signalpost.connectors.base import Connector
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.model.errors import NotFoundError

ENTRY_POINT_GROUP = "signalpost.connectors"
"""A package announces a connector as ``name = "package.module:factory"``; the factory takes the provider's base URL
from the settings (or None) and gives the connector."""

Factory = Callable[[str | None], Connector]


class Registry:
    """Finds connectors by key or by number."""

    def __init__(self, connectors: Iterable[Connector]) -> None:
        self._connectors = {connector.key: connector for connector in connectors}

    def __iter__(self) -> Iterator[Connector]:
        return iter(self._connectors.values())

    def find(self, key_or_id: str) -> Connector:
        """Find a connector by key (any letter case) or number.

        Raises:
            NotFoundError: there is none; the message lists those there are.
        """
        wanted = key_or_id.strip()
        for connector in self._connectors.values():
            if wanted.lower() == connector.key or wanted == str(connector.id):
                return connector
        known = ", ".join(sorted(self._connectors))
        message = f"no connector has the key or id {wanted[:100]!r}; known: {known}"
        raise NotFoundError(message)


def load_registry(*, egnyte_url: str | None) -> Registry:
    """Build the registry; ``egnyte_url`` replaces Egnyte's own address (a sandbox)."""
    found: list[Connector] = [EgnyteConnector(egnyte_url)]
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        factory: Factory = entry.load()
        found.append(factory(None))
    return Registry(found)
