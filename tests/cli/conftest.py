"""The service without its working roles, as the tests of the API have it, and commands in this process."""

from __future__ import annotations

import sys

import pytest

from signalpost.cli import main
from tests.api.conftest import shared, still

__all__ = ["shared", "still"]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Give a function that runs a command, with variables of the environment; it gives its code and its one line."""
    monkeypatch.chdir(tmp_path)

    def run(*words, **environment):
        monkeypatch.setattr(sys, "argv", ["signalpost", *words])
        for name, value in environment.items():
            monkeypatch.setenv(f"SIGNALPOST_{name}", value)
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert told.out == ""
        assert list(tmp_path.iterdir()) == []
        line = told.err.removesuffix("\n")
        assert line.startswith("signalpost: ")
        assert "\n" not in line
        return ended.value.code, line

    return run
