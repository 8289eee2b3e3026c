"""A replay: notifications are sent again, besides the lane and its order, by one worker at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from signalpost.delivery.attempts import Sender, Tried
from signalpost.delivery.configuration import DeliverySettings, read_delivery_settings
from signalpost.delivery.lane import AFTER_A_FAULT, PUT_OFF_SECONDS, WHILE_UNREADABLE, find_receiver
from signalpost.delivery.rate import Rates, Slice
from signalpost.delivery.turn import SLICE_SECONDS
from signalpost.model.backoff import Chance, spread
from signalpost.model.crowds import Crowds
from signalpost.model.delivery import Notification, Outcome, Policy
from signalpost.model.errors import ConfigurationError, InvalidRequestError
from signalpost.observe import get_logger
from signalpost.store.replays import ReplayLane, ReplayRelease, Replays, ReplayState

log = get_logger("delivery")

BATCH = 20
"""Notifications loaded at a time."""

MANY_HANGING = 20
"""So many replays that wait for one receiver, and have for a while, are no chance: it hangs."""

MOST_OF_HANGING = 70
"""Replays to such a receiver that are worked at once: a third of all, so that the others find places."""


@dataclass(slots=True)
class Calls:
    """What a turn calls (see ``crowds.Caller``)."""

    calls: int = 0
    is_calling: bool = False
    was_answered: bool = False


class Replayer:
    """Works replays. Where we die between a POST and its record that one is sent again, with the same ids.

    Each attempt is recorded before the next is made.
    """

    def __init__(
        self,
        replays: Replays,
        sender: Sender,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        chance: Chance,
        watch: Callable[[], Callable[[], bool]],
    ) -> None:
        self._replays = replays
        self._sender = sender
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance
        self._watch = watch
        self._crowds = Crowds(many=MANY_HANGING, most=MOST_OF_HANGING)
        self._rates = Rates(monotonic)
        self._active: set[int] = set()
        self._closing = False

    def close(self) -> None:
        """Have every replay stop after the attempt it is in."""
        self._closing = True

    async def work(self, replay_id: int) -> None:
        """Send what is due in the replay, in the order of ids, for one turn at most."""
        if replay_id in self._active or self._closing:
            return
        self._active.add(replay_id)
        is_ours = self._watch()
        try:
            lane = await self._replays.claim(replay_id)
            if lane is None:
                return
            release = ReplayRelease(self._clock() + AFTER_A_FAULT)
            try:
                release = await self._take_turn(lane, is_ours)
            except asyncio.CancelledError:
                release = ReplayRelease(self._clock())  # cut off by a stop: another worker goes on at once
                raise
            except (ConfigurationError, InvalidRequestError) as error:  # as with lanes
                release = ReplayRelease(self._clock() + WHILE_UNREADABLE, error=str(error))
            finally:
                await self._replays.release(lane, release)
        finally:
            self._active.discard(replay_id)
            self._crowds.leave(replay_id)

    def look(self) -> None:
        """Find the receivers that hang, and tell it: to be called every few seconds."""
        looked = self._crowds.look()
        for receiver, replays in looked.hangs.items():
            log.warning("replay.receiver_hangs", receiver=receiver, replays=replays)
        for receiver, put_off in looked.answers.items():
            log.info("replay.receiver_answers", receiver=receiver, put_off=put_off)

    async def _take_turn(self, lane: ReplayLane, is_ours: Callable[[], bool]) -> ReplayRelease:
        if lane.next_attempt_at > self._clock():
            return ReplayRelease(lane.next_attempt_at)
        if lane.url is None:
            return self._fail(lane, "the instance has no callback URL any more")
        receiver, calls = find_receiver(lane.url), Calls()
        if not self._crowds.has_room(receiver):  # as with lanes
            return ReplayRelease(self._clock() + timedelta(seconds=spread(PUT_OFF_SECONDS, self._chance)))
        self._crowds.enter(lane.id, receiver, calls)
        return await self._send_following(lane, lane.url, calls, is_ours)

    async def _send_following(
        self, lane: ReplayLane, url: str, calls: Calls, is_ours: Callable[[], bool]
    ) -> ReplayRelease:
        settings = read_delivery_settings(lane.read_configuration())
        if not lane.own:
            # Headers, user name and password are the callback's: they are no business of another address.
            settings = replace(settings, basic=None, headers=())
        turn = Slice(
            self._rates,
            lane.instance_id,
            settings.rate_per_second,
            seconds=SLICE_SECONDS,
            clock=self._clock,
            monotonic=self._monotonic,
            may_go_on=lambda: not self._closing and is_ours(),
        )
        position, failures, refusals = lane.position, lane.failures, lane.refusals
        while True:
            batch = await self._replays.load_next(lane, after_id=position, limit=BATCH)
            if batch.last_id is None:
                log.info("replay.done", replay=lane.id, instance=lane.instance_id)
                return ReplayRelease(state=ReplayState.DONE, ended_at=self._clock())
            for notification in batch.notifications:
                next_at = await turn.take_slot()
                if next_at is not None:
                    return ReplayRelease(next_at)
                counted = replace(notification, attempts=failures, failures=failures, refusals=refusals)
                tried = await self._send(lane, url, settings, counted, calls)
                if tried is None:
                    return ReplayRelease(self._clock())
                if tried.outcome not in {Outcome.DELIVERED, Outcome.DEAD}:
                    return self._hold(lane, tried)
                failures = refusals = 0
            position = batch.last_id

    async def _send(
        self,
        lane: ReplayLane,
        url: str,
        settings: DeliverySettings,
        notification: Notification,
        calls: Calls,
    ) -> Tried | None:
        """Make one attempt and record it; None when the replay does not go on."""
        calls.calls += 1
        calls.is_calling = True
        tried = await self._sender.send(notification, url, settings, policy=Policy.RETRY, replay_id=lane.id)
        calls.is_calling = False
        calls.was_answered = calls.was_answered or tried.attempt.status is not None
        self._sender.tell(notification, tried, replay_id=lane.id)
        goes_on = await self._replays.record(lane, tried.attempt, tried.outcome, refused=tried.refused)
        return tried if goes_on else None

    def _hold(self, lane: ReplayLane, tried: Tried) -> ReplayRelease:
        """Have it tried again later, or end it where its retries are spent or the receiver is gone."""
        if tried.next_at is None:
            return self._fail(lane, tried.attempt.error)
        if tried.attempt.number == 1:
            log.warning("replay.held", replay=lane.id, instance=lane.instance_id, reason=tried.attempt.error)
        return ReplayRelease(tried.next_at)

    def _fail(self, lane: ReplayLane, reason: str | None) -> ReplayRelease:
        log.error("replay.failed", replay=lane.id, instance=lane.instance_id, reason=reason)
        return ReplayRelease(state=ReplayState.FAILED, ended_at=self._clock(), error=reason)
