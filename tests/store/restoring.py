"""The commands by which the page on backups dumps and restores, run on databases of tests."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from signalpost.store.embedded_cluster import find_binaries
from tests.support import PATIENCE_SECONDS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "back-up-and-restore.md"


def read_command(first, last):
    """Give the page's lines from one that begins so to one that ends so."""
    found = re.search(
        rf"^{re.escape(first)}.*?{re.escape(last)}$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    return found[0]


async def run_command(command, folder, arguments, *, tools=None):
    server = f"host={arguments['host']} port={arguments['port']} user={arguments['user']}"
    name = arguments["database"]
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        "set -e -o pipefail\n" + command.replace("DATABASE signalpost", f"DATABASE {name}"),
        cwd=folder,
        env={
            "TOOLS": str(tools or find_binaries()),
            "SERVER": server,
            "DATABASE": f"{server} dbname={name}",
            "PATH": "/usr/bin:/bin",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 0, errors.decode()
