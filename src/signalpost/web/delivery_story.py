"""The story of one delivery for people: its attempts with what was sent and answered, its body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signalpost.api.parts import read_id
from signalpost.delivery.configuration import DeliverySettings, read_delivery_settings
from signalpost.delivery.formats import write_body
from signalpost.delivery.retold import ToldHeader, retell_headers
from signalpost.model.addresses import mask_url
from signalpost.model.delivery import State
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.model.ids import InstanceId, NotificationId, OrganizationId
from signalpost.model.instance import Instance
from signalpost.store.delivery_log import DeliveredObject, DeliveryAttempt, LoggedDelivery
from signalpost.store.replay_orders import Replay
from signalpost.web.filters import write_json
from signalpost.web.parts import WebParts
from signalpost.web.sides import bound_text
from signalpost.web.standing import Told, tell_lane

MOST_ATTEMPTS = 20
EXCERPT_BYTES = 1500


@dataclass(frozen=True, slots=True)
class ToldAttempt:
    """An attempt; ``url`` is where it went to, masked; ``headers`` None: they cannot be told any more."""

    attempt: DeliveryAttempt
    url: str | None
    headers: Sequence[ToldHeader] | None
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class DeliveryStory:
    """A delivery, its events, the newest attempts first, and the body. ``more``: there are older attempts.

    ``trouble`` says why headers and body cannot be written: the configuration is wrong by what holds now. ``lane`` says
    why what waits is not sent, where that is known.
    """

    delivery: LoggedDelivery
    instance: Instance
    url: str | None
    events: Sequence[DeliveredObject]
    attempts: Sequence[ToldAttempt]
    more: bool
    body: str | None
    body_cut: bool
    body_bytes: int
    trouble: str | None
    lane: Told | None

    @property
    def may_be_sent(self) -> bool:
        """Whether it can be sent again: what waits comes by itself."""
        return self.delivery.state is not State.PENDING and self.url is not None


async def find_instance(
    parts: WebParts, organization_id: OrganizationId, number: str
) -> tuple[Instance, NotificationId]:
    """Find the instance of a delivery.

    Raises:
        NotFoundError: there is no such delivery.
    """
    notification_id = NotificationId(read_id("id", number))
    instance_id = await parts.delivery_list.find_instance(organization_id, notification_id)
    instance = None if instance_id is None else await parts.api.instances.find(organization_id, instance_id)
    if instance is None:
        message = f"there is no delivery {notification_id}; it may be older than the log keeps"
        raise NotFoundError(message)
    return instance, notification_id


async def tell_delivery(
    parts: WebParts, instance: Instance, notification_id: NotificationId
) -> DeliveryStory:
    """Tell the story of a delivery.

    Raises:
        NotFoundError: it is gone.
    """
    log = parts.api.delivery_log
    delivery = await log.find_delivery(instance.id, notification_id)
    if delivery is None:
        message = f"there is no delivery {notification_id}; it may be older than the log keeps"
        raise NotFoundError(message)
    health = await parts.instance_health.read(instance.id) if delivery.state is State.PENDING else None
    attempts = await parts.delivery_list.list_newest_attempts(notification_id, MOST_ATTEMPTS + 1)
    settings, trouble = _read_settings(instance)
    body = None if settings is None else await _write_body(parts, instance.id, notification_id, settings)
    shown, cut = (None, False) if body is None else bound_text(_indent(body))
    return DeliveryStory(
        delivery=delivery,
        instance=instance,
        url=None if delivery.endpoint_url is None else mask_url(delivery.endpoint_url),
        events=(await log.load_events([delivery]))[delivery.id],
        attempts=await _tell_attempts(parts, delivery, settings, attempts[:MOST_ATTEMPTS]),
        more=len(attempts) > MOST_ATTEMPTS,
        body=shown,
        body_cut=cut,
        body_bytes=len(body or b""),
        trouble=trouble,
        lane=None if health is None else tell_lane(instance, health.lane, parts.api.clock()),
    )


def _indent(body: bytes) -> str:
    try:
        return write_json(body)
    except TypeError:  # nested more deeply than is written
        return body.decode()


def _read_settings(instance: Instance) -> tuple[DeliverySettings | None, str | None]:
    try:
        return read_delivery_settings(instance.configuration), None
    except InvalidRequestError as error:  # a configuration written when more was allowed
        return None, str(error)


async def _write_body(
    parts: WebParts, instance_id: InstanceId, notification_id: NotificationId, settings: DeliverySettings
) -> bytes | None:
    notification = await parts.delivery_list.load_notification(instance_id, notification_id)
    return (
        None if notification is None else write_body(notification, settings.form, public_url=parts.public_url)
    )


async def _tell_attempts(
    parts: WebParts,
    delivery: LoggedDelivery,
    settings: DeliverySettings | None,
    attempts: Sequence[DeliveryAttempt],
) -> list[ToldAttempt]:
    replays: dict[int, Replay | None] = {}
    for replay_id in {each.replay_id for each in attempts if each.replay_id}:
        replays[replay_id] = await parts.api.replays.find(InstanceId(delivery.instance_id), replay_id)
    told = []
    for each in attempts:
        replay = replays.get(each.replay_id)
        elsewhere = replay.url if replay is not None else None
        # Where a replay is gone, where it went to is not known.
        known = settings is not None and not (each.replay_id and replay is None)
        url = elsewhere or delivery.endpoint_url
        told.append(
            ToldAttempt(
                each,
                mask_url(url) if url and known else None,
                retell_headers(
                    settings,
                    notification_id=delivery.id,
                    sent_at=each.started_at,
                    replay_id=each.replay_id,
                    elsewhere=elsewhere is not None,
                )
                if settings is not None and known
                else None,
                None if each.excerpt is None else bound_text(each.excerpt, EXCERPT_BYTES)[0],
            )
        )
    return told
