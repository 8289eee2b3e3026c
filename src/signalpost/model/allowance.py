"""What an operator sets about the ways out and in: what is allowed although it is not public, proxies (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from signalpost.model.addresses import IPV4_CARRIERS, judge_spelling, mask_url
from signalpost.model.errors import ConfigurationError

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(?:\.{_LABEL})*")
_NETWORK = re.compile(r"([0-9a-f:.]+)(?:/([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Allowance:
    """Hosts (lower case, no dot at the end), domains whose subdomains are meant (``.example.com``), networks."""

    hosts: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def has_host(self, host: str) -> bool:
        """Tell whether ``host``, as in a URL and in ASCII, may be whatever it resolves to."""
        plain = host.lower().rstrip(".")
        return plain in self.hosts or (bool(self.domains) and plain.endswith(self.domains))

    def has_address(self, ip: str) -> bool:
        """Tell whether this address is allowed, whatever name led to it. Text that is no address is not.

        A network is meant as it is written. One of IPv4 does not allow the IPv6 forms that carry its addresses
        (``::ffff:10.0.0.1``), and a wide one of IPv6 does not either: only one within the form's own range does.
        """
        try:
            address = ip_address(ip.partition("%")[0])
        except ValueError:
            return False
        return any(
            address in network and _is_narrow_enough(network, address)
            for network in self.networks
            if network.version == address.version
        )


def _is_narrow_enough(network: IPv4Network | IPv6Network, address: IPv4Address | IPv6Address) -> bool:
    if not isinstance(network, IPv6Network):
        return True
    return all(network.subnet_of(carrier) for carrier in IPV4_CARRIERS if address in carrier)


def parse_allowance(text: str, field: str) -> Allowance:
    """Read a comma-separated list of host names, addresses and networks.

    Raises:
        ConfigurationError: an entry is none of these; names ``field``, the entry and what would be right.
    """
    hosts: set[str] = set()
    domains: list[str] = []
    networks: list[IPv4Network | IPv6Network] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        plain = entry.lower().rstrip(".")
        if ":" in plain or "/" in plain or judge_spelling(plain) is not None or _is_ipv4(plain):
            networks.append(_parse_network(plain, entry, field))
        elif _HOST.fullmatch(plain) and len(plain) <= 253:  # noqa: PLR2004 - the longest name of the DNS
            if plain.startswith("*"):
                domains.append(plain[1:])
            else:
                hosts.add(plain)
        else:
            raise _refuse(entry, field, "is no host, address or network")
    return Allowance(frozenset(hosts), tuple(domains), tuple(networks))


def _is_ipv4(text: str) -> bool:
    return text.replace(".", "").isdigit()


def _parse_network(plain: str, entry: str, field: str) -> IPv4Network | IPv6Network:
    if not _NETWORK.fullmatch(plain):
        raise _refuse(entry, field, "is no network")
    try:
        network = ip_network(plain, strict=False)
    except ValueError:
        raise _refuse(entry, field, "is no network") from None
    if ip_address(plain.partition("/")[0]) != network.network_address:
        message = (
            f"{field}: {entry[:100]!r} has bits set to the right of its prefix; right would be {network}"
        )
        raise ConfigurationError(message)
    return network


def parse_proxy_url(text: str, field: str) -> str:
    """Check that ``text`` is the URL of a forward proxy, and give it back as it is.

    Raises:
        ConfigurationError: it is not; names ``field``, the value without its secrets, and what is right.
    """
    try:
        parts = urlsplit(text)
        right = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not (parts.path.strip("/") or parts.query or parts.fragment)
            and text.isprintable()
            and " " not in text
        )
    except ValueError:
        right = False
    if not right:
        message = (
            f"{field}: {mask_url(text)!r} is no proxy; right would be http://user:password@proxy.example:3128"
        )
        raise ConfigurationError(message)
    return text


def parse_proxies(text: str, field: str) -> list[str]:
    """Read a comma-separated list of the addresses and networks of proxies before us; give networks.

    Each of IPv4 is given in its IPv6 form (``::ffff:10.0.0.5``) as well: so a socket that takes both shows it.

    Raises:
        ConfigurationError: an entry is none of these, or is everybody; names ``field``, the entry and what is right.
    """
    networks: list[str] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        try:
            network = ip_network(entry)
        except ValueError as error:
            fault = "has bits set to the right of its prefix" if "host bits" in str(error) else "is none"
            raise _refuse_proxy(entry, field, fault) from None
        if network.prefixlen == 0:
            raise _refuse_proxy(entry, field, "is everybody")
        networks.append(str(network))
        if network.version == 4:  # noqa: PLR2004
            networks.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return networks


def _refuse_proxy(entry: str, field: str, fault: str) -> ConfigurationError:
    return ConfigurationError(
        f"{field}: addresses and networks of proxies are listed here, and {entry[:100]!r} {fault}; right would be, for"
        " example, 127.0.0.1 or 10.1.0.0/16"
    )


def _refuse(entry: str, field: str, fault: str) -> ConfigurationError:
    return ConfigurationError(
        f"{field}: {entry[:100]!r} {fault}; right would be, for example, hooks.internal, *.corp.example,"
        " 10.1.0.0/16 or fd00:1::/64"
    )
