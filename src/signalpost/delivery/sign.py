"""Signs the bytes of a notification before they are sent (pure); how is said once, in ``signalpost.receiver``."""

from __future__ import annotations

from collections.abc import Sequence

from signalpost.receiver import (
    ELEMENTS_SIGNATURE,
    STANDARD_ID,
    STANDARD_SIGNATURE,
    STANDARD_TIMESTAMP,
    sign_open_connectors,
    sign_standard,
    verify,
)

__all__ = ["ELEMENTS_SIGNATURE", "sign_open_connectors", "sign_standard", "signature_headers", "verify"]


def signature_headers(
    keys: Sequence[str], *, notification_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Give the headers that sign ``body`` in both schemes; none without keys.

    During a rotation there are two keys, the new one first. Open Connectors' header has room for the first only;
    that of Standard Webhooks carries a signature with each.

    Raises:
        ValueError: a key cannot be used; ``read_delivery_settings`` lets none such through.
    """
    if not keys:
        return {}
    signatures = (
        sign_standard(key, notification_id=notification_id, timestamp=timestamp, body=body) for key in keys
    )
    return {
        ELEMENTS_SIGNATURE: sign_open_connectors(keys[0], body),
        STANDARD_ID: notification_id,
        STANDARD_TIMESTAMP: str(timestamp),
        STANDARD_SIGNATURE: " ".join(signatures),
    }
