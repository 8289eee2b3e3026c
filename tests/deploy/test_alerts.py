"""The alert rules: by Prometheus' own checker, on metrics that exist, each with a page that says what to do."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

from signalpost.polling.scheduler import MOST_QUEUED
from signalpost.store.queue import HANDFUL
from tests.deploy.manifests import ROOT
from tests.deploy.metrics import check_query, read_series
from tests.deploy.promtool import look_for_promtool

FOLDER = ROOT / "deploy" / "prometheus"
TESTS = (FOLDER / "alerts_test.yml", FOLDER / "alerts_week_test.yml")
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}


@pytest.fixture(scope="module")
def promtool():
    found, said = look_for_promtool()
    if not found:
        pytest.skip(f"THE ALERT RULES ARE NOT TESTED HERE: no promtool (Debian's package prometheus): {said}")
    return found


def run(*words):
    return subprocess.run(words, check=False, capture_output=True, text=True)


def test_the_rules_are_rules(promtool):
    found = run(promtool, "check", "rules", FOLDER / "alerts.yml")
    assert found.returncode == 0, found.stdout + found.stderr


def test_each_trouble_sets_off_its_alert_and_none_is_set_off_where_all_is_well(promtool, tmp_path):
    found = run(promtool, "test", "rules", *TESTS)
    assert found.returncode == 0, found.stdout + found.stderr
    shutil.copy(FOLDER / "alerts_test.yml", tmp_path)
    text = (FOLDER / "alerts.yml").read_text()
    (tmp_path / "alerts.yml").write_text(text.replace("pollers_stale) > 0", "pollers_stale) > 9"))
    assert run(promtool, "test", "rules", tmp_path / "alerts_test.yml").returncode != 0


def test_each_alert_is_set_off_once_at_least_and_once_not():
    tests = [test for file in TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    fired, silent = set(), set()
    for each in (case for test in tests for case in test["alert_rule_test"]):
        (fired if each.get("exp_alerts") else silent).add(each["alertname"])
    assert fired == silent == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_what_an_alert_looks_at_exists(name):
    check_query(RULES[name]["expr"], read_series())


def test_a_full_queue_is_beyond_what_is_usual():
    """The scheduler adds no jobs to a full queue, so an alert for more of them would never ring."""
    usual = {
        matcher: int(number)
        for matcher, number in re.findall(
            r'(kind!?="poll")\}\) > (\d+)', RULES["SignalpostQueueGrows"]["expr"]
        )
    }
    assert usual['kind="poll"'] < MOST_QUEUED / HANDFUL
    assert usual['kind!="poll"'] < MOST_QUEUED


def test_what_does_not_exist_is_found():
    series = read_series()
    for wrong in (
        "max(signalpost_pollers_stole) > 0",
        'sum(rate(signalpost_polls_total{result="failed"}[5m]))',
        'sum(rate(signalpost_polls_total{outcome="broken"}[5m]))',
        "sum by (shape) (signalpost_queue_jobs)",
        "rate(signalpost_poll_seconds_total[5m])",
    ):
        with pytest.raises(AssertionError):
            check_query(wrong, series)


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do(name):
    assert RULES[name]["labels"]["severity"] in {"critical", "warning"}
    assert RULES[name]["annotations"]["summary"].endswith(".")
    page, _, heading = RULES[name]["annotations"]["runbook_url"].partition("#")
    assert heading == name.lower()
    assert f"\n## {name}\n" in (ROOT / page).read_text()


def test_the_page_has_no_other_alerts():
    page = (ROOT / "docs" / "how-to" / "act-on-alerts.md").read_text()
    assert re.findall(r"^## (Signalpost\w+)$", page, re.MULTILINE) == list(RULES)
