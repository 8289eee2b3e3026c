"""The far end of the flow: what a receiver verifies a notification with. Stands alone, on the standard library."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterable, Mapping
from typing import Any

ELEMENTS_SIGNATURE = "Elements-Webhook-Signature"
STANDARD_ID = "webhook-id"
STANDARD_TIMESTAMP = "webhook-timestamp"
STANDARD_SIGNATURE = "webhook-signature"
STANDARD_KEY_PREFIX = "whsec_"

LONGEST_KEY = 1000

_OURS = frozenset({ELEMENTS_SIGNATURE.lower(), STANDARD_ID, STANDARD_TIMESTAMP, STANDARD_SIGNATURE})
# Beyond the year 5000; without a bound, int() could be made to work hard.
_MOST_TIMESTAMP_DIGITS = 11


def verify(
    headers: Mapping[Any, Any] | Iterable[tuple[Any, Any]],
    body: bytes | str,
    keys: str | Iterable[str],
    *,
    now: float | None = None,
    tolerance_seconds: float = 300,
    require_timestamp: bool = False,
) -> bool:
    """Tell whether ``body`` was signed with one of ``keys``. Never raises for what a stranger may have sent.

    ``headers`` are a mapping, or pairs, as text or bytes, names in any letter case. ``body`` is what arrived, before
    any JSON reader has touched it; text stands for its UTF-8 bytes. What cannot be a key (an empty one) fits nothing.

    Where there is a Standard Webhooks signature it decides alone, and must be at most ``tolerance_seconds`` away from
    ``now`` (Unix seconds; the time now if not given): else what was recorded could be sent again behind the other
    header. Without it ``Elements-Webhook-Signature`` decides, which covers no time, unless ``require_timestamp``.
    """
    given = _read_headers(headers)
    if given is None:
        return False
    content = _encode(body) if isinstance(body, str) else bytes(body)
    usable = [
        key for key in ([keys] if isinstance(keys, str) else keys) if key and find_key_fault(key) is None
    ]
    if STANDARD_SIGNATURE in given:
        moment = time.time() if now is None else now
        return _verify_standard(given, content, usable, now=moment, tolerance_seconds=tolerance_seconds)
    signature = given.get(ELEMENTS_SIGNATURE.lower(), "")
    if require_timestamp or not signature:
        return False
    return any(_are_equal(sign_open_connectors(key, content), signature) for key in usable)


def sign_open_connectors(key: str, body: bytes) -> str:
    """Give the value of ``Elements-Webhook-Signature`` (open-connectors.md 1.3); the key is used as written."""
    return "sha256=" + _digest(_encode(key), body)


def sign_standard(key: str, *, notification_id: str, timestamp: int, body: bytes) -> str:
    """Give one signature of the Standard Webhooks scheme, ``v1,<base64>``; ``timestamp`` is in Unix seconds.

    A key ``whsec_<base64>`` stands for the bytes that are encoded in it. Any other key is used as its UTF-8
    bytes: a receiver whose library knows the first form only gives it ``whsec_`` + the base64 of the key.

    Raises:
        ValueError: what follows ``whsec_`` is not base64 (``find_key_fault`` tells beforehand).
    """
    secret = _read_standard_key(key)
    if secret is None:
        message = f"the signature key {_DECODING_FAULT}"
        raise ValueError(message)
    return "v1," + _digest(secret, b"%s.%d.%s" % (_encode(notification_id), timestamp, body))


def find_key_fault(key: str) -> str | None:
    """Say why ``key`` cannot be a signature key, in words that go after its name and do not show it; None: it can."""
    if not key.strip():
        return "is empty"
    if len(key) > LONGEST_KEY:
        return f"has {len(key):,} characters; at most {LONGEST_KEY:,} are taken"
    if not key.isprintable():
        return "has line breaks, tabs or other characters that do not show; give it as one line of plain text"
    return _DECODING_FAULT if _read_standard_key(key) is None else None


_DECODING_FAULT = (
    "begins with whsec_, but what follows is not base64; give whsec_ and the base64 of the key's bytes,"
    " or a key that begins otherwise"
)


def _verify_standard(
    given: Mapping[str, str], body: bytes, keys: Iterable[str], *, now: float, tolerance_seconds: float
) -> bool:
    notification_id = given.get(STANDARD_ID, "")
    timestamp = _read_timestamp(given.get(STANDARD_TIMESTAMP, ""))
    # Dots divide what is signed: an id with one could begin what was signed for another, and end in its body.
    if not notification_id or "." in notification_id or timestamp is None:
        return False
    if not abs(now - timestamp) <= tolerance_seconds:
        return False
    expected = [
        sign_standard(key, notification_id=notification_id, timestamp=timestamp, body=body) for key in keys
    ]
    return any(
        _are_equal(one, signature) for signature in given[STANDARD_SIGNATURE].split() for one in expected
    )


def _read_headers(headers: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> dict[str, str] | None:
    """Give our headers by their names in lower case.

    None when one of them stands there twice: what is verified must be what the receiver goes on with.
    """
    # Not every framework's headers are a Mapping, but all of them have items().
    items = getattr(headers, "items", None)
    found: dict[str, str] = {}
    for given_name, value in headers if items is None else items():
        name = _read_text(given_name).lower()
        if name not in _OURS or value is None:
            continue
        if name in found:
            return None
        found[name] = _read_text(value)
    return found


def _read_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _read_standard_key(key: str) -> bytes | None:
    if not key.startswith(STANDARD_KEY_PREFIX):
        return _encode(key)
    text = key.removeprefix(STANDARD_KEY_PREFIX).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except ValueError:
        return None


def _read_timestamp(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_TIMESTAMP_DIGITS else None


def _digest(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def _are_equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(_encode(expected), _encode(given))


def _encode(text: str) -> bytes:
    # Different texts must stay different, halves of characters that a stranger sent included.
    return text.encode(errors="surrogatepass")
