"""The connectors installed: those built in, and those that other packages announce by entry point."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from signalpost.connectors.base import Connector
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.judging import judge
from signalpost.connectors.missing import MissingConnector
from signalpost.model.errors import NotFoundError
from signalpost.model.instance import Instance
from signalpost.observe.logs import get_logger

ENTRY_POINT_GROUP = "signalpost.connectors"
"""A package announces a connector as ``name = "package.module:factory"``; the factory takes the provider's base URL
from the settings (or None) and gives the connector."""

PROBE_SECONDS = 15.0
"""How long a connector of another package may take to be imported and made."""
LOADED = 86
PROBE = f"""
import sys
from importlib.metadata import EntryPoint
try:
    EntryPoint(sys.argv[1], sys.argv[2], "").load()(None)
except BaseException:
    pass  # whoever asks loads it as well, and says what it raised
sys.exit({LOADED})
"""
"""Ends with ``LOADED`` unless the connector ended the process: by ``os._exit``, or by a fault of what it is made of."""

Factory = Callable[[str | None], Connector]

log = get_logger("connectors")


class Registry:
    """Finds connectors by key or by number; ``left_out`` says why others are not there, by their names."""

    def __init__(self, connectors: Iterable[Connector], left_out: Mapping[str, str] | None = None) -> None:
        self._connectors = {connector.key: connector for connector in connectors}
        self.left_out = dict(left_out or {})

    def __iter__(self) -> Iterator[Connector]:
        return iter(self._connectors.values())

    def tell_left_out(self) -> None:
        """Log each that was left out, with its entry point and the reason."""
        for name, reason in self.left_out.items():
            log.error("connector.left_out", connector=name, reason=reason)

    def __contains__(self, key: str) -> bool:
        return key in self._connectors

    def recall(self, instance: Instance) -> Connector:
        """Give the connector of a stored instance, or what stands for it where it is not installed any more."""
        return self._connectors.get(instance.connector) or MissingConnector(
            instance.connector, instance.configuration
        )

    def require(self, key: str) -> Connector:
        """Give the connector of something stored that cannot do without.

        Raises:
            ConflictError: it is not installed any more.
        """
        return self._connectors.get(key) or MissingConnector(key, {}).refuse()

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


def load_registry(
    *,
    egnyte_url: str | None,
    files: Sequence[Path] = (),
    check_format: Callable[[str], object] = str,
    probe_seconds: float = PROBE_SECONDS,
) -> Registry:
    """Build the registry; ``egnyte_url`` replaces Egnyte's own address (a sandbox), ``files`` declare connectors.

    ``check_format`` raises InvalidRequestError for what is no format of dates.

    A connector of another package that cannot be loaded, or declares nonsense, is left out: the others run.

    Raises:
        ConfigurationError: a field of a file is wrong, or its key is taken.
    """
    found: list[Connector] = [EgnyteConnector(egnyte_url)]
    if files:
        from signalpost.connectors.rest import load_connectors  # noqa: PLC0415 - read where it is asked for alone

        found += load_connectors(files, check_format, taken={each.key for each in found})
    left_out: dict[str, str] = {}
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda each: (each.name, each.value)):
        connector, wrong = _load(entry, found, probe_seconds)
        if connector is not None:
            found.append(connector)
        else:
            left_out[entry.name] = f"{entry.value}: {wrong}"
    return Registry(found, left_out)


def _load(
    entry: EntryPoint, others: Iterable[Connector], probe_seconds: float
) -> tuple[Connector | None, str]:
    """Give the connector that an entry point announces, or None and what is wrong with it."""
    # Nothing can end an import that hangs in this process: another one tries it first.
    try:
        probe = subprocess.run(  # noqa: S603 - our own program; its arguments are those of an installed package
            [sys.executable, "-P", "-c", PROBE, entry.name, entry.value],
            check=False,
            timeout=probe_seconds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None, f"it was not loaded within {probe_seconds:g} s"
    if probe.returncode != LOADED:
        how = f"exit code {probe.returncode}" if probe.returncode >= 0 else f"signal {-probe.returncode}"
        return None, f"it ended the process that loaded it ({how})"
    try:
        factory: Factory = entry.load()
        connector = factory(None)
        wrong = judge(connector, others)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - others' code: whatever it does, the rest runs
        # Its words may hold anything, a secret among them: only their kind is told.
        return None, f"it raised {type(error).__name__}"
    return (None, wrong) if wrong else (connector, "")
