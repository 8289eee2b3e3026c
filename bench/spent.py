"""The processor time that the processes of a measure spend on each of what is done."""

from __future__ import annotations

from collections.abc import Mapping

from bench.ground import Ground
from bench.measures import Measure, take_value
from bench.processes import Process, read_processor_seconds


class Spent:
    """Reads it before and after each round, of a worker and of PostgreSQL with all its processes."""

    def __init__(self, ground: Ground, worker: Process) -> None:
        self._ids = {"the worker": worker.pid, "PostgreSQL": ground.postgres_id}
        self._began: Mapping[str, float] = {}
        self._rounds: list[Mapping[str, float]] = []

    def begin(self) -> None:
        """Begin a round."""
        self._began = self._read()

    def end(self, count: int) -> None:
        """End the round, in which so many were done."""
        self._rounds.append(
            {name: 1e6 * (seconds - self._began[name]) / count for name, seconds in self._read().items()}
        )

    def list_measures(self, what: str) -> list[Measure]:
        """Give the medians of the rounds after the first, for each of ``what``; none where the system does not tell."""
        return [
            take_value(
                f"processor time of {name} for each {what}", [each[name] for each in self._rounds[1:]], "us"
            )
            for name in self._rounds[0]
        ]

    def _read(self) -> dict[str, float]:
        found = {name: read_processor_seconds(number) for name, number in self._ids.items()}
        return {name: seconds for name, seconds in found.items() if seconds is not None}
