"""Documentation that cannot go stale: what exists is documented, what is documented exists, links lead somewhere."""

from __future__ import annotations

import json
import re
import time
from functools import cache
from pathlib import Path

import pytest
import typer
from prometheus_client import generate_latest

from signalpost.api.app import BASE_PATH, build_routes
from signalpost.cli import build_app
from signalpost.connectors.base import EVENT_FIELDS
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.egnyte.changes import ACTIONS
from signalpost.delivery.lane import MOST_STARTED
from signalpost.delivery.sign import signature_headers
from signalpost.model import errors
from signalpost.observe import Metrics
from signalpost.observe.counted import GAUGES
from signalpost.polling.configuration.definition import _DATE_FIELDS, _FIELDS
from signalpost.polling.hands import MOST_IN_HAND
from signalpost.polling.status import PollingState
from signalpost.runtime import MOST_IN_FLIGHT
from signalpost.settings import Settings
from signalpost.store.queue import DELIVER, REPLAY
from signalpost.web.app import HEADERS
from signalpost.web.routes import ROUTERS
from tests.house.reference_pages import PAGES, REFERENCE, walk

ROOT = Path(__file__).parents[2]
MARKDOWN = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
OTHERS_ROUTES = ("/pubapi", "/puboauth", "/_sandbox")
SETTINGS_OF_TESTS = {"SIGNALPOST_TEST_POSTGRESQL"}


@cache
def read_operations():
    return build_routes().openapi()["paths"]


@cache
def read_commands():
    return {
        name.removeprefix("signalpost ")
        for name, _ in walk(typer.main.get_command(build_app()), "signalpost")
    }


@cache
def read_options():
    return set(re.findall(r"SIGNALPOST_[A-Z_]*[A-Z]", PAGES["commands.md"]()))


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES)
def test_pages_made_from_the_code_are_up_to_date(page):
    """Write them anew with: python -m tests.house.reference_pages"""
    assert (REFERENCE / page).read_text() == PAGES[page]()


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_relative_links_lead_to_files_and_headings_that_exist(path):
    for target, heading in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", path.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        page = path.parent / target if target else path
        assert page.exists(), target
        if heading:
            assert heading in headings_of(page), f"{target}#{heading}"


@pytest.mark.parametrize("path", [*MARKDOWN, ROOT / "examples" / "README.md"], ids=name_of)
def test_nobody_is_told_to_install_the_package_by_its_name_alone(path):
    """It is published with its release, on no index: there the name may be anybody's."""
    for words in re.findall(r"pipx? install ([^`\n]*)", path.read_text()):
        assert not re.search(r"(?<![\w'/-])signalpost(?![\w-])", words), words


def headings_of(page):
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_routes_that_pages_name_exist(path):
    known = {
        (method.upper(), shape_of(route))
        for route, methods in read_operations().items()
        for method in methods
    }
    for method, route in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`\s?]*)", path.read_text()):
        if not route.startswith(OTHERS_ROUTES):
            assert (method, shape_of(route)) in known, f"{method} {route}"


def shape_of(route):
    return re.sub(r"\{[^}]*\}", "{}", route.removeprefix(BASE_PATH)).replace(
        "/elements/egnyte", "/elements/{}"
    )


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_commands_that_pages_name_exist(path):
    known = read_commands()
    for words in re.findall(
        r"(?:^|`|bin/)signalpost (?!ready)([a-z]+(?: [a-z]+(?:-[a-z]+)*)?)", path.read_text(), re.MULTILINE
    ):
        assert words in known or words.split()[0] in known, words


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_json_that_pages_show_is_json(path):
    for block in re.findall(r"```json\n(.*?)```", path.read_text(), re.DOTALL):
        json.loads(block)


