"""One POST to a callback: signed, bounded, judged."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from signalpost.delivery.configuration import DeliverySettings
from signalpost.delivery.sign import signature_headers
from signalpost.model.errors import AddressRefusedError
from signalpost.outbound import Outbound, OutboundError

READ_BYTES = 64 * 1024
KEPT_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a POST: ``status`` is None when no answer came, and then ``error`` says why."""

    status: int | None
    error: str | None
    excerpt: str | None
    headers: Mapping[str, str]


class Egress:
    """Sends notifications."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def post(
        self, url: str, settings: DeliverySettings, *, notification_id: str, timestamp: int, body: bytes
    ) -> Answered:
        """POST ``body`` as it is (the bytes signed are the bytes sent). Never raises for what the receiver did.

        ``timestamp`` is the Unix time of this attempt, in seconds. Redirects are not followed.
        """
        headers = {
            "Content-Type": "application/json",
            "Elements-Webhook-Id": notification_id,
            "webhook-id": notification_id,
            "webhook-timestamp": str(timestamp),
            **signature_headers(
                settings.signature_keys, notification_id=notification_id, timestamp=timestamp, body=body
            ),
        }
        if settings.basic is not None:
            credentials = ":".join(settings.basic).encode()
            headers["Authorization"] = "Basic " + base64.b64encode(credentials).decode()
        try:
            answer = await self._outbound.request(
                "POST", url, headers=headers, body=body, max_bytes=READ_BYTES
            )
        except (OutboundError, AddressRefusedError) as error:
            return Answered(None, str(error), None, {})
        return Answered(
            answer.status,
            _explain(answer.status, answer.headers),
            answer.excerpt(KEPT_CHARACTERS),
            answer.headers,
        )


def _explain(status: int, headers: Mapping[str, str]) -> str | None:
    if 200 <= status <= 299:  # noqa: PLR2004 - the range of success
        return None
    if 300 <= status <= 399:  # noqa: PLR2004 - redirects
        where = headers.get("Location", "nowhere")[:500]
        return f"the callback answered {status}, a redirect to {where!r}; redirects are not followed"
    return f"the callback answered {status}"
