"""What an attempt sent, told again: attempts are not kept whole, and a secret is never shown. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from signalpost.delivery.configuration import DeliverySettings
from signalpost.delivery.egress import Message, write_headers
from signalpost.delivery.formats import CONTENT_TYPES
from signalpost.delivery.sign import ELEMENTS_SIGNATURE
from signalpost.receiver import STANDARD_SIGNATURE

COMPUTED = "computed anew at each attempt, with the signature key"
CONFIGURED = "set in the instance's configuration; not shown"
CREDENTIALS = "Basic, with user name and password; not shown"
NO_KEYS = frozenset({ELEMENTS_SIGNATURE.lower(), STANDARD_SIGNATURE.lower()})


@dataclass(frozen=True, slots=True)
class ToldHeader:
    """A header; ``hidden``: ``value`` says in words what stood there."""

    name: str
    value: str
    hidden: bool = False


def retell_headers(
    settings: DeliverySettings,
    *,
    notification_id: int,
    sent_at: datetime,
    replay_id: int,
    elsewhere: bool,
) -> list[ToldHeader]:
    """Tell the headers of an attempt as the configuration has them now.

    ``elsewhere``: it was part of a replay to another address, which gets none that are the callback's own.
    """
    if elsewhere:
        settings = replace(settings, basic=None, headers=())
    message = Message(
        id=str(notification_id),
        sent_at=sent_at,
        content_type=CONTENT_TYPES[settings.form],
        body=b"",
        replay_id=replay_id or None,
    )
    configured = {name for name, _ in settings.headers}
    told = []
    for name, value in write_headers(settings, message).items():
        if name in configured:
            told.append(ToldHeader(name, CONFIGURED, hidden=True))
        elif name.lower() in NO_KEYS:
            told.append(ToldHeader(name, COMPUTED, hidden=True))
        elif name == "Authorization":
            told.append(ToldHeader(name, CREDENTIALS, hidden=True))
        else:
            told.append(ToldHeader(name, value))
    return told