def test_the_receivers_code_that_a_page_gives_verifies_what_we_sign():
    page = (ROOT / "docs" / "how-to" / "verify-signatures.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    given: dict = {}
    exec(code[1], given)
    for key in ("a key, é", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="):
        body = b'{"id": "9000001"}'
        signed = signature_headers([key], notification_id="9000001", timestamp=int(time.time()), body=body)
        headers = {name.lower(): value for name, value in signed.items()}
        for verify in (given["verify_standard"], given["verify_open_connectors"]):
            assert verify(headers, body, key)
            assert not verify(headers, body + b" ", key)
            assert not verify({}, body, key)
            with pytest.raises(ValueError, match="the key is empty"):
                verify(headers, body, "")


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_settings_that_pages_name_exist(path):
    known = {f"SIGNALPOST_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"SIGNALPOST_[A-Z_]*[A-Z]", path.read_text()))
    assert named <= known | read_options() | SETTINGS_OF_TESTS


def test_every_route_of_the_api_is_described():
    text = (REFERENCE / "api.md").read_text()
    for path, methods in read_operations().items():
        shown = path.removeprefix("/elements/api-v2")
        for method in methods:
            pattern = rf"^\| (?:[A-Z]+, )*{method.upper()}(?:, [A-Z]+)* \| `{re.escape(shown)}` \|"
            assert re.search(pattern, text, re.MULTILINE), f"{method.upper()} {shown}"


def test_every_route_described_exists():
    text = (REFERENCE / "api.md").read_text()
    paths = read_operations()
    for methods, shown in re.findall(r"^\| ([A-Z, ]+) \| `(/[^`]*)` \|", text, re.MULTILINE):
        found = paths.get(shown) or paths["/elements/api-v2" + shown]
        assert set(methods.lower().split(", ")) == set(found), shown


def test_the_pages_of_the_console_are_those_described():
    """Both ways: every path that answers a browser stands in the table, and every path there answers."""
    table = (REFERENCE / "console.md").read_text().partition("## Pages")[2].partition("\n## ")[0]
    rows = "\n".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    answered = {
        route.path for router in ROUTERS for route in router.routes if "GET" in getattr(route, "methods", ())
    }
    assert set(re.findall(r"`(/[^`]*)`", rows)) == answered


def test_the_headers_of_the_console_are_those_described():
    text = (REFERENCE / "console.md").read_text().lower()
    for name, value in HEADERS:
        assert f"| `{name.decode()}` | `{value.decode().lower()}` |" in text, name


def test_the_metrics_are_those_described():
    """Both ways, with their labels; what a page watches exists."""
    metrics = Metrics()
    metrics.counted.show(
        {name: {("x",) * len(labels): 1} if labels else 1 for name, (_, labels) in GAUGES.items()}
    )
    metrics.watch_pool(lambda: (0, 0, 0))
    metrics.build.info({"version": "1.2.3"})
    shown = {
        name: set(re.findall(r'(\w+)="', labels)) - {"le"}
        for name, labels in re.findall(
            r"^(signalpost_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$",
            generate_latest(metrics.registry).decode(),
            re.MULTILINE,
        )
        if not name.endswith("_created")
    }
    text = (REFERENCE / "metrics.md").read_text()
    rows = re.findall(r"^\| `(signalpost_\w+)` \| (.*?) ?\|", text, re.MULTILINE)
    tables = text.partition("## What to watch")[0]
    described = {
        name: set(re.findall(r"`(\w+)`:", labels))
        for name, labels in rows
        if f"| `{name}` | {labels}" in tables
    }
    assert described == shown
    assert set(re.findall(r"signalpost_\w+", text)) == set(shown)


def test_every_configuration_key_is_described():
    text = (REFERENCE / "configuration.md").read_text()
    for field in (*EVENT_FIELDS, *EgnyteConnector().fields):
        assert f"`{field.key}`" in text, field.key


def test_every_field_of_the_poller_configuration_is_described():
    text = (REFERENCE / "configuration.md").read_text()
    for name in (*_FIELDS, *_DATE_FIELDS):
        assert f"`{name}`" in text, name


def test_every_resource_of_egnyte_is_described_as_it_is_declared():
    text = (REFERENCE / "egnyte.md").read_text()
    for resource in EgnyteConnector().resources:
        row = re.search(rf"^\| `{re.escape(resource.name)}` \|.*$", text, re.MULTILINE)
        assert row is not None, resource.name
        assert f"| {', '.join(resource.strategies)} |" in row[0], resource.name
        dates = (resource.updated_field, resource.created_field)
        wanted = {*resource.parameters, *resource.required, *resource.filters, resource.id_field, *dates}
        for name in wanted - {""}:
            assert f"`{name}`" in row[0], f"{resource.name}: {name}"


def test_every_state_of_polling_is_drawn():
    text = (ROOT / "docs" / "states.md").read_text()
    for state in PollingState:
        assert f"| `{state.value}` |" in text, state


def test_how_much_is_in_hand_is_said_as_it_is():
    polls, lanes, replays = MOST_IN_HAND, MOST_IN_FLIGHT[DELIVER], MOST_IN_FLIGHT[REPLAY]
    troubles = (ROOT / "docs" / "how-to" / "database-troubles.md").read_text()
    assert (
        f"At most {polls} polls, {lanes + MOST_STARTED:,} lanes and {replays} replays are in hand" in troubles
    )
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    assert f"{polls} polls and {lanes:,} lanes ({MOST_STARTED} more are begun by polls" in architecture


def test_what_is_logged_is_listed_for_operators():
    """Both ways: every name that is logged stands in the table, and every name there is logged."""
    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    logged = set(
        re.findall(
            r"(?:log\.(?:debug|info|warning|error|exception)|write)\(\s*\"([a-z_]+\.[a-z_]+)\"", sources
        )
    )
    page = (ROOT / "docs" / "how-to" / "run-as-a-service.md").read_text()
    rows = "\n".join(re.findall(r"^(\| `[a-z_]+\..*?) \|", page, re.MULTILINE))
    listed = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", rows))
    assert len(logged) > 10
    assert listed <= logged
    assert {name for name in logged if not name.startswith("database.")} <= listed


def test_every_page_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text()
    for path in (ROOT / "docs").rglob("*.md"):
        if "adr" not in path.parts and path != ROOT / "docs" / "index.md":  # the site's own first page
            assert f"]({name_of(path)})" in readme, name_of(path)


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
