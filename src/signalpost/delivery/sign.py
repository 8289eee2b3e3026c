"""Signs the bytes of a notification before they are sent, and verifies them where they arrive (pure)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence

ELEMENTS_SIGNATURE = "Elements-Webhook-Signature"
STANDARD_ID = "webhook-id"
STANDARD_TIMESTAMP = "webhook-timestamp"
STANDARD_SIGNATURE = "webhook-signature"
STANDARD_KEY_PREFIX = "whsec_"


def sign_open_connectors(key: str, body: bytes) -> str:
    """Give the value of ``Elements-Webhook-Signature`` (open-connectors.md 1.3); the key is used as written."""
    return "sha256=" + _digest(key.encode(), body)


def sign_standard(key: str, *, notification_id: str, timestamp: int, body: bytes) -> str:
    """Give one signature of the Standard Webhooks scheme, ``v1,<base64>``; ``timestamp`` is in Unix seconds.

    A key ``whsec_<base64>`` stands for the bytes that are encoded in it. Any other key is used as its UTF-8
    bytes: a receiver whose library knows the first form only gives it ``whsec_`` + the base64 of the key.
    """
    return "v1," + _digest(_read_standard_key(key), b"%s.%d.%s" % (notification_id.encode(), timestamp, body))


def signature_headers(
    keys: Sequence[str], *, notification_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Give the headers that sign ``body`` in both schemes; none without keys.

    During a rotation there are two keys, the new one first. Open Connectors' header has room for the first only;
    that of Standard Webhooks carries a signature with each.
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


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Iterable[str],
    *,
    now: float,
    tolerance_seconds: float = 300,
) -> bool:
    """Tell whether ``body`` was signed with one of ``keys``, in either scheme. Header names in any case.

    A Standard Webhooks signature must be at most ``tolerance_seconds`` away from ``now`` (Unix seconds). Open
    Connectors' scheme has no time: a receiver that fears replays remembers the ids it has seen.
    """
    given = {name.lower(): value for name, value in headers.items()}
    elements = given.get(ELEMENTS_SIGNATURE.lower(), "")
    notification_id = given.get(STANDARD_ID, "")
    timestamp = _read_timestamp(given.get(STANDARD_TIMESTAMP, ""))
    fresh = timestamp is not None and abs(now - timestamp) <= tolerance_seconds
    standard = given.get(STANDARD_SIGNATURE, "").split() if fresh and notification_id else []
    valid = False
    for key in keys:
        if elements:
            valid |= _equal(sign_open_connectors(key, body), elements)
        if standard and timestamp is not None:
            expected = sign_standard(key, notification_id=notification_id, timestamp=timestamp, body=body)
            for signature in standard:
                valid |= _equal(expected, signature)
    return valid


def _digest(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def _read_standard_key(key: str) -> bytes:
    if key.startswith(STANDARD_KEY_PREFIX):
        text = key.removeprefix(STANDARD_KEY_PREFIX).rstrip("=")
        try:
            decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            decoded = b""
        if decoded:
            return decoded
    return key.encode()


def _read_timestamp(text: str) -> int | None:
    # Eleven digits reach beyond the year 5000; without a bound, int() could be made to work hard.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 11 else None  # noqa: PLR2004


def _equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))
