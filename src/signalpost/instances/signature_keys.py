"""Rotates the key that notifications are signed with: for a while the new one and the one before it, together."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalpost.connectors.base import Connector
from signalpost.instances.wishes import list_secret_keys
from signalpost.model.configuration import MASK, PREVIOUS_KEY, PREVIOUS_KEY_UNTIL, SIGNATURE_KEY
from signalpost.model.errors import FencedError, InvalidRequestError, NotFoundError
from signalpost.model.instance import Instance
from signalpost.observe import get_logger
from signalpost.receiver import STANDARD_KEY_PREFIX, find_key_fault
from signalpost.store.instances import Instances

log = get_logger("instances")

KEY_BYTES = 32
DEFAULT_OVERLAP_SECONDS = 24 * 60 * 60.0
MOST_OVERLAP_SECONDS = 30 * DEFAULT_OVERLAP_SECONDS


def make_key(make_bytes: Callable[[int], bytes]) -> str:
    """Make a signature key of random bytes."""
    return STANDARD_KEY_PREFIX + base64.b64encode(make_bytes(KEY_BYTES)).decode()


@dataclass(frozen=True, slots=True)
class Rotation:
    """What came of a rotation: the ``key`` if it was made here, and until when the one before it signs as well."""

    key: str | None
    previous_key_until: datetime | None


async def rotate_key(
    instances: Instances,
    instance: Instance,
    connector: Connector,
    *,
    key: str | None,
    overlap_seconds: float,
    now: datetime,
    make_bytes: Callable[[int], bytes],
    exact: bool = False,
) -> Rotation:
    """Have ``key`` sign from now on, or one that is made of random bytes; the current one ``overlap_seconds`` longer.

    A key that is the current one already changes nothing: a rotation can be asked for again when its answer was lost.

    Raises:
        InvalidRequestError: the key or the overlap is wrong; nothing was changed.
        NotFoundError: the instance was deleted meanwhile.
        FencedError: it had to be ``exact`` as it was read, and somebody changed it.
    """
    if not 0 <= overlap_seconds <= MOST_OVERLAP_SECONDS:
        message = (
            f"overlapSeconds: {overlap_seconds:g} is not a number of seconds from 0 to {MOST_OVERLAP_SECONDS:,.0f}"
            " (30 days)"
        )
        raise InvalidRequestError(message)
    fault = None if key is None else find_key_fault(key)
    if key == MASK:
        fault = f"is {MASK}, which stands for a key that is not shown"
    if fault is not None:
        message = f"key: it {fault}; leave it out to have one made"
        raise InvalidRequestError(message)
    made = None
    if key is None:
        key = made = make_key(make_bytes)
    until = now + timedelta(seconds=overlap_seconds)
    secret_keys = list_secret_keys(connector)
    while True:
        configuration = _rotate(instance, key, until if overlap_seconds else None)
        try:
            is_there = await instances.update_configuration(instance, configuration, secret_keys)
            break
        except (
            FencedError
        ):  # somebody changed it since it was read: what they wished stays, ours goes over it
            if exact:
                raise
            instance = await instances.find(instance.organization_id, instance.id) or instance
    if not is_there:
        message = f"there is no instance {instance.id}"
        raise NotFoundError(message)
    log.info("instance.key_rotated", instance=instance.id)
    kept = configuration.get(PREVIOUS_KEY_UNTIL)
    return Rotation(made, None if kept is None else datetime.fromisoformat(kept))


def _rotate(instance: Instance, key: str, until: datetime | None) -> dict[str, str]:
    """Give the configuration with ``key`` the current one."""
    configuration = dict(instance.configuration)
    current = configuration.get(SIGNATURE_KEY)
    if current == key:
        return configuration
    configuration[SIGNATURE_KEY] = key
    if current is not None and until is not None:
        return configuration | {PREVIOUS_KEY: current, PREVIOUS_KEY_UNTIL: f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    configuration.pop(PREVIOUS_KEY, None)
    configuration.pop(PREVIOUS_KEY_UNTIL, None)
    return configuration
