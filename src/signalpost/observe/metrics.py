"""The metrics of one process, in Prometheus' terms. Labels are from fixed sets: nothing grows with the instances."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from signalpost.observe.counted import Counted

POLL_OUTCOMES = ("ok", "failed")
ATTEMPT_OUTCOMES = ("delivered", "retry", "dead", "spent", "gone")
RENEWAL_OUTCOMES = ("renewed", "refused", "failed")

ATTEMPT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
POLL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
TICK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 5, 30)
WAIT_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30)


class Metrics:
    """The metrics of one process, shown at ``/metrics``; docs/reference/metrics.md has them all."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counted = Counted()
        self.registry.register(self.counted)
        ProcessCollector(registry=self.registry)
        self._make_polling()
        self._make_delivery()
        self._make_process()

    def _make_polling(self) -> None:
        self.polls = self._count("polls", "Polls finished, by outcome", "outcome", POLL_OUTCOMES)
        self.poll_seconds = self._measure("poll_seconds", "Duration of polls", POLL_SECONDS)
        self.poll_lag_seconds = self._measure(
            "poll_lag_seconds", "How long after they were due polls began", LAG_SECONDS
        )
        self.pages = self._count("pages", "Pages committed")
        self.events = self._count("events", "Events written to the log")
        self.gaps = self._count("gaps", "Losses at the provider that were recorded")
        self.token_renewals = self._count(
            "token_renewals",
            "Access tokens asked for by a refresh token, by outcome",
            "outcome",
            RENEWAL_OUTCOMES,
        )
        self.quota_left = self._gauge(
            "quota_left_ratio",
            "The least share of a day's calls left to an account, of those polled in the minute before",
        )
        self.quota_left.set(1)
        self._least_left = 1.0

    def _make_delivery(self) -> None:
        self.attempts = self._count(
            "delivery_attempts", "Delivery attempts, by outcome", "outcome", ATTEMPT_OUTCOMES
        )
        self.delivery_seconds = self._measure(
            "delivery_seconds", "Duration of delivery attempts", ATTEMPT_SECONDS
        )
        self.delivery_lag_seconds = self._measure(
            "delivery_lag_seconds", "From the commit of the page to the callback's 2xx", LAG_SECONDS
        )
        self.removed_pages = self._count("removed_pages", "Pages removed by their age")
        self.cancelled_notifications = self._count(
            "cancelled_notifications", "Notifications given up as too many waited for their endpoint"
        )

    def _make_process(self) -> None:
        self.tick_seconds = self._measure("tick_seconds", "Duration of the scheduler's ticks", TICK_SECONDS)
        self.last_tick = self._gauge(
            "last_tick_timestamp_seconds", "When the scheduler's last tick ended; 0: there was none"
        )
        self.connection_wait_seconds = self._measure(
            "database_connection_wait_seconds",
            "How long each tick of the scheduler waited for a connection of the pool",
            WAIT_SECONDS,
        )
        self.connections = Gauge(
            "signalpost_database_connections",
            "Connections of this process' pool, by state",
            ["state"],
            registry=self.registry,
        )
        self.most_connections = self._gauge(
            "database_connections_max", "The most connections that this process' pool may have"
        )
        self.build = Info("signalpost_build", "The version that runs", registry=self.registry)

    def watch_pool(self, read: Callable[[], tuple[int, int, int]]) -> None:
        """Show the pool whose connections ``read`` gives, whenever it is asked for: all, idle ones, the most."""
        self.connections.labels("used").set_function(lambda: read()[0] - read()[1])
        self.connections.labels("idle").set_function(lambda: read()[1])
        self.most_connections.set_function(lambda: read()[2])

    def note_quota(self, left: float) -> None:
        """Note the share of a day's calls that an account has left, from 0 to 1."""
        self._least_left = min(self._least_left, left)

    def show_quota(self) -> None:
        """Show the least share noted since this was called last; 1 if there was none."""
        self.quota_left.set(self._least_left)
        self._least_left = 1.0

    def _count(self, name: str, told: str, label: str | None = None, values: tuple[str, ...] = ()) -> Counter:
        counter = Counter(f"signalpost_{name}", told, [label] if label else [], registry=self.registry)
        for value in values:
            counter.labels(value)  # shown as 0 from the start: a rate needs a first value
        return counter

    def _gauge(self, name: str, told: str) -> Gauge:
        return Gauge(f"signalpost_{name}", told, registry=self.registry)

    def _measure(self, name: str, told: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"signalpost_{name}", told, buckets=buckets, registry=self.registry)
