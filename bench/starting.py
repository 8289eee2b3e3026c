"""How long ``serve`` takes to be ready, on a data directory that was used before."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.measures import Measure, bound, take_value
from bench.processes import run_process

MOST_SECONDS = 3.0


async def measure_start(directory: Path, *, rounds: int) -> list[Measure]:
    """Start ``serve`` and stop it, again and again; the time runs from the start of the process to its ready line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALPOST_")}
    arguments = ["signalpost", "serve", "--port", "0", "--data-dir", str(directory / "started")]
    seconds: list[float] = []
    for _ in range(rounds + 1):
        began = time.monotonic()
        async with run_process(arguments, environment=environment, log=directory / "serve.log"):
            seconds.append(time.monotonic() - began)
    return [
        bound("start to ready, warm data directory", seconds[1:], MOST_SECONDS, "s"),
        take_value("the very first start", seconds[:1], "s"),
    ]
