"""The reference leaves nothing out and invents nothing: API, errors, notifications, configuration, pictures, both ways."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from signalpost.api.app import build_routes
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.model import errors
from signalpost.outbound.failures import OutboundError
from tests.browser.pages import PAGES
from tests.house.reference_pages import REFERENCE

SOURCES = Path(__file__).parents[2] / "src" / "signalpost"
SCHEMAS = SOURCES / "delivery" / "schemas"
FORMS = sorted(path.stem for path in SCHEMAS.glob("*.json"))
OF_EVERY_ANSWER = {"404", "405", "500"}
"""What a path or a method that no operation has is answered, and our own fault."""


def read_page(name):
    return (REFERENCE / name).read_text()


@cache
def list_operations():
    paths = build_routes().openapi()["paths"]
    return [operation for methods in paths.values() for operation in methods.values()]


def list_names(text):
    """Give what stands in back-ticks, and the names in blocks of JSON and of HTTP."""
    quoted = {name for part in re.findall(r"`([^`\n]+)`", text) for name in re.findall(r"[\w.\[\]-]+", part)}
    blocks = "".join(re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    return (
        quoted
        | set(re.findall(r"\"([\w.]+)\"\s*:", blocks))
        | set(re.findall(r"^([\w-]+):", blocks, re.MULTILINE))
    )


def test_every_parameter_of_the_api_is_named():
    named = list_names(read_page("api.md"))
    for operation in list_operations():
        for parameter in operation.get("parameters", ()):
            assert parameter["name"] in named, f"{operation['operationId']}: {parameter['name']}"


def test_every_status_that_the_api_answers_is_explained_and_no_other():
    section = read_page("api.md").partition("\n## Answers\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| (\d{3}) \|", section, re.MULTILINE)
    answered = {status for operation in list_operations() for status in operation["responses"]}
    refusals = {status for status in answered if status >= "300"} - {"default"}
    assert set(table) == refusals | OF_EVERY_ANSWER


def test_every_error_of_the_page_exists_and_has_its_status():
    text = read_page("errors.md")
    known = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.SignalpostError)
    }
    assert set(re.findall(r"`([A-Z]\w*Error)`", text)) == {*known, OutboundError.__name__}
    for name, kind in known.items():
        if issubclass(kind, errors.RequestError) and kind is not errors.RequestError:
            row = re.search(rf"^\| `{name}`.*$", text, re.MULTILINE)
            assert row is not None, name
            assert str(kind.status) in row[0], f"{name}: {kind.status}"


def find_properties(schema):
    """Give the names of all properties, however deep."""
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for each in schema.values():
            yield from find_properties(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from find_properties(each)


def read_schema(form):
    return json.loads((SCHEMAS / f"{form}.json").read_text())


@pytest.mark.parametrize("form", FORMS)
def test_every_field_of_a_notification_is_named(form):
    named = list_names(read_page("notifications.md"))
    for name in set(find_properties(read_schema(form))):
        assert name in named, f"{form}: {name}"


def test_every_key_of_the_configuration_that_the_code_reads_is_described_and_no_other():
    pattern = re.compile(r"[\"'`]((?:event|oauth)\.[a-z_]+(?:\.[a-z_]+)*)[\"'`]")
    read = {key for path in SOURCES.rglob("*.py") for key in pattern.findall(path.read_text())}
    text = read_page("configuration.md") + read_page("rest-connector.md")
    elsewhere = read_page(
        "compatibility.md"
    )  # what is read of the original alone, to say that it has no place here
    assert {key for key in read if f"`{key}`" not in text + elsewhere} == set()
    assert set(re.findall(r"`((?:event|oauth)\.[a-z_]+(?:\.[a-z_]+)*)`", text)) - read == set()


def test_the_scopes_of_egnytes_resources_are_those_that_both_pages_name():
    reference = read_page("egnyte.md")
    how_to = (REFERENCE.parent / "how-to" / "connect-egnyte.md").read_text().partition("\n## Scopes\n")[2]
    for resource in EgnyteConnector().resources:
        found = re.search(r"(?:Scope\s+(Egnyte\.[a-z]+)|Any scope)", resource.description)
        assert found is not None, resource.name
        row = re.search(rf"^\| `{re.escape(resource.name)}` \|.*$", reference, re.MULTILINE)
        rows = [line for line in how_to.splitlines() if re.match(rf"\| .*`{re.escape(resource.name)}`", line)]
        assert row is not None
        assert len(rows) == 1, resource.name
        for line in (row[0], *rows):
            assert f"`{found[1]}`" in line if found[1] else "any" in line, line


def test_every_kind_of_operational_notice_is_described_and_no_other():
    written = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    made = set(
        re.findall(r"add_(?:notice|gap)\(\s*[^)\n]*(?:\([^)\n]*\))?[^)\n]*\"([a-z]+\.[a-z]+)\"", written)
    )
    assert len(made) > 4
    section = read_page("api.md").partition("\n## Operational notices\n")[2].partition("\n## ")[0]
    table = set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", section, re.MULTILINE))
    assert made <= table
    for kind in table - made:  # written by a statement, with what they tell
        assert f"'{kind}'" in written or f'"{kind}"' in written, kind


def test_every_page_of_the_console_has_its_pictures_and_there_are_no_others():
    """Made by ``make screenshots``; those that pages show are among them."""
    folder = REFERENCE.parent / "images"
    kinds = [f"{width}-{scheme}.png" for width in ("wide", "narrow") for scheme in ("light", "dark")]
    wanted = {f"{page.name}-{kind}" for page in PAGES for kind in kinds}
    assert {path.name for path in folder.iterdir()} == wanted
    root = REFERENCE.parents[1]
    shown = {
        (page, name)
        for page in [root / "README.md", *REFERENCE.parent.rglob("*.md")]
        for name in re.findall(r"(?:src|srcset)=\"([^\"]+)\"|!\[[^\]]*\]\(([^)]+)\)", page.read_text())
    }
    assert len(shown) > 1
    for page, (by_tag, by_mark) in shown:
        assert (page.parent / (by_tag or by_mark)).exists(), f"{page.name}: {by_tag or by_mark}"
