"""The one way out: HTTP requests to providers and callbacks, to vetted addresses, bounded in time and size."""

from __future__ import annotations

from signalpost.outbound.answer import Answer
from signalpost.outbound.client import Outbound
from signalpost.outbound.failures import Kind, OutboundError

__all__ = ["Answer", "Kind", "Outbound", "OutboundError"]
