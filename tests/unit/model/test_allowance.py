"""The settings of the way out, read: hosts and networks that are allowed, and the proxy."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.allowance import Allowance, parse_allowance, parse_proxy_url
from signalpost.model.errors import ConfigurationError


def test_reads_hosts_domains_and_networks_of_both_kinds() -> None:
    text = " Hooks.Internal., a_b ,*.corp.example,10.1.0.0/16,192.168.7.7, fd00:1::/64,::1,, 127.0.0.1. "
    networks = ("10.1.0.0/16", "192.168.7.7/32", "fd00:1::/64", "::1/128", "127.0.0.1/32")
    assert parse_allowance(text, "ALLOWED") == Allowance(
        frozenset({"hooks.internal", "a_b"}),
        (".corp.example",),
        tuple(ipaddress.ip_network(network) for network in networks),
    )
    assert parse_allowance("", "ALLOWED") == parse_allowance(" , ", "ALLOWED") == Allowance()


@pytest.mark.parametrize(
    "entry",
    [
        "http://hooks.internal",
        "hooks.internal:8080",
        "hooks.internal/8",
        "hooks internal",
        "user@hooks.internal",
        "*",
        "*.",
        "*.*.example",
        "a*.example",
        "-a.example",
        "a..example",
        ".example",
        "b\u00fccher.example",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "127.1",
        "0x7f.1",
        "2130706433",
        "10.0.0.0/33",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/0.255.255.255",
        "10.0.0/8",
        "010.0.0.0/8",
        "10.0.0.0/",
        "/8",
        "10.0.0.1-10.0.0.9",
        "fd00::/129",
        "[::1]",
        "fe80::1%eth0",
        "::g",
    ],
)
def test_names_the_entry_that_is_wrong(entry: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_allowance(f"10.0.0.0/8,{entry},hooks.internal", "ALLOWED")
    assert str(caught.value).startswith(f"ALLOWED: {entry[:100]!r} is no ")
    assert "10.1.0.0/16" in str(caught.value)


def test_says_which_network_is_meant_by_one_with_too_many_bits() -> None:
    with pytest.raises(ConfigurationError, match=r"'10.1.2.3/16' .* right would be 10\.1\.0\.0/16"):
        parse_allowance("10.1.2.3/16", "ALLOWED")


@pytest.mark.parametrize(
    ("allowed", "address", "is_allowed"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", False),
        ("10.0.0.0/8", "64:ff9b::10.1.2.3", False),
        ("10.0.0.0/8", "2002:a01:203::1", False),
        ("10.0.0.0/8", "::10.1.2.3", False),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fc12::1", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("::/0", "fd12::1", True),
        ("::/0", "::ffff:10.1.2.3", False),
        ("2000::/3", "2002:a01:203::1", False),
        ("2000::/3", "2001:0:a01:203::1", False),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", False),
        ("64:ff9b:1::/48", "64:ff9b:1::10.0.0.1", True),
        ("0.0.0.0/0", "127.0.0.1", True),
        ("0.0.0.0/0", "nonsense", False),
        ("0.0.0.0/0", "127.1", False),
    ],
)
def test_allows_networks_as_they_are_written(allowed: str, address: str, is_allowed: bool) -> None:
    assert parse_allowance(allowed, "ALLOWED").has_address(address) is is_allowed


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 32))
def test_an_address_is_allowed_only_by_a_network_that_holds_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    other: ipaddress.IPv4Address | ipaddress.IPv6Address,
    bits: int,
) -> None:
    network = ipaddress.ip_network((other, bits), strict=False)
    inside = address.version == other.version and address in network
    found = parse_allowance(str(network), "ALLOWED").has_address(str(address))
    assert found is inside if address.version == 4 else found <= inside


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        parse_allowance(text, "ALLOWED")
    with contextlib.suppress(ConfigurationError):
        assert parse_proxy_url(text, "PROXY") == text


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example:3128",
        "http://proxy.example",
        "https://proxy.example:8443/",
        "http://user:p%40ss@10.0.0.1:3128",
        "http://[::1]:3128",
    ],
)
def test_takes_proxies(url: str) -> None:
    assert parse_proxy_url(url, "PROXY") == url


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example:3128",
        "me:SECRET@proxy.example:3128",
        "socks5://me:SECRET@proxy.example:1080",
        "http://",
        "http://me:SECRET@",
        "http://me:SECRET@proxy.example:0",
        "http://me:SECRET@proxy.example:99999",
        "http://me:SECRET@proxy.example/path",
        "http://me:SECRET@proxy.example/?a=SECRET",
        "http://me:SECRET@proxy.example#x",
        "http://me:SECRET@pro xy.example",
        "http://me:SECRET@[::1",
    ],
)
def test_refuses_other_proxies_without_showing_their_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_proxy_url(url, "PROXY")
    assert str(caught.value).startswith("PROXY: ")
    assert "http://user:password@proxy.example:3128" in str(caught.value)
    assert "SECRET" not in str(caught.value)
