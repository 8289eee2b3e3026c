"""One POST to a callback: signed and bounded."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from signalpost.delivery.configuration import DeliverySettings
from signalpost.delivery.sign import signature_headers
from signalpost.model.addresses import mask_url
from signalpost.model.delivery import is_delivered
from signalpost.model.errors import AddressRefusedError
from signalpost.outbound import Outbound, OutboundError
from signalpost.outbound.masking import list_secrets, mask_body

READ_BYTES = 64 * 1024
KEPT_CHARACTERS = 1024
TRACEPARENT = "traceparent"
REPLAY = "Signalpost-Replay"
"""The header that marks what is sent again: the number of the replay."""


class Message(NamedTuple):
    """What is POSTed. ``sent_at`` is the time of this attempt; ``replay_id`` marks what is sent again.

    ``traceparent`` names this attempt to the receiver, where it is traced.
    """

    id: str
    sent_at: datetime
    content_type: str
    body: bytes
    replay_id: int | None = None
    traceparent: str | None = None


class Answered(NamedTuple):
    """What came of a POST: ``status`` is None when no answer came, and then ``error`` says why.

    ``excerpt`` is the beginning of an answer that refuses; None where it was taken, or none came.
    """

    status: int | None
    error: str | None
    excerpt: str | None
    headers: Mapping[str, str]


class Egress:
    """Sends notifications."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def post(self, url: str, settings: DeliverySettings, message: Message) -> Answered:
        """POST the body as it is (the bytes signed are the bytes sent). Never raises for what the receiver did.

        Redirects are not followed. What an answer repeats of the secrets sent is masked: it is kept and shown.
        """
        headers = write_headers(settings, message)
        try:
            answer = await self._outbound.request(
                "POST", url, headers=headers, body=message.body, max_bytes=READ_BYTES
            )
        except (OutboundError, AddressRefusedError) as error:
            return Answered(None, str(error), None, {})
        if is_delivered(answer.status):
            return Answered(answer.status, None, None, answer.headers)
        masked = mask_body(answer, _list_sent(url, settings, headers))
        return Answered(
            answer.status,
            _explain(answer.status, answer.headers),
            masked.excerpt(KEPT_CHARACTERS),
            answer.headers,
        )


def write_headers(settings: DeliverySettings, message: Message) -> dict[str, str]:
    """Give the headers of a POST: the configured ones, over which nothing of ours may be written, and ours."""
    timestamp = int(message.sent_at.timestamp())
    headers = {
        **dict(settings.headers),
        "Content-Type": message.content_type,
        "Elements-Webhook-Id": message.id,
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        **signature_headers(
            settings.list_keys(message.sent_at),
            notification_id=message.id,
            timestamp=timestamp,
            body=message.body,
        ),
    }
    if message.replay_id is not None:
        headers[REPLAY] = str(message.replay_id)
    # Whoever has set one gets that: traces are the operator's to switch on, not the receiver's.
    if message.traceparent is not None and not any(
        name.lower() == TRACEPARENT for name, _ in settings.headers
    ):
        headers[TRACEPARENT] = message.traceparent
    if settings.basic is not None:
        credentials = ":".join(settings.basic).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(credentials).decode()
    return headers


def _list_sent(url: str, settings: DeliverySettings, headers: Mapping[str, str]) -> list[str]:
    """List what is secret of a POST: the receiver's own headers, its password, and the query of its URL."""
    query = urlsplit(url).query
    secrets = [query, *(value for _, value in parse_qsl(query))] if query else []
    own = [value for _, value in settings.headers]
    if settings.basic is not None:
        secrets.append(settings.basic[1])
        own.append(headers["Authorization"])
    return secrets + list_secrets(own)


def _explain(status: int, headers: Mapping[str, str]) -> str:
    if 300 <= status <= 399:  # noqa: PLR2004 - redirects
        # Without its query: a receiver that has moved repeats ours there.
        where = mask_url(headers.get("Location", "nowhere"))
        return f"the callback answered {status}, a redirect to {where!r}; redirects are not followed"
    return f"the callback answered {status}"
