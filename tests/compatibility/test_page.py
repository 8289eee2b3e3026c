"""The page of both contracts says of nothing that it is the same but what a test here drives, and names each of them."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "compatibility.md"
VERDICTS = {"same", "better", "different", "absent"}


def list_tests():
    files = [path for path in HERE.glob("test_*.py") if path != Path(__file__)]
    return {
        name
        for path in files
        for name in re.findall(r"^async def (test_\w+)", path.read_text(), re.MULTILINE)
    }


def read_rows():
    """Give the rows of the page's tables: their verdicts and all that stands behind."""
    rows = re.findall(r"^\| .* \| (\w+) \|(.*)$", PAGE.read_text(), re.MULTILINE)
    return [row for row in rows if row[0] != "verdict"]


def test_every_row_has_a_verdict_and_every_same_is_driven_by_a_test():
    rows = read_rows()
    assert {verdict for verdict, _ in rows} == VERDICTS
    for verdict, behind in rows:
        named = re.findall(r"`(test_\w+)`", behind)
        assert set(named) <= list_tests(), behind
        assert named or verdict != "same", behind


def test_every_test_stands_on_the_page():
    assert set(re.findall(r"`(test_\w+)`", PAGE.read_text())) == list_tests()
