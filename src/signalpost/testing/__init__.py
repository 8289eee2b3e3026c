"""What users test their own side with: a pytest plugin, and what its fixtures give. The service imports none of it.

Names are looked up when they are first used, so that pytest starts as fast as without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signalpost.testing.callback import CallbackReceiver
    from signalpost.testing.connector_suite import ConnectorSuite
    from signalpost.testing.received import Received
    from signalpost.testing.sandbox import EgnyteSandbox
    from signalpost.testing.server import Instance, SignalpostServer

__all__ = ["CallbackReceiver", "ConnectorSuite", "EgnyteSandbox", "Instance", "Received", "SignalpostServer"]

_MODULES = {
    "CallbackReceiver": "callback",
    "ConnectorSuite": "connector_suite",
    "EgnyteSandbox": "sandbox",
    "Instance": "server",
    "Received": "received",
    "SignalpostServer": "server",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
