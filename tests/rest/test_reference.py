"""The reference of connector files: every field of every table, as the reader has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signalpost.connectors.rest import auth, declaration, pagination, resources
from signalpost.connectors.rest.reading import read_text, write_example
from signalpost.polling.dates import compile_pattern

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rest-connector.md").read_text()
TABLES = {
    "The file": declaration.Declaration,
    "`fields`": declaration.DeclaredField,
    "`auth`: `none`": auth.NoAuth,
    "`auth`: `header`": auth.HeaderAuth,
    "`auth`: `query`": auth.QueryAuth,
    "`auth`: `basic`": auth.BasicAuth,
    "`auth`: `oauth2_code`": auth.CodeAuth,
    "`auth`: `oauth2_client`": auth.ClientAuth,
    "`account`": declaration.DeclaredAccount,
    "`limits`": declaration.Limits,
    "`resources`": resources.DeclaredResource,
    "`resources.filters`": resources.DeclaredFilter,
    "`resources.pagination`: `none`": pagination.NoPages,
    "`resources.pagination`: `page`": pagination.NumberedPages,
    "`resources.pagination`: `offset`": pagination.OffsetPages,
    "`resources.pagination`: `cursor`": pagination.CursorPages,
    "`resources.pagination`: `after`": pagination.AfterPages,
    "`resources.pagination`: `link`": pagination.LinkPages,
    "`resources.pagination`: `next_url`": pagination.NextPages,
}


def write_table(model):
    """Write a table of the page."""
    lines = ["| field | needed | meaning | example |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        example = f"`{write_example(name, field.examples[0])}`" if field.examples else ""
        needed = "yes" if field.is_required() else ""
        lines.append(f"| `{name}` | {needed} | {field.description} | {example} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("title", TABLES)
def test_every_field_stands_in_its_table(title):
    part = PAGE.partition(f"\n### {title}\n")[2].partition("\n#")[0]
    assert write_table(TABLES[title]) in part


def test_the_page_has_no_other_table():
    assert set(re.findall(r"^### (.*)$", PAGE, re.MULTILINE)) == set(TABLES)


def test_the_files_that_pages_show_are_right():
    tutorial = (Path(__file__).parents[2] / "docs" / "tutorial" / "second-connector.md").read_text()
    shown = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) + re.findall(
        r"<<'TOML'\n(.*?)^TOML$", tutorial, re.DOTALL | re.MULTILINE
    )
    assert len(shown) >= 2
    for text in shown:
        assert read_text(text, "shown.toml", compile_pattern).resources
