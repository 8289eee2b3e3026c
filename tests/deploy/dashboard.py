"""The Grafana dashboard, written down short. Write its file anew with: python -m tests.deploy.dashboard"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.deploy.manifests import ROOT

FILE = ROOT / "deploy" / "grafana" / "signalpost.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
OF = 'job=~"$job"'
WIDTH, HEIGHT = 8, 7
"""Of a panel; a row of the dashboard is 24 wide."""


@dataclass(frozen=True)
class Panel:
    """A panel: its lines, each a query and what it is called; the unit; what it tells."""

    title: str
    lines: Sequence[tuple[str, str]]
    unit: str = "short"
    told: str = ""


def count(metric: str, by: str = "", more: str = "") -> str:
    """Write how many of a counter's things there are a second."""
    return f"sum {f'by ({by}) ' if by else ''}(rate({metric}{{{OF}{more}}}[$__rate_interval]))"


def newest(metric: str, by: str = "") -> str:
    """Write a gauge that every worker shows the same."""
    return f"max {f'by ({by}) ' if by else ''}({metric}{{{OF}}})"


def lowest_of_hour(metric: str) -> str:
    """Write a gauge that shows what was low for a minute only."""
    return f"min (min_over_time({metric}{{{OF}}}[1h]))"


def spread(metric: str) -> list[tuple[str, str]]:
    """Write the median, and what one in twenty and one in a hundred exceed, of a histogram."""
    return [
        (f"histogram_quantile({share}, {count(f'{metric}_bucket', 'le')})", name)
        for share, name in (("0.5", "half"), ("0.95", "1 in 20"), ("0.99", "1 in 100"))
    ]


ROWS: dict[str, list[Panel]] = {
    "Polls": [
        Panel("Polls", [(count("signalpost_polls_total", "outcome"), "{{outcome}}")], "ops"),
        Panel(
            "Found",
            [(count("signalpost_events_total"), "events"), (count("signalpost_pages_total"), "pages")],
            "ops",
        ),
        Panel("Duration of polls", spread("signalpost_poll_seconds"), "s"),
        Panel(
            "In trouble",
            [
                (newest("signalpost_pollers_disabled"), "given up"),
                (newest("signalpost_pollers_stale"), "without success"),
                (newest("signalpost_authorisations_needed"), "to be authorised"),
                (newest("signalpost_accounts_throttled"), "slowed down by their quota"),
            ],
        ),
        Panel(
            "Gaps in an hour",
            [(f"sum(increase(signalpost_gaps_total{{{OF}}}[1h]))", "gaps")],
            told="Losses at providers. More than none: poll more often.",
        ),
        Panel(
            "Tokens and quota",
            [
                (count("signalpost_token_renewals_total", "outcome"), "renewals a second: {{outcome}}"),
                (
                    lowest_of_hour("signalpost_quota_left_ratio"),
                    "least share of a day's calls left in the last hour",
                ),
            ],
        ),
    ],
    "Lag": [
        Panel("Polls begin late by", spread("signalpost_poll_lag_seconds"), "s"),
        Panel("From the page to the callback", spread("signalpost_delivery_lag_seconds"), "s"),
        Panel("Due longest", [(newest("signalpost_overdue_seconds", "stage"), "{{stage}}")], "s"),
    ],
    "Deliveries": [
        Panel("Attempts", [(count("signalpost_delivery_attempts_total", "outcome"), "{{outcome}}")], "ops"),
        Panel("Duration of attempts", spread("signalpost_delivery_seconds"), "s"),
        Panel(
            "Endpoints in trouble",
            [
                (newest("signalpost_endpoints_failing"), "failing"),
                (newest("signalpost_endpoints_deactivated"), "given up"),
            ],
        ),
        Panel(
            "Given up in an hour",
            [
                (
                    f'sum(increase(signalpost_delivery_attempts_total{{{OF}, outcome="dead"}}[1h]))',
                    "refused by callbacks",
                ),
                (f"sum(increase(signalpost_cancelled_notifications_total{{{OF}}}[1h]))", "too many waited"),
            ],
            told="Notifications that nobody gets unless they are sent again.",
        ),
    ],
    "Queue": [
        Panel("Jobs", [(newest("signalpost_queue_jobs", "kind, state"), "{{kind}}, {{state}}")]),
        Panel("Oldest job waits", [(newest("signalpost_queue_oldest_seconds", "kind"), "{{kind}}")], "s"),
        Panel("Duration of ticks", spread("signalpost_tick_seconds"), "s"),
        Panel(
            "Since the last tick",
            [(f"time() - {newest('signalpost_last_tick_timestamp_seconds')}", "s")],
            "s",
        ),
    ],
    "Database": [
        Panel(
            "Connections",
            [
                (f"sum by (state) (signalpost_database_connections{{{OF}}})", "{{state}}"),
                (f"sum(signalpost_database_connections_max{{{OF}}})", "at most"),
            ],
        ),
        Panel("Wait for a connection", spread("signalpost_database_connection_wait_seconds"), "s"),
        Panel("Size", [(newest("signalpost_database_size_bytes"), "database")], "bytes"),
        Panel(
            "Oldest transaction",
            [(newest("signalpost_database_oldest_transaction_seconds"), "age")],
            "s",
            "While it is open no dead row can be removed.",
        ),
        Panel("Dead rows", [(newest("signalpost_database_dead_rows"), "rows")]),
        Panel("Pages removed by their age", [(count("signalpost_removed_pages_total"), "pages")], "ops"),
    ],
    "Process": [
        Panel("Workers alive", [(newest("signalpost_workers"), "workers")]),
        Panel("Memory", [(f"process_resident_memory_bytes{{{OF}}}", "{{instance}}")], "bytes"),
        Panel("CPU", [(count("process_cpu_seconds_total", "instance"), "{{instance}}")], "percentunit"),
        Panel("Open files", [(f"process_open_fds{{{OF}}}", "{{instance}}")]),
        Panel("Versions", [(f"count by (version) (signalpost_build_info{{{OF}}})", "{{version}}")]),
    ],
}


