"""Sends again what failed, across instances: dead letters that somebody chose, or all there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from signalpost.model.errors import ConflictError
from signalpost.model.ids import InstanceId, NotificationId, OrganizationId
from signalpost.store.replay_orders import Replay, ReplayOrders, ReplayWish
from signalpost.store.replays import ReplayKind
from signalpost.store.views.failed import MOST_IN_SPAN, Failed

MOST_CHOSEN = 200
"""Dead letters that may be chosen at a time, and instances whose dead letters are sent at a time."""


@dataclass(slots=True)
class Ordered:
    """The replays that were made; ``left`` says for each instance that had to wait why it did."""

    replays: list[Replay] = field(default_factory=list)
    left: dict[int, str] = field(default_factory=dict)


class Again:
    """Has dead letters sent again; every call names the organization."""

    def __init__(self, failed: Failed, replays: ReplayOrders) -> None:
        self._failed = failed
        self._replays = replays

    async def send_one(self, instance_id: InstanceId, notification_id: NotificationId) -> Replay:
        """Send one notification again, whatever became of it.

        Raises:
            NotFoundError: the instance has no such notification.
            ConflictError: it still waits; too many replays run; or there is no URL to send to.
        """
        try:
            return await self._replays.ask_one(instance_id, notification_id)
        except ConflictError as error:
            raise ConflictError(_say_why(error)) from error

    async def send_chosen(self, organization_id: OrganizationId, ids: Sequence[int]) -> Ordered:
        """Send dead letters again, ``MOST_CHOSEN`` at most; what is none any more is left out.

        Neighbours become one replay, as few of an instance run at a time.
        """
        ordered = Ordered()
        chosen = await self._failed.group_dead(organization_id, list(ids)[:MOST_CHOSEN])
        for instance_id, numbers in chosen.items():
            between = await self._failed.list_dead_between(instance_id, numbers[0], numbers[-1])
            wanted = frozenset(numbers)
            rows = [list(row) for is_wanted, row in groupby(between, wanted.__contains__) if is_wanted]
            if len(between) == MOST_IN_SPAN:  # beyond them who are neighbours is not known
                rows += [[number] for number in numbers if number > between[-1]]
            try:
                for row in rows:
                    wish = ReplayWish(ReplayKind.FAILED, row[0], row[-1])
                    ordered.replays.append(await self._replays.ask(InstanceId(instance_id), wish))
            except ConflictError as error:
                ordered.left[instance_id] = _say_why(error)
        return ordered

    async def send_all(self, organization_id: OrganizationId, instance_id: InstanceId | None) -> Ordered:
        """Send all dead letters of one instance again, or of all that are not disabled: ``MOST_CHOSEN`` at most."""
        ordered = Ordered()
        found = [(instance_id, False)] if instance_id is not None else None
        if found is None:
            found = await self._failed.list_instances_with_dead(organization_id, MOST_CHOSEN + 1)
        for number, (each, disabled) in enumerate(found):
            if disabled:
                ordered.left[each] = "an instance that is paused is sent nothing"
                continue
            if number == MOST_CHOSEN:
                ordered.left[each] = f"no more than {MOST_CHOSEN} instances are taken at a time"
                continue
            try:
                ordered.replays.append(await self._replays.ask_failed(each, None))
            except ConflictError as error:
                ordered.left[each] = _say_why(error)
        return ordered


def _say_why(error: ConflictError) -> str:
    """Say why something has to wait, without the calls of the API that would mend it."""
    return str(error).partition(";")[0]
