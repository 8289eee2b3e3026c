"""What the process itself adds up."""

from __future__ import annotations

from prometheus_client import generate_latest

from signalpost.observe import Metrics
from signalpost.observe.counted import GAUGES


def read(metrics, name):
    return metrics.registry.get_sample_value(f"signalpost_{name}")


def test_the_least_quota_is_that_of_the_time_since_it_was_shown():
    metrics = Metrics()
    assert read(metrics, "quota_left_ratio") == 1
    for left in (0.5, 0.1, 0.7):
        metrics.note_quota(left)
    metrics.show_quota()
    assert read(metrics, "quota_left_ratio") == 0.1
    metrics.note_quota(0.6)
    metrics.show_quota()
    assert read(metrics, "quota_left_ratio") == 0.6
    metrics.show_quota()
    assert read(metrics, "quota_left_ratio") == 1


def test_the_pool_is_looked_at_whenever_it_is_asked_for():
    metrics, sizes = Metrics(), [5, 2, 20]
    metrics.watch_pool(lambda: tuple(sizes))
    sizes[1] = 4
    text = generate_latest(metrics.registry).decode()
    assert 'signalpost_database_connections{state="used"} 1.0' in text
    assert 'signalpost_database_connections{state="idle"} 4.0' in text
    assert "signalpost_database_connections_max 20.0" in text


def test_counted_gauges_keep_what_was_counted_last():
    metrics = Metrics()
    assert read(metrics, "workers") is None
    metrics.counted.show({"workers": 2, "overdue_seconds": {("poll",): 1.5}})
    metrics.counted.show({"workers": 3})
    assert read(metrics, "workers") == 3
    assert metrics.registry.get_sample_value("signalpost_overdue_seconds", {"stage": "poll"}) is None


def test_every_gauge_can_be_shown():
    metrics = Metrics()
    metrics.counted.show(
        {name: {("x",) * len(labels): 1} if labels else 1 for name, (_, labels) in GAUGES.items()}
    )
    text = generate_latest(metrics.registry).decode()
    for name in GAUGES:
        assert f"# TYPE signalpost_{name} gauge" in text
