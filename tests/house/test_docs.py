"""Documentation that cannot go stale: what exists is documented, what is documented exists, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from signalpost.api.app import build_routes
from signalpost.connectors.base import EVENT_FIELDS
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.egnyte.changes import ACTIONS
from signalpost.model import errors
from signalpost.observe import Metrics
from signalpost.settings import Settings
from tests.house.reference_pages import PAGES, REFERENCE

ROOT = Path(__file__).parents[2]
MARKDOWN = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES)
def test_pages_made_from_the_code_are_up_to_date(page):
    """Write them anew with: python -m tests.house.reference_pages"""
    assert (REFERENCE / page).read_text() == PAGES[page]()


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_relative_links_lead_to_files_that_exist(path):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_settings_that_pages_name_exist(path):
    known = {f"SIGNALPOST_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"SIGNALPOST_[A-Z_]*[A-Z]", path.read_text()))
    options = set(re.findall(r"SIGNALPOST_[A-Z_]*[A-Z]", PAGES["commands.md"]()))
    assert named <= known | options


def test_every_route_of_the_api_is_described():
    text = (REFERENCE / "api.md").read_text()
    for path, methods in build_routes().openapi()["paths"].items():
        shown = path.removeprefix("/elements/api-v2")
        for method in methods:
            pattern = rf"^\| (?:[A-Z]+, )*{method.upper()}(?:, [A-Z]+)* \| `{re.escape(shown)}` \|"
            assert re.search(pattern, text, re.MULTILINE), f"{method.upper()} {shown}"


def test_every_route_described_exists():
    text = (REFERENCE / "api.md").read_text()
    paths = build_routes().openapi()["paths"]
    for methods, shown in re.findall(r"^\| ([A-Z, ]+) \| `(/[^`]*)` \|", text, re.MULTILINE):
        found = paths.get(shown) or paths["/elements/api-v2" + shown]
        assert set(methods.lower().split(", ")) == set(found), shown


def test_every_metric_is_described():
    text = (REFERENCE / "metrics.md").read_text()
    names = re.findall(r"^# TYPE (\S+)", generate_latest(Metrics().registry).decode(), re.MULTILINE)
    for name in names:
        if not name.endswith("_created"):
            assert f"`{name}`" in text, name


def test_every_configuration_key_is_described():
    text = (REFERENCE / "configuration.md").read_text()
    for field in (*EVENT_FIELDS, *EgnyteConnector().fields):
        assert f"`{field.key}`" in text, field.key


def test_every_error_is_described():
    text = (REFERENCE / "errors.md").read_text()
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.SignalpostError):
            assert f"`{name}`" in text, name


def test_every_action_of_egnyte_is_mapped_as_the_page_says():
    text = (REFERENCE / "egnyte.md").read_text()
    for action, event_type in ACTIONS.items():
        assert re.search(rf"^\| .*`{action}`.* \| .*`{event_type.value}`", text, re.MULTILINE), action


def test_make_targets_that_pages_name_exist():
    makefile = (ROOT / "Makefile").read_text()
    for path in MARKDOWN:
        for target in re.findall(r"(?:^|`)make ([a-z]+)", path.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{target} in {name_of(path)}"