def write_panels() -> Iterator[dict[str, Any]]:
    top, number = 0, 0
    for title, panels in ROWS.items():
        number += 1
        place = {"h": 1, "w": 24, "x": 0, "y": top}
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        top += 1
        for index, panel in enumerate(panels):
            number += 1
            across, down = index % 3 * WIDTH, index // 3 * HEIGHT
            place = {"h": HEIGHT, "w": WIDTH, "x": across, "y": top + down}
            yield {
                "id": number,
                "type": "timeseries",
                "title": panel.title,
                "description": panel.told,
                "datasource": SOURCE,
                "gridPos": place,
                "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
                "options": {
                    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                    "tooltip": {"mode": "multi", "sort": "none"},
                },
                "targets": [
                    {
                        "refId": chr(ord("A") + order),
                        "datasource": SOURCE,
                        "expr": query,
                        "legendFormat": name,
                    }
                    for order, (query, name) in enumerate(panel.lines)
                ],
            }
        top += (len(panels) + 2) // 3 * HEIGHT


def write_variables() -> list[dict[str, Any]]:
    """The data source, and the jobs of Prometheus that scrape us: nothing of one installation stands in the file."""
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "job",
            "label": "Job",
            "type": "query",
            "datasource": SOURCE,
            "query": "label_values(signalpost_build_info, job)",
            "refresh": 2,
            "multi": True,
            "includeAll": True,
        },
    ]


def write_dashboard() -> str:
    dashboard = {
        "uid": "signalpost",
        "title": "Signalpost",
        "tags": ["signalpost"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": 38,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": write_variables()},
        "panels": list(write_panels()),
    }
    return json.dumps(dashboard, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(write_dashboard())
