"""Which addresses count as public, and which texts as callback URLs."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalpost.model.addresses import MAX_URL_CHARACTERS, judge_address, mask_url, parse_callback_url
from signalpost.model.errors import InvalidRequestError

# reason (None: public) -> addresses
ADDRESSES: dict[str | None, str] = {
    None: """
        1.0.0.1 1.1.1.1 8.8.8.8 9.9.9.9 9.255.255.255 11.0.0.0 13.107.6.152 52.94.236.248 93.184.215.14 99.255.255.255
        100.63.255.255 100.128.0.0 104.16.0.1 126.255.255.255 128.0.0.0 151.101.1.69 168.63.129.15 168.63.129.17
        169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 172.67.1.1 185.199.108.153 191.255.255.255 192.0.1.255
        192.0.3.0 192.31.196.1 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
        198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 216.58.206.46 223.255.255.255
        2000:: 2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1 2003::1 2400:cb00::1 2606:4700::1111
        2620:fe::fe 2a00:1450:4001:80b::200e 2a03:2880::1 2c0f:fb50::1 3ffe::1 3fff:1000::1
        2606:4700:0000:0000:0000:0000:0000:1111 2001:4860:4860::8.8.8.8 2606:4700::1111%eth0
        ::ffff:8.8.8.8 ::ffff:808:808 ::FFFF:1.1.1.1 64:ff9b::8.8.8.8 64:ff9b::101:101 2002:808:808::1
        2002:0101:0101:: 2001:0:808:808:0:0:f7f7:f7f7
    """,
    "unspecified": "0.0.0.0 0.0.0.1 0.1.2.3 0.255.255.255 :: 0:0:0:0:0:0:0:0",
    "private": """
        10.0.0.0 10.0.0.1 10.1.2.3 10.255.255.255 172.16.0.0 172.17.0.1 172.20.10.2 172.31.255.255
        192.168.0.0 192.168.0.1 192.168.178.1 192.168.255.255
    """,
    "shared": "100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255",
    "loopback": "127.0.0.0 127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255 ::1 0:0:0:0:0:0:0:1 ::0001 ::1%lo",
    "cloud platform": "168.63.129.16",
    "link-local": "169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255 fe80:: fe80::1 fe80::1%eth0 febf:ffff::1",
    "reserved": """
        192.0.0.0 192.0.0.1 192.0.0.170 192.0.0.192 192.0.0.255 192.88.99.0 192.88.99.1 240.0.0.0 240.0.0.1 250.1.2.3
        255.255.255.254 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:0:127.0.0.1 ::fffe:1.1.1.1 1::1 100:0:0:1::1 200::1 400::1
        1000::1 1fff:ffff::1 64:ff9a::1 64:ff9b:0:0:0:1::1 64:ff9b:2::1 2001:1::1 2001:2::1 2001:10::1 2001:20::1
        2001:1ff::1 4000::1 5f00::1 8000::1 a000::1 c000::1 e000::1 fbff::1 fe00::1 fe7f::1
    """,
    "documentation": """
        192.0.2.0 192.0.2.1 192.0.2.255 198.51.100.0 198.51.100.7 198.51.100.255 203.0.113.0 203.0.113.9 203.0.113.255
        2001:db8:: 2001:db8::1 2001:DB8:ffff::1 3fff::1 3fff:fff::1
    """,
    "benchmarking": "198.18.0.0 198.18.0.1 198.19.255.255",
    "multicast": "224.0.0.0 224.0.0.1 224.0.0.251 232.1.1.1 239.255.255.250 239.255.255.255 ff00:: ff02::1 ff05::2 ffff::1",
    "broadcast": "255.255.255.255",
    "discard-only": "100:: 100::1 100::ffff:ffff:ffff:ffff",
    "private NAT64": "64:ff9b:1:: 64:ff9b:1::8.8.8.8 64:ff9b:1:ffff::1",
    "unique local": "fc00:: fc00::1 fd00::1 fd00:ec2::254 fd12:3456:789a::1 fdff:ffff::1",
    "site-local": "fec0:: fec0::1 feff::1",
    "IPv4-mapped loopback": "::ffff:127.0.0.1 ::ffff:7f00:1 ::FFFF:127.255.255.255 0:0:0:0:0:ffff:7f00:1",
    "IPv4-mapped private": "::ffff:10.0.0.1 ::ffff:172.16.0.1 ::ffff:192.168.1.1 ::ffff:c0a8:101",
    "IPv4-mapped link-local": "::ffff:169.254.169.254 ::ffff:a9fe:a9fe",
    "IPv4-mapped unspecified": "::ffff:0.0.0.0 ::ffff:0:0",
    "IPv4-mapped shared": "::ffff:100.64.0.1",
    "IPv4-mapped multicast": "::ffff:224.0.0.1",
    "NAT64 loopback": "64:ff9b::127.0.0.1 64:ff9b::7f00:1",
    "NAT64 private": "64:ff9b::10.0.0.1 64:ff9b::c0a8:1",
    "NAT64 link-local": "64:ff9b::169.254.169.254",
    "6to4 loopback": "2002:7f00:1:: 2002:7f00:0001::1",
    "6to4 private": "2002:a00:1::1 2002:c0a8:101::1 2002:ac10:1:2:3:4:5:6",
    "6to4 link-local": "2002:a9fe:a9fe::1",
    "Teredo private": "2001:0:a00:1::f7f7:f7f7 2001:0:808:808:0:0:f5ff:fffe",
    "Teredo loopback": "2001:0:808:808::80ff:fffe",
    "Teredo unspecified": "2001:: 2001:0::1",
    "not an IP address": """
        localhost example.com 127.1 0x7f.1 0x7f000001 2130706433 017700000001 0177.0.0.1 127.0.0.01 1.2.3 1.2.3.4.5
        256.1.1.1 1.2.3.4/32 [::1] ::g 1::2::3 ::ffff:256.0.0.1 127.0.0.1. -1 \uff11\uff12\uff17.0.0.1
    """,
}
CASES = [(address, reason) for reason, addresses in ADDRESSES.items() for address in addresses.split()]


def test_that_the_table_is_large() -> None:
    assert len(CASES) == len({address for address, _ in CASES}) >= 150


@pytest.mark.parametrize(("address", "reason"), CASES)
def test_judges_each_address(address: str, reason: str | None) -> None:
    assert judge_address(address) == reason


@pytest.mark.parametrize("text", ["", " ", " 8.8.8.8", "8.8.8.8\n", "%eth0", "\x00"])
def test_refuses_what_is_no_address(text: str) -> None:
    assert judge_address(text) == "not an IP address"


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_each_form_that_carries_it(address: ipaddress.IPv4Address) -> None:
    plain = judge_address(str(address))
    number = int(address)
    carriers = {
        "IPv4-mapped": 0xFFFF << 32 | number,
        "NAT64": 0x64FF9B << 96 | number,
        "6to4": 0x2002 << 112 | number << 80 | 1,
        "Teredo": 0x20010000 << 96 | 0x08080808 << 64 | number ^ 0xFFFFFFFF,
    }
    for name, carried in carriers.items():
        expected = None if plain is None else f"{name} {plain}"
        assert judge_address(str(ipaddress.IPv6Address(carried))) == expected


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_calls_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if judge_address(str(address)) is None:
        inner = getattr(address, "ipv4_mapped", None) or address
        carrying = address.version == 6 and (address in NAT64 or address.sixtofour or address.teredo)
        assert carrying or inner.is_global
        assert not inner.is_multicast


NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

GOOD_URLS = [
    "http://example.com",
    "https://example.com/",
    "HTTPS://Example.COM/Events",
    "https://example.com:8443/hooks/in?source=a&b=%2F#part",
    "http://127.0.0.1:8099",
    "http://localhost:1",
    "http://a_service.internal:65535/x",
    "http://[::1]:8080/",
    "http://2130706433/",
    "http://0x7f.1/",
    "https://b\u00fccher.example/\u00fc",
    "https://example.com./",
    "https://example.com/@someone",
    "http://example.com:/x",
    "https://example.com/" + "a" * (MAX_URL_CHARACTERS - 20),
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_gives_good_urls_back_as_they_are(url: str) -> None:
    assert parse_callback_url(url, "callback") == url


BAD_URLS = [
    (None, "as text, not NoneType"),
    (7, "as text, not int"),
    (["http://example.com"], "as text, not list"),
    ("", "must begin with http"),
    ("example.com/hook", "must begin with http"),
    ("ftp://example.com", "must begin with http"),
    ("file:///etc/passwd", "must begin with http"),
    ("javascript:alert(1)", "must begin with http"),
    ("//example.com", "must begin with http"),
    ("http:example.com", "has no host"),
    ("http://", "has no host"),
    ("http:///path", "has no host"),
    ("http://:8080/", "has no host"),
    ("http://?a=b", "has no host"),
    ("http://example.com:0/", "port 0"),
    ("http://example.com:65536/", "ports are 1 to 65535"),
    ("http://example.com:-1/", "ports are 1 to 65535"),
    ("http://example.com:http/", "ports are 1 to 65535"),
    ("http://[::1/", "cannot be read"),
    ("http://[nonsense]/", "cannot be read"),
    (" http://example.com", "spaces or control characters"),
    ("http://example.com/a b", "spaces or control characters"),
    ("http://example.com/\r\nHost: x", "spaces or control characters"),
    ("http://exam\tple.com/", "spaces or control characters"),
    ("http://example.com/\x00", "spaces or control characters"),
    ("http://example.com/\x7f", "spaces or control characters"),
    ("http://example.com/\u00a0", "spaces or control characters"),
    ("http://example.com/\u202e", "spaces or control characters"),
    ("http://example.com/\ud800", "spaces or control characters"),
    ("http://exa<mple.com/", "characters that no host has"),
    ("http://%31%32%37.0.0.1/", "characters that no host has"),
    ("http://example.com\\x/", "characters that no host has"),
    ("http://{host}/", "characters that no host has"),
    ("http://user@example.com/", "must not hold a user name or password"),
    ("http://@example.com/", "must not hold a user name or password"),
    ("https://example.com/" + "a" * (MAX_URL_CHARACTERS - 19), "more than 2,000"),
]


@pytest.mark.parametrize(("value", "words"), BAD_URLS)
def test_refuses_bad_urls_and_says_why(value: object, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_callback_url(value, "configuration.callback")
    message = str(caught.value)
    assert message.startswith("configuration.callback ")
    assert words in message
    assert len(message) < 500


@given(
    scheme=st.sampled_from(["http://", "https://", "ftp://", "", "http:/", "http:"]),
    password=st.text(st.sampled_from("aZ9:/?#@%\\ \n"), max_size=8),
    rest=st.sampled_from(["example.com/", "[::1", "example.com:99999", "", "example.com/?b=c", "h@x"]),
)
@example(scheme="https://", password="?", rest="example.com/")
def test_never_shows_credentials(scheme: str, password: str, rest: str) -> None:
    shown = mask_url(f"{scheme}USER:SECRET{password}TOO@{rest}")
    assert "SECRET" not in shown
    assert "TOO" not in shown


def test_never_shows_queries() -> None:
    assert mask_url("https://example.com/in?token=SECRET") == "https://example.com/in?***"
    with pytest.raises(InvalidRequestError, match=r"'https://\*\*\*@example.com/in\?\*\*\*'"):
        parse_callback_url("https://me:SECRET@example.com/in?token=SECRET", "callback")


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidRequestError):
        assert parse_callback_url(text, "callback") == text
