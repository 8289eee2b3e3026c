"""Names of HTTP headers: which there may be, and which belong to the connection. Pure."""

from __future__ import annotations

import re

# RFC 9110, 5.1 and 5.6.2.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What belongs to the connection (RFC 9110, 7.6.1), or says how bodies are packed: we unpack none.
_OF_CONNECTION = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def is_header_name(name: object) -> bool:
    """Say whether a header may have this name."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def belongs_to_connection(name: str) -> bool:
    """Say whether a header is the connection's: a wrong one of these spoils the next request on it."""
    return name.lower() in _OF_CONNECTION or name.lower().startswith("proxy-")
