"""Addresses of a declared connector: templates that no value leads elsewhere, and next pages that stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urljoin, urlsplit

from signalpost.model.addresses import USUAL_PORTS, parse_callback_url
from signalpost.model.errors import ConnectorError, InvalidRequestError, RejectedError

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
FIELD_KEY = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?", re.ASCII)
# One label of a host: neither dot, slash, @, # nor a letter beyond ASCII leads anywhere else.
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", re.ASCII)
FIXED_LABELS = 2
"""Labels at the end of a host that a placeholder stands in: with fewer, a value would choose whose host it is."""
LONGEST_POSITION = 4000


def check_template(text: str) -> str:
    """Check an address with ``{field}`` in it; give it without a slash at its end.

    Raises:
        ValueError: it is none that is safe to fill in.
    """
    try:
        parse_callback_url(PLACEHOLDER.sub("x", text), "it")
    except InvalidRequestError as error:
        raise ValueError(str(error)) from None
    parts = urlsplit(text)
    if parts.query or parts.fragment or "?" in text or "#" in text:
        message = "it must end with its path, without a query"
        raise ValueError(message)
    host, _, port = parts.netloc.partition(":")
    fixed = host.rpartition("}")[2]
    if "{" in port or ("{" in host and len(fixed.split(".")[1:]) < FIXED_LABELS):
        message = (
            "a {field} may stand for labels of the host only before two fixed ones, as in"
            " https://{subdomain}.example.com"
        )
        raise ValueError(message)
    if wrong := [key for key in PLACEHOLDER.findall(text) if not FIELD_KEY.fullmatch(key)]:
        message = f"{{{wrong[0]}}} is no key of a field; keys are small letters, digits, dots, - and _"
        raise ValueError(message)
    if "{" in PLACEHOLDER.sub("", text) or "}" in PLACEHOLDER.sub("", text):
        message = "a { or } stands alone; a field is written as {subdomain}"
        raise ValueError(message)
    return text.rstrip("/")


def fill_in(template: str, configuration: Mapping[str, str]) -> str:
    """Put the configuration's values into a checked template.

    Raises:
        InvalidRequestError: a value is no single label; it is named.
    """

    def take(found: re.Match[str]) -> str:
        value = configuration.get(found[1], "").strip()
        if not LABEL.fullmatch(value):
            message = (
                f"{found[1]}: {value[:100]!r} cannot stand in the provider's address; give letters, digits, - and _"
                " alone, as in 'acme'"
            )
            raise InvalidRequestError(message)
        return value

    return PLACEHOLDER.sub(take, template)


def follow(base_url: str, path: str, target: str) -> str:
    """Give what an answer names as its next page as path and query below ``base_url``.

    ``target`` may be a whole URL or relative to the ``path`` just read; whatever it is, the base URL's host is called.

    Raises:
        ConnectorError: it leads to another host, out of the base URL, or is no address.
    """
    base = urlsplit(base_url)
    try:
        # Blanks are hardly ever encoded in a next page's dates, and some servers name the port that is the usual one.
        joined = urlsplit(urljoin(base_url + path, target.strip().replace(" ", "%20")))
        if (joined.scheme, joined.port or 80, base.scheme) == ("http", 80, "https"):
            # A server behind a proxy often does not know how it is called. It is called by HTTPS all the same.
            joined = joined._replace(scheme="https", netloc=joined.netloc.removesuffix(":80"))
        ports = [each.port or USUAL_PORTS.get(each.scheme) for each in (joined, base)]
        same = (joined.scheme, joined.hostname, ports[0], joined.username) == (
            base.scheme,
            base.hostname,
            ports[1],
            None,
        )
    except ValueError:
        same = False
    if not same:
        message = (
            f"the next page is said to be at {target[:200]!r}, which is not on {base.scheme}://{base.netloc}:"
            " nothing was read there"
        )
        raise ConnectorError(message)
    below = joined.path[len(base.path) :] if joined.path.startswith(base.path) else ""
    found = below + (f"?{joined.query}" if joined.query else "")
    if not _is_below(found):
        message = f"the next page is said to be at {target[:200]!r}, which is not below {base_url}"
        raise ConnectorError(message)
    return found


def check_position(position: str) -> str:
    """Check a position that stands for path and query: callers may give any text.

    Raises:
        RejectedError: it is none that a page gave.
    """
    if not _is_below(position):
        message = f"{position[:100]!r} is no position of this list; begin anew without one"
        raise RejectedError(message)
    return position


def _is_below(found: str) -> bool:
    path = unquote(found.partition("?")[0])
    return (
        found.startswith("/")
        and len(found) <= LONGEST_POSITION
        and found.isprintable()
        and not set(found) & {" ", "#", "\\"}
        and ".." not in path.split("/")
        and not path.startswith("//")
    )
