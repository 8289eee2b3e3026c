"""Asking doctor in this process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from signalpost.cli.doctor.examination import examine
from signalpost.cli.doctor.findings import Finding
from signalpost.settings import Settings

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PASSWORD = "hunter2"


async def look(name: str, *, online: bool = False, now=lambda: datetime.now(UTC), **given: Any) -> Finding:
    """Make all checks with these settings; give what the one of this name found."""
    findings = await examine(Settings(**{"port": 0, **given}), now, online=online)
    assert not any(PASSWORD in each.message + each.remedy for each in findings.values())
    return findings[name]
