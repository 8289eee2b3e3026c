"""What operators see: structured logs with fixed action names, metrics, and whether the services go round."""

from __future__ import annotations

from signalpost.observe.logs import configure_logging, get_logger
from signalpost.observe.metrics import Metrics
from signalpost.observe.vitals import Vitals

__all__ = ["Metrics", "Vitals", "configure_logging", "get_logger"]
