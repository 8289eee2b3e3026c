"""Connectors for REST APIs, declared in TOML files (docs/reference/rest-connector.md)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from signalpost.connectors.judging import judge
from signalpost.connectors.rest.connector import RestConnector
from signalpost.connectors.rest.reading import CheckFormat, find_files, find_line, read_file
from signalpost.model.errors import ConfigurationError

__all__ = ["RestConnector", "load_connectors"]


def load_connectors(
    paths: Iterable[Path], check_format: CheckFormat, *, taken: Iterable[str] = ()
) -> list[RestConnector]:
    """Load the connectors that files declare, and those of all ``*.toml`` in folders.

    Raises:
        ConfigurationError: a file cannot be read or a field is wrong, or a key is ``taken``; file, line, field and
            value are named.
    """
    keys = dict.fromkeys(taken, "of another connector")
    found: list[RestConnector] = []
    for path in find_files(paths):
        connector = RestConnector(read_file(path, check_format))
        if connector.key in keys:
            line = find_line(path.read_text(), ["key"])
            message = (
                f"{path}:{line}: key: {connector.key!r} is taken, it is that {keys[connector.key]}; give each its"
                " own"
            )
            raise ConfigurationError(message)
        if wrong := judge(connector, found):
            message = f"{path}: {wrong}"
            raise ConfigurationError(message)
        keys[connector.key] = f"of {path}"
        found.append(connector)
    return found
