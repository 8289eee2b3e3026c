"""Fixtures of the tests of what is published: wheel and sdist, built as ``make dist`` builds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(checkout: Path, folder: Path, made_at: int) -> tuple[Path, Path]:
    """Build wheel and sdist as ``make dist`` does; give both."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, checkout],
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(made_at)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Give the wheel and the sdist of this checkout."""
    return build(ROOT, tmp_path_factory.mktemp("dist"), 1_700_000_000)
