"""The Grafana dashboard: in Grafana's own model, on metrics that exist, tied to no installation."""

from __future__ import annotations

import json

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.deploy.dashboard import FILE, ROWS, write_dashboard
from tests.deploy.metrics import check_query, read_series

DASHBOARD = json.loads(FILE.read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def test_the_file_is_as_it_is_written_down():
    """Write it anew with: python -m tests.deploy.dashboard"""
    assert FILE.read_text() == write_dashboard()


def test_grafana_knows_all_that_it_says():
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert find_lost(DASHBOARD, read, "") == []
    assert find_lost({**DASHBOARD, "colour": "red"}, read, "") == ["/colour"]


def find_lost(given, read, path):
    """Give the paths of what stands in the file, but not in what Grafana's model made of it."""
    if isinstance(given, dict):
        kept = read if isinstance(read, dict) else {}
        return [lost for key in given for lost in find_lost(given[key], kept.get(key), f"{path}/{key}")]
    if isinstance(given, list):
        kept = [*(read or []), *[None] * len(given)]
        return [lost for at, each in enumerate(given) for lost in find_lost(each, kept[at], f"{path}/{at}")]
    return [] if given == read else [path]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_what_a_panel_shows_exists(panel):
    series = read_series()
    for target in panel["targets"]:
        assert target["expr"].count('{job=~"$job"') == target["expr"].count("{")
        check_query(target["expr"].replace("$__rate_interval", "5m"), series)


def test_nearly_all_that_is_measured_is_shown():
    shown = {
        name
        for panel in PANELS
        for target in panel["targets"]
        for name in check_query(target["expr"].replace("$__rate_interval", "5m"), read_series())
    }
    ours = {name for name in read_series() if name.startswith("signalpost_")}
    assert {name for name in ours - shown if not name.endswith(("_sum", "_count"))} == {
        "signalpost_counted_timestamp_seconds"
    }


def test_no_installation_is_tied_to_it():
    assert {each["datasource"]["uid"] for each in PANELS} == {"${datasource}"}
    assert [each["name"] for each in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
    assert "id" not in DASHBOARD


def test_panels_stand_beside_and_below_one_another():
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    taken = {
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    }
    assert len(taken) == sum(place["w"] * place["h"] for place in places)
    assert max(x for x, _ in taken) < 24
    assert [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"] == list(ROWS)
