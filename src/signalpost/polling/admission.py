"""Which polls may begin now: those of connectors that are installed, and whose providers leave room for others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from signalpost.connectors.registry import Registry
from signalpost.model.backoff import Chance, spread
from signalpost.model.crowds import Crowds
from signalpost.model.ids import InstanceId
from signalpost.model.instance import PollState
from signalpost.observe import get_logger
from signalpost.polling.grid import next_on_grid
from signalpost.polling.sharing import MANY_HANGING, MOST_OF_HANGING, PUT_OFF_SECONDS
from signalpost.store.polls import FinishedPoll, Polls

log = get_logger("polling")


class Admission:
    """Begins a poll, or says when it is to come again."""

    def __init__(
        self, registry: Registry, polls: Polls, clock: Callable[[], datetime], chance: Chance
    ) -> None:
        self._registry = registry
        self._polls = polls
        self._clock = clock
        self._chance = chance
        self._missing: set[str] = set()
        self.crowds = Crowds(many=MANY_HANGING, most=MOST_OF_HANGING)

    async def admit(self, state: PollState) -> bool:
        """Say whether the instance is polled now; if not it is handed out later."""
        if state.connector not in self._registry:
            await self._pass_over(state)
        elif not self.crowds.has_room(state.connector):
            await self._put_off(state.instance_id)
        else:
            return True
        return False

    def look(self) -> None:
        """Find the providers that hang, and tell it: to be called every few seconds."""
        looked = self.crowds.look()
        for connector, polls in looked.hangs.items():
            log.warning("poll.provider_hangs", connector=connector, polls=polls)
        for connector, put_off in looked.answers.items():
            log.info("poll.provider_answers", connector=connector, put_off=put_off)

    async def _pass_over(self, state: PollState) -> None:
        """Leave an instance be whose connector is not installed, until its next turn; log it once."""
        now = self._clock()
        if state.connector not in self._missing:
            self._missing.add(state.connector)
            log.warning("poll.not_installed", instance=state.instance_id, connector=state.connector)
        next_poll_at = next_on_grid(state.instance_id, state.interval_seconds, now)
        passed = FinishedPoll(state.instance_id, now, next_poll_at, succeeded=False, wishes=state.wishes)
        await self._polls.finish(passed)

    async def _put_off(self, instance_id: InstanceId) -> None:
        """Have an instance polled later, as too many wait for its provider; at once where somebody asks for it."""
        now = self._clock()
        until = now + timedelta(seconds=spread(PUT_OFF_SECONDS, self._chance))
        await self._polls.keep_claims([instance_id], now=now, until=until)
