"""``signalpost credentials``: what cannot be stored or shown is refused before anything is made."""

from __future__ import annotations

import pytest

from signalpost.cli.credentials import create
from signalpost.cli.endings import CommandError, Ending


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
