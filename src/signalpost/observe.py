"""What operators see: structured logs with fixed action names, and metrics."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


def get_logger(part: str) -> Any:
    """Give the logger of a part of the product. Messages are action names, ``noun.verb_past``; facts are keywords."""
    return structlog.get_logger(part=part)


def configure_logging(*, level: str, json_lines: bool, stream: TextIO = sys.stderr) -> None:
    """Send logs to ``stream``: JSON lines for machines, else one readable line each. Other libraries' too."""
    renderer = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(
        handlers=[handler], level=max(logging.WARNING, logging.getLevelName(level.upper())), force=True
    )


class Metrics:
    """The counters of one process, shown at ``/metrics``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.polls = Counter(
            "signalpost_polls", "Polls finished, by outcome", ["outcome"], registry=self.registry
        )
        self.events = Counter("signalpost_events", "Events written to the log", registry=self.registry)
        self.gaps = Counter(
            "signalpost_gaps", "Losses at the provider that were recorded", registry=self.registry
        )
        self.pollers_disabled = Gauge(
            "signalpost_pollers_disabled",
            "Polled resources that were given up after too many failures",
            registry=self.registry,
        )
        self.pollers_stale = Gauge(
            "signalpost_pollers_stale",
            "Instances that are polled, but without success for long",
            registry=self.registry,
        )
        self.endpoints_failing = Gauge(
            "signalpost_endpoints_failing",
            "Endpoints whose last attempt failed, those deactivated included",
            registry=self.registry,
        )
        self.endpoints_deactivated = Gauge(
            "signalpost_endpoints_deactivated",
            "Endpoints that are not tried any more until somebody releases them",
            registry=self.registry,
        )
        self.attempts = Counter(
            "signalpost_delivery_attempts",
            "Delivery attempts, by outcome",
            ["outcome"],
            registry=self.registry,
        )
        self.delivery_seconds = Histogram(
            "signalpost_delivery_seconds", "Duration of delivery attempts", registry=self.registry
        )
        self.removed_pages = Counter(
            "signalpost_removed_pages", "Pages removed by their age", registry=self.registry
        )
        self.cancelled_notifications = Counter(
            "signalpost_cancelled_notifications",
            "Notifications given up as too many waited for their endpoint",
            registry=self.registry,
        )
