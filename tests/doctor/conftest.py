"""Fixtures of the tests of doctor."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def patient_checks(monkeypatch) -> None:
    """Let checks take as long as a busy machine needs."""
    monkeypatch.setattr("signalpost.cli.doctor.examination.CHECK_SECONDS", 60)
