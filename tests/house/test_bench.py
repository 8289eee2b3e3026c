"""Results of benchmarks have the form that others read (interfaces: Bench results), and say what was reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.measures import bound, compare, hold, take_value, write_results

RESULTS = sorted((Path(__file__).parents[2] / "bench" / "results").glob("*.json"))
FIELDS = {"name", "value", "unit", "limit", "ratio", "aim", "reached"}


def check_form(results):
    assert results["machine"]["cores"] >= 1
    assert results["measures"]
    for measure in results["measures"]:
        assert measure.keys() >= FIELDS
        assert isinstance(measure["value"], int | float)
        if measure["aim"] is not None:
            assert measure["ratio"] is not None
            assert measure["limit"] is not None
            assert measure["reached"] in {True, False}


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_committed_results_have_the_form(path):
    check_form(json.loads(path.read_text()))


def test_written_results_have_the_form(tmp_path):
    path = tmp_path / "results.json"
    measures = [
        take_value("size", [1, 2, 30], "bytes"),
        compare("rate", [10, 20, 30], [20, 40, 40], "1/s", aim=0.5),
        compare("too low a rate", [10, 20, 30], [20, 40, 40], "1/s", aim=0.6),
        bound("wait", [1, 2, 3], 2, "ms"),
        bound("too long a wait", [1, 2, 3], 1.9, "ms"),
        hold("cost", [1.1, 1.1, 9], [1, 1, 9], "1", aim=1.15),
        hold("a cost that grows", [1.2, 1.2, 9], [1, 1, 9], "1", aim=1.15),
    ]
    write_results(path, {"cores": 2}, measures)
    written = json.loads(path.read_text())
    check_form(written)
    assert [each["reached"] for each in written["measures"]] == [None, True, False, True, False, True, False]
