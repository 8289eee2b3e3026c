"""The day's calls of one open session: counted at each call, corrected by each answer (``model.quota``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from signalpost.connectors.base import Quota
from signalpost.model.errors import QuotaSpentError
from signalpost.model.quota import Allowance, next_midnight


class Budget:
    """Counts the ``calls`` of a session, and keeps its ``allowance`` (None: no limit that we know of)."""

    def __init__(self, allowance: Allowance | None, clock: Callable[[], datetime]) -> None:
        self.calls = 0
        self._allowance = allowance
        self._clock = clock

    @property
    def allowance(self) -> Allowance | None:
        """What is known of the account's calls now; begun anew if the reset has passed."""
        return None if self._allowance is None else self._allowance.renew(self._clock())

    def check(self) -> None:
        """Let a background call pass if polling has calls left.

        Raises:
            QuotaSpentError: it has none until the reset.
        """
        allowance = self.allowance
        if allowance is None or allowance.left_to_polls > 0:
            return
        message = (
            f"the account's calls of this day that polling may make are used up ({allowance.used:,} of"
            f" {allowance.calls_a_day:,} were made; the last ones are left to the user's own calls)"
        )
        raise QuotaSpentError(message, after_seconds=(allowance.resets_at - self._clock()).total_seconds())

    def count(self) -> None:
        """Count a call that is about to be made: one whose answer is lost counts at the provider too."""
        self.calls += 1
        allowance = self.allowance
        if allowance is not None:
            self._allowance = allowance.count(1)

    def correct(self, told: Quota) -> None:
        """Take over what the provider told in an answer."""
        now, allowance = self._clock(), self.allowance
        if allowance is None and told.calls_a_day is not None:
            allowance = Allowance(told.calls_a_day, self.calls, next_midnight(now))
        if allowance is not None:
            self._allowance = allowance.correct(told.calls_a_day, told.calls_used, told.resets_at, now)

    def spend(self, after_seconds: float | None) -> None:
        """Note that the provider says that nothing is left; new calls come in ``after_seconds``, if it told."""
        allowance = self.allowance
        if allowance is not None:
            self._allowance = allowance.spend(after_seconds, self._clock())
