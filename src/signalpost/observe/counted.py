"""Gauges that count rows of the database: shown as they were counted last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Value = float | Mapping[tuple[str, ...], float]
"""A gauge's value, or its values by the values of its labels."""

GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "pollers_disabled": (
        "Polled resources, of instances not disabled, that were given up after too many failures",
        (),
    ),
    "pollers_stale": ("Instances that are polled, but without success for long", ()),
    "accounts_throttled": ("Instances polled further apart than wished, for the day's calls to last", ()),
    "authorisations_needed": ("Instances, not disabled, that wait for somebody to authorise them again", ()),
    "endpoints_failing": (
        "Endpoints, of instances not disabled, that wait as an attempt failed or are deactivated",
        (),
    ),
    "endpoints_deactivated": (
        "Endpoints, of instances not disabled, that are not tried until somebody releases them",
        (),
    ),
    "overdue_seconds": ("How long what is due longest has waited to be handed out", ("stage",)),
    "queue_jobs": ("Jobs handed out, waiting or being worked", ("kind", "state")),
    "queue_oldest_seconds": ("How long the oldest job has waited for a worker", ("kind",)),
    "workers": ("Workers whose heartbeat is young", ()),
    "database_size_bytes": ("Size of the database", ()),
    "database_oldest_transaction_seconds": ("Age of the oldest transaction in the database", ()),
    "database_dead_rows": ("Rows that wait for a vacuum, as the database estimates", ()),
    "counted_timestamp_seconds": ("When these gauges were counted last", ()),
}
"""Of each gauge, without ``signalpost_`` before it: what it tells, and its labels."""


class Counted(Collector):
    """Shows what was counted last; nothing before the first counting, so that a 0 is one that was counted."""

    def __init__(self) -> None:
        self._values: Mapping[str, Value] = {}

    def show(self, values: Mapping[str, Value]) -> None:
        """Show these values from now on, by the names of ``GAUGES``."""
        self._values = values

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges without values (``prometheus_client``)."""
        for name, (told, labels) in GAUGES.items():
            yield GaugeMetricFamily(f"signalpost_{name}", told, labels=labels)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges that were counted, with their values (``prometheus_client``)."""
        for name, value in self._values.items():
            told, labels = GAUGES[name]
            family = GaugeMetricFamily(f"signalpost_{name}", told, labels=labels)
            by_labels = value if isinstance(value, Mapping) else {(): value}
            for given, each in by_labels.items():
                family.add_metric(given, each)
            yield family
