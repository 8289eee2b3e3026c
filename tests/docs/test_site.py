"""The documentation as a site: it builds without a warning, and shows nothing of other hosts."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
# What a browser fetches by itself; links that a reader follows are others.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["'](?:https?:)?//|<link\b[^>]*\bhref=["'](?:https?:)?//"""
)


async def test_the_site_builds_without_a_warning_and_needs_no_other_host(tmp_path):
    """As ``make docs`` does."""
    options = ("-q", "-W", "--keep-going", "-d", str(tmp_path / "read"), "-b", "html")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sphinx",
        *options,
        str(DOCS),
        str(tmp_path / "site"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    pages = [*(tmp_path / "site").rglob("*.html")]
    assert len(pages) > len([*DOCS.rglob("*.md")])
    for page in pages:
        assert not FETCHED.search(page.read_text()), page
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", style.read_text()), style
