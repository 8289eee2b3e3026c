"""Tries a callback: one sample notification, under the same rules as real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.egress import Egress, Message
from signalpost.delivery.formats import CONTENT_TYPES, write_body
from signalpost.model.configuration import CALLBACK_URL, DELIVERY_PREFIX, MASK, stringify
from signalpost.model.delivery import DeliveredEvent, Notification, PageContext, State, write_time
from signalpost.model.errors import InvalidRequestError
from signalpost.model.ids import InstanceId, NotificationId, derive_event_id
from signalpost.model.instance import Caller

SAMPLE_RECORD = '{"id":"sample","name":"A sample: nothing has changed"}'


class Sampler:
    """Sends sample notifications. Nothing is stored."""

    def __init__(self, egress: Egress, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._egress = egress
        self._clock = clock
        self._monotonic = monotonic

    async def send(self, caller: Caller, url: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Send one; give ``{"status", "durationMilliseconds", "error"}`` of the answer.

        Raises:
            InvalidRequestError: the address or the configuration is wrong.
        """
        given = {key: stringify(value) for key, value in configuration.items()} | {CALLBACK_URL: url}
        for key, text in given.items():
            if key.startswith(DELIVERY_PREFIX) and text == MASK:
                message = (
                    f"configuration.{key}: {MASK} stands for a value that is not shown; give the value itself"
                )
                raise InvalidRequestError(message)
        settings = read_delivery_settings(given)
        if settings.callback_url is None:
            message = "url: it is missing; give the address that notifications are to be sent to"
            raise InvalidRequestError(message)
        now = self._clock()
        began = self._monotonic()
        answered = await self._egress.post(
            settings.callback_url,
            settings,
            Message(
                id="sample",
                sent_at=now,
                content_type=CONTENT_TYPES[settings.form],
                body=write_body(_make_sample(caller, now), settings.form, public_url=None),
            ),
        )
        return {
            "status": answered.status,
            "durationMilliseconds": round((self._monotonic() - began) * 1000),
            "error": answered.error,
        }


def _make_sample(caller: Caller, now: datetime) -> Notification:
    instance_id = InstanceId(caller.instance_id or 0)
    event = DeliveredEvent(
        id=derive_event_id(instance_id, "events", "sample"),
        sequence=0,
        object_id="sample",
        object_type="file",
        event_type="CREATED",
        occurred_at=write_time(now),
        record_index=0,
    )
    context = PageContext(
        connector="sample",
        hub="sample",
        resource="events",
        instance_name="Sample",
        instance_tags=(),
        organization_id=caller.organization_id,
        user_id=caller.user_id,
        full_raw=False,
    )
    return Notification(
        id=NotificationId(0),
        instance_id=instance_id,
        lane_order=0,
        state=State.PENDING,
        attempts=0,
        failures=0,
        refusals=0,
        next_attempt_at=now,
        created_at=now,
        polled_at=now,
        context=context,
        events=[event],
        records=[SAMPLE_RECORD],
    )
