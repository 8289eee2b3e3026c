"""The checks as a whole: each is tried here, named once, and says what it finds."""

from __future__ import annotations

from pathlib import Path

from signalpost.cli.doctor.examination import GROUPS
from signalpost.cli.doctor.findings import name_check

TESTS = Path(__file__).parents[1]
CHECKS = [check for group in GROUPS.values() for check in group]


def test_each_misconfiguration_is_made_by_a_test():
    folders = [TESTS / name for name in ("doctor", "troubles", "pooler")]
    sources = "\n".join(path.read_text() for folder in folders for path in folder.glob("test_*.py"))
    missing = [name_check(check) for check in CHECKS if f'"{name_check(check)}"' not in sources]
    assert missing == []


def test_each_has_a_name_of_its_own_and_says_what_it_finds():
    names = [name_check(check) for check in CHECKS]
    assert len(names) == len(set(names)) >= 20
    assert all((check.__doc__ or "").split("\n")[0].endswith(".") for check in CHECKS)
