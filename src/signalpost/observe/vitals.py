"""Whether the services of this process go round: when each last came to the end of a turn, and when it last worked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

STUCK_SECONDS = 90.0
"""A service that has come to no end of a turn for so long hangs. Longer than a statement may take (60 s): a database
that does not answer makes turns fail, not hang, and a restart would not mend it."""


@dataclass(slots=True)
class _Service:
    within_seconds: float
    turned_at: float
    worked_at: float
    error: str | None = None


class Vitals:
    """Told by the services of a process at the end of each turn; asked by ``/healthz`` and ``/readyz``."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._services: dict[str, _Service] = {}

    def expect(self, name: str, *, within_seconds: float) -> None:
        """Expect of a service, from now on, that a turn of it succeeds every ``within_seconds``."""
        now = self._monotonic()
        self._services[name] = _Service(within_seconds, now, now)

    def note(self, name: str, error: str | None = None) -> None:
        """Note that a turn has ended: well, or with an ``error``. Of a service not expected nothing is kept."""
        service = self._services.get(name)
        if service is None:
            return
        service.turned_at = self._monotonic()
        service.error = error
        if error is None:
            service.worked_at = service.turned_at

    def find_stuck(self) -> Mapping[str, str | None]:
        """Give each service, with what is wrong if it hangs. Failing is not hanging: a restart would not help."""
        now = self._monotonic()
        return {
            name: None
            if now - service.turned_at < STUCK_SECONDS
            else f"its last turn ended {now - service.turned_at:.0f} s ago"
            for name, service in self._services.items()
        }

    def find_failing(self) -> Mapping[str, str | None]:
        """Give each service, with what is wrong if no turn of it has succeeded for longer than it may take."""
        now = self._monotonic()
        return {
            name: None
            if now - service.worked_at < service.within_seconds
            else f"no turn has succeeded for {now - service.worked_at:.0f} s ({service.error or 'it is in one'})"
            for name, service in self._services.items()
        }
