"""A table of hosts that lead inside, in every spelling, and of those that do not: each is asked for, with names made up."""

from __future__ import annotations

import pytest

from signalpost.model.errors import AddressRefusedError
from signalpost.outbound import OutboundError
from tests.unit.outbound.servers import name_hosts, open_outbound

ODD = "an IPv4 address in an unusual spelling"
# Names, and what they resolve to.
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "app.localhost": ["127.0.0.1"],
    "inside.example": ["10.0.0.1"],
    "inside6.example": ["fd00::1"],
    "both.example": ["10.0.0.1", "fe80::1", "10.0.0.2"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::a9fe:a9fe"],
    "zero.example": ["0.0.0.0"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "metadata": ["169.254.169.254"],
    "instance-data": ["169.254.169.254"],
    "instance-data.ec2.internal": ["169.254.169.254"],
    "xn--bcher-kva.example": ["192.168.1.1"],
    "exam_ple.example": ["172.16.0.1"],
    "mixed.example": ["10.0.0.1", "8.8.8.8"],
    "public.example": ["8.8.8.8", "2606:4700::1111"],
    "xn--mnchen-3ya.example": ["1.1.1.1"],
    "a-b.c-d.example": ["9.9.9.9"],
    "1.example": ["1.1.1.1"],
    "0x7f.example": ["1.1.1.1"],
    "127.0.0.1.example": ["1.1.1.1"],
}

# Reason -> hosts as they stand in a URL.
REFUSED: dict[str, str] = {
    "unspecified": "0.0.0.0 0.1.2.3 [::] [0:0:0:0:0:0:0:0] [0::0] zero.example",
    "loopback": """
        127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.254 [::1] [0:0:0:0:0:0:0:1] [::0001] [0000::1] localhost LOCALHOST
        LocalHost localhost. app.localhost 127.0.0.1.nip.example \u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3
        \uff11\uff12\uff17.\uff10.\uff10.\uff11 \uff11\uff12\uff17\uff0e\uff10\uff0e\uff10\uff0e\uff11 127\u30020\u30020\u30021
        \u2460\u2461\u2466.\u24ea.\u24ea.\u2460 127\uff610\uff610\uff611 [::1%25lo] \uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54
    """,
    "private": """
        10.0.0.0 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 inside.example
        INSIDE.example inside.example. both.example \uff11\uff10.0.0.1 xn--bcher-kva.example b\u00fccher.example
        B\u00dcCHER.example exam_ple.example
    """,
    "shared": "100.64.0.1 100.127.255.255 100.100.100.200",
    "link-local": """
        169.254.0.1 169.254.169.254 169.254.170.2 169.254.255.255 [fe80::1] [FE80::1] [fe80::1%25eth0] [febf::1]
        metadata.google.internal metadata METADATA instance-data instance-data.ec2.internal metadata.google.internal.
        \uff11\uff16\uff19.254.169.254
    """,
    "cloud platform": "168.63.129.16",
    "reserved": """
        192.0.0.1 192.0.0.192 192.88.99.1 240.0.0.1 250.1.2.3 255.255.255.254 [::2] [::127.0.0.1] [::7f00:1] [::8.8.8.8]
        [::ffff:0:127.0.0.1] [::ffff:0:7f00:1] [1::1] [200::1] [4000::1] [5f00::1] [2001:2::1] [2001:10::1] [2001:20::1]
        [64:ff9b:2::1] [fe00::1]
    """,
    "documentation": "192.0.2.1 198.51.100.7 203.0.113.9 [2001:db8::1] [2001:DB8:1::1] [3fff::1]",
    "benchmarking": "198.18.0.1 198.19.255.255",
    "multicast": "224.0.0.1 224.0.0.251 239.255.255.250 [ff02::1] [ff05::2] [FF00::]",
    "broadcast": "255.255.255.255",
    "discard-only": "[100::1]",
    "unique local": "[fc00::1] [fd00::1] [fd00:ec2::254] [fdff:ffff::1] [fd20:ce::254] inside6.example",
    "site-local": "[fec0::1] [feff::1]",
    "private NAT64": "[64:ff9b:1::1] [64:ff9b:1::8.8.8.8]",
    "IPv4-mapped": """
        [::ffff:127.0.0.1] [::FFFF:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:10.0.0.1]
        [::ffff:192.168.1.1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:0.0.0.0] [::ffff:100.64.0.1]
        [::ffff:224.0.0.1] [::ffff:255.255.255.255] mapped.example
    """,
    "NAT64": "[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b::a9fe:a9fe] nat64.example",
    "6to4": "[2002:7f00:1::] [2002:a00:1::1] [2002:c0a8:101::1] [2002:a9fe:a9fe::1] [2002:0:0::1]",
    "Teredo": "[2001::1] [2001:0:a00:1::f7f7:f7f7] [2001:0:808:808::80ff:fffe] [2001:0:808:808::f5ff:fffe]",
    "ISATAP": "[2606:4700::5efe:10.0.0.1] [2606:4700::200:5efe:127.0.0.1] [2a00::5efe:a9fe:a9fe]",
    ODD: """
        0 1 2130706433 3232235777 134744072 017700000001 0x7f000001 0X7F000001 0x7f.1 0x7f.0.0.1 0x7f.0x0.0x0.0x1 127.1
        127.0.1 10.1 0177.0.0.1 0177.0.0.01 0177.1 127.0.0.01 127.0.0.0x1 010.0.0.1 0010.0.0.1 08.8.8.8 8.8.8.08 0xa.1
        192.168.257 172.1048577 1.2.3.4.5 256.1.1.1 127.0.0.256 99999999999 0xffffffffff 127.0.0.1. 127.0.0.1..
        127.0.0.1\u3002 127.1. 0x7f.1. 8.8.8.8. 10.0.0.1... 0x 1.0x \uff10\uff58\uff17\uff46.1 \u0661\u0662\u0667.0.0.1
        \u2487.1 foo.1 a.b.0x7f 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 0xa9.0xfe.0xa9.0xfe
    """,
}
REFUSALS = [(host, reason) for reason, hosts in REFUSED.items() for host in hosts.split()]

PASSED = """
    1.1.1.1 8.8.8.8 9.9.9.9 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 168.63.129.17 169.253.255.255
    169.255.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.0.3.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
    203.0.114.1 223.255.255.255 [2001:4860:4860::8888] [2606:4700::1111] [2606:4700:0:0:0:0:0:1111] [2A00:1450::1]
    [::ffff:8.8.8.8] [64:ff9b::8.8.8.8] [2002:808:808::1] [2001:0:808:808::f7f7:f7f7] [2606:4700::5efe:8.8.8.8] mixed.example
    public.example PUBLIC.example public.example. m\u00fcnchen.example xn--mnchen-3ya.example a-b.c-d.example 1.example
    0x7f.example 127.0.0.1.example \uff18.8.8.8 \uff50ublic.example unknown.example
"""
PUBLIC = PASSED.split()

# Such URLs never become a request.
UNWRITABLE = [
    "http://",
    "http:///path",
    "http://[::1",
    "http://::1/",
    "http://[127.0.0.1]/",
    "http://127.0.0.1\\@8.8.8.8/",
    "http://8.8.8.8\\.example/",
    "http://loc\u00adalhost/",
    "http://a\u200db..example:99999/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/_x",
    "ftp://127.0.0.1/",
    "unix:///run/docker.sock",
    "//127.0.0.1/",
    "//public.example/",
    "ws://public.example/",
    "127.0.0.1",
]


def test_that_the_table_is_large() -> None:
    assert len({host for host, _ in REFUSALS}) == len(REFUSALS) >= 150
    assert len(set(PUBLIC)) == len(PUBLIC) >= 30


@pytest.mark.parametrize(("host", "reason"), REFUSALS)
async def test_a_host_that_leads_inside_is_neither_vetted_nor_called(host: str, reason: str) -> None:
    async with open_outbound(allow_private=False, look_up=name_hosts(NAMES)) as outbound:
        for url in (f"http://{host}/in?token=SECRET", f"https://me:SECRET@{host}:8443/"):
            with pytest.raises(AddressRefusedError) as vetted:
                await outbound.vet(url)
            with pytest.raises(AddressRefusedError) as called:
                await outbound.request("POST", url, headers={}, body=b"x", max_bytes=10)
            for caught in (vetted, called):
                assert f"is not a public address ({reason}" in str(caught.value)
                assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("host", PUBLIC)
async def test_a_host_outside_passes(host: str) -> None:
    async with open_outbound(allow_private=False, look_up=name_hosts(NAMES)) as outbound:
        await outbound.vet(f"https://{host}/in")
        await outbound.vet(f"http://me:secret@{host}:8080/in")


@pytest.mark.parametrize("url", UNWRITABLE)
async def test_no_request_is_made_of_nonsense(url: str) -> None:
    async with open_outbound(allow_private=False, look_up=name_hosts(NAMES)) as outbound:
        with pytest.raises((OutboundError, AddressRefusedError)):
            await outbound.request("GET", url, headers={}, max_bytes=10)
