"""Where we may send: judges hosts and addresses before a connection, and callback URLs when they are given (pure)."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from signalpost.model.errors import InvalidRequestError

MAX_URL_CHARACTERS = 2_000
SHOWN_CHARACTERS = 200
USUAL_PORTS = {"http": 80, "https": 443}
"""The port that a URL means which names none, by its scheme."""

# IANA's special-purpose registries, and what looks public but is not. The first match counts.
_IPV4_REASONS = [
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud platform"),  # Azure's host agent, reachable from every virtual machine
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
]
_IPV6_REASONS = [
    (IPv6Network(network), reason)
    for network, reason in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "private NAT64"),
        ("100::/64", "discard-only"),
        ("2001:db8::/32", "documentation"),
        ("2001::/23", "reserved"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
]
_IPV6_UNICAST = IPv6Network("2000::/3")
# Forms that carry an IPv4 address: network, name, how far the IPv4 address stands from the right.
_IPV4_CARRIERS = [
    (IPv6Network("::ffff:0:0/96"), "IPv4-mapped", 0),
    (IPv6Network("64:ff9b::/96"), "NAT64", 0),
    (IPv6Network("2002::/16"), "6to4", 80),
]
_TEREDO = IPv6Network("2001::/32")
# The third quarter of an ISATAP address, in any network: its last quarter is an IPv4 address.
_ISATAP_MARKS = (0x00005EFE, 0x02005EFE)
_ALL_BITS = 0xFFFFFFFF
IPV4_CARRIERS = (*(network for network, _, _ in _IPV4_CARRIERS), _TEREDO, IPv6Network("64:ff9b:1::/48"))
"""The networks of IPv6 whose addresses stand for addresses of IPv4."""

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_HOST_NAME = re.compile(r"[\w.~-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def judge_address(ip: str) -> str | None:
    """Say why we must not connect to this address, in a word or two; None when it is public.

    Text that is no address in the usual spelling is refused as well.
    """
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return "not an IP address"
    return _judge_ipv4(address) if isinstance(address, IPv4Address) else _judge_ipv6(address)


@lru_cache(maxsize=4096)  # asked for every request, of few hosts
def judge_spelling(host: str) -> str | None:
    """Say what is odd about a host that some programs read as one IPv4 address, and others as another; else None.

    A last label that is a number makes the whole a number (as browsers have it): ``010.0.0.1`` is 8.0.0.1 to the
    C library and 10.0.0.1 to others. Only four decimal numbers are the same to all, without zeros before them and
    without a dot behind.
    """
    if ":" in host or not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    try:
        IPv4Address(host)
    except ValueError:
        return "an IPv4 address in an unusual spelling"
    return None


def _judge_ipv4(address: IPv4Address) -> str | None:
    return next((reason for network, reason in _IPV4_REASONS if address in network), None)


def _judge_ipv6(address: IPv6Address) -> str | None:
    for carrier, name, shift in _IPV4_CARRIERS:
        if address in carrier:
            return _name_carried(name, _judge_ipv4(IPv4Address(int(address) >> shift & _ALL_BITS)))
    if address in _TEREDO:
        server = IPv4Address(int(address) >> 64 & _ALL_BITS)
        client = IPv4Address(int(address) & _ALL_BITS ^ _ALL_BITS)
        return _name_carried("Teredo", _judge_ipv4(server) or _judge_ipv4(client))
    for network, reason in _IPV6_REASONS:
        if address in network:
            return reason
    if address not in _IPV6_UNICAST:
        return "reserved"
    if int(address) >> 32 & _ALL_BITS in _ISATAP_MARKS:
        return _name_carried("ISATAP", _judge_ipv4(IPv4Address(int(address) & _ALL_BITS)))
    return None


def _name_carried(carrier: str, reason: str | None) -> str | None:
    return None if reason is None else f"{carrier} {reason}"


def parse_callback_url(text: object, field: str) -> str:
    """Check that ``text`` is a URL we can POST to, and give it back as it is.

    Which address its host stands for is judged only when we connect: names change, literals have many spellings.

    Raises:
        InvalidRequestError: it is not; names ``field``, the value without its secrets, and what is right.

    """
    if not isinstance(text, str):
        raise InvalidRequestError(f"{field} must be a URL as text, not {type(text).__name__}")
    fault = _find_fault(text)
    if fault is not None:
        message = (
            f"{field} {mask_url(text)!r} {fault}; right would be, for example, https://example.com/events"
        )
        raise InvalidRequestError(message)
    return text


def mask_url(text: str) -> str:
    """Give a URL to show in messages: no user info, no query, not too long. ``text`` may be any nonsense."""
    scheme = match[0] if (match := _SCHEME.match(text)) else ""
    rest, question_mark, _ = text[len(scheme) :].partition("?")
    before, at_sign, after = rest.rpartition("@")
    if not at_sign and "@" in text:  # the question mark may stand inside a password
        return f"{scheme}***"
    shown = scheme + ("***@" if at_sign else before) + after + ("?***" if question_mark else "")
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + "..."


def _find_fault(text: str) -> str | None:
    if len(text) > MAX_URL_CHARACTERS:
        return f"has {len(text):,} characters, more than {MAX_URL_CHARACTERS:,}"
    if " " in text or not text.isprintable():
        return "has spaces or control characters"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "has a host or port that cannot be read (ports are 1 to 65535)"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if "@" in parts.netloc:
        return "must not hold a user name or password (there are settings for basic authentication)"
    return _find_host_fault(parts, port)


def _find_host_fault(parts: SplitResult, port: int | None) -> str | None:
    if port == 0:
        return "has port 0 (ports are 1 to 65535)"
    host = parts.hostname
    if not host:
        return "has no host"
    if "[" not in parts.netloc and not _HOST_NAME.fullmatch(host):
        return "has a host with characters that no host has"
    return None
