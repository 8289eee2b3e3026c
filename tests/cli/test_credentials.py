"""``signalpost credentials``: what cannot be stored or shown is refused before anything is made."""

from __future__ import annotations

import pytest

from signalpost.cli.credentials import create
from signalpost.cli.endings import CommandError, Ending
from tests.cli.commands import run
from tests.processes import environment


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"organization": "\udcff"}, "--organization"),  # a byte that is no text, as arguments come
        ({"organization": "Acme\n\x1b[31m"}, "--organization"),
        ({"organization": "x" * 101}, "--organization"),
        ({"organization": "Acme", "email": "a\udcff@example.com"}, "--email"),
    ],
)
def test_names_that_are_none_are_refused(tmp_path, given, option):
    with pytest.raises(CommandError, match=f"^{option}: ") as caught:
        create(**{"email": "ada@example.com", **given}, as_json=True, data_dir=tmp_path / "data")
    assert caught.value.ending is Ending.MISUSED
    assert str(caught.value).isprintable()
    assert not (tmp_path / "data").exists()


async def test_that_a_database_was_made_for_them_is_told(tmp_path):
    """Called in another folder than the service, they would be secrets that the service does not know."""
    folder = tmp_path / "elsewhere"
    first = await run("credentials", "create", "--json", env=environment(data_dir=folder))
    again = await run("credentials", "create", "--json", env=environment(data_dir=folder))
    assert first.values[0].keys() == {"organizationSecret", "userSecret"}
    assert [("database.new" in each.err, str(folder) in each.err) for each in (first, again)] == [
        (True, True),
        (False, False),
    ]
