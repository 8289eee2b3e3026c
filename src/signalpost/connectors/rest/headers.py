"""Headers of a declared connector that hold values of an instance's fields, as its tenant or a second key. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from signalpost.connectors.rest.addresses import FIELD_KEY
from signalpost.model.errors import ConnectorError

# Of what else stands in braces, as JSON does, nothing is taken for a field.
_FIELD = re.compile(rf"\{{({FIELD_KEY.pattern})\}}", re.ASCII)


def list_keys(text: str) -> list[str]:
    """List the keys of the fields whose values a header holds."""
    return _FIELD.findall(text)


def fill_in(text: str, configuration: Mapping[str, str]) -> str:
    """Put the configuration's values into a header (raises as ``read_value``)."""
    return _FIELD.sub(lambda found: read_value(configuration, found[1]), text)


def read_value(configuration: Mapping[str, str], key: str) -> str:
    """Read a value that is to stand in a header; it is not shown, for it may be a secret.

    Raises:
        ConnectorError: it cannot stand there.
    """
    value = configuration.get(key, "").strip()
    if not value.isascii() or not value.isprintable():
        what = "key" if key == "api.key" else "value"
        message = f"{key}: it holds characters that cannot stand in a header; give the {what} alone"
        raise ConnectorError(message)
    return value
