"""Stands for a connector that instances are kept of, but that is not installed any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Never

from signalpost.connectors.base import EVENT_FIELDS, Field
from signalpost.connectors.resource import Resource
from signalpost.model.errors import ConflictError

_KNOWN = frozenset(each.key for each in EVENT_FIELDS)


class MissingConnector:
    """What is still known of a connector that is not installed.

    Which values of its instances are secret nobody knows, so that all are but those of the events framework. Whatever
    it is asked to do is refused: what waits to be delivered needs no connector, nor does a deletion.
    """

    id = 0
    hub = "unknown"
    setup_steps: Sequence[str] = ()
    resources: Sequence[Resource] = ()
    calls_per_second = 1.0
    calls_a_day: int | None = None
    least_interval_seconds = 0.0

    def __init__(self, key: str, configuration: Mapping[str, str]) -> None:
        """Take its key, and the configuration of the instance that it is shown for."""
        self.key = key
        self.name = f"{key} (not installed)"
        self.description = f"The connector {key} is not installed."
        self.fields = tuple(
            Field(each, each, secret=True) for each in sorted(configuration) if each not in _KNOWN
        )

    def refuse(self, *_: Any) -> Never:
        """Say that it is not installed, whatever it was asked to do (raises ConflictError)."""
        message = (
            f"the connector {self.key!r} is not installed: install its package, or name its file in"
            " SIGNALPOST_CONNECTOR_FILES, and start again"
        )
        raise ConflictError(message)

    find_host = find_authorization = read_tokens = identify = refuse
    open_feed = open_listing = classify = read_quota = refuse
