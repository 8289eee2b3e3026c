"""Files for deployment name only what exists."""

from __future__ import annotations

import typer

from signalpost.cli import build_app
from signalpost.settings import Settings
from tests.deploy.manifests import read_settings_named
from tests.house.reference_pages import walk


def test_every_setting_named_exists():
    known = {f"SIGNALPOST_{name.upper()}" for name in Settings.model_fields}
    for _, command in walk(typer.main.get_command(build_app()), "signalpost"):
        known |= {option.envvar for option in command.params if isinstance(option.envvar, str)}
    named = read_settings_named()
    assert len(named) >= 7
    for file, names in named.items():
        assert names <= known, f"{file}: {names - known}"
