"""Providers that answer wrongly: told as failing, nothing concluded from it, and never read for ever."""

from __future__ import annotations

import pytest

from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.addresses import follow
from signalpost.connectors.rest.answers import find_list, read_json
from signalpost.connectors.rest.listing import find_link
from signalpost.connectors.rest.reading import read_text
from signalpost.model.errors import (
    ConnectorError,
    InvalidRequestError,
    NeedsAuthorisationError,
    QuotaSpentError,
    RejectedError,
    RetryLaterError,
    TooFastError,
)
from signalpost.outbound import Answer, Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.polling.strategies import reading
from signalpost.polling.strategies.reading import read_list
from signalpost.sandbox.rest.state import Fault
from tests.rest.desk import write_desk


class Session:
    """Calls without any authorisation (``resource.Session``)."""

    def __init__(self, outbound, connector):
        self.outbound, self.connector = outbound, connector
        self.base_url = connector.find_host({})
        self.urls = []

    async def get(self, path, parameters):
        url = (
            self.base_url
            + path
            + ("?" + "&".join(f"{key}={text}" for key, text in parameters.items()) if parameters else "")
        )
        self.urls.append(url)
        answer = await self.outbound.request("GET", url, headers={}, max_bytes=1_000_000)
        failure = self.connector.classify(answer)
        if failure is not None:
            raise failure
        return answer


@pytest.fixture
def read(api):
    """Give a function that reads the whole list by a pagination, and gives its records."""
    api.state.collections["tickets"] = [{"id": number} for number in range(5)]

    async def read_it(pagination, **wishes):
        connector = RestConnector(
            read_text(write_desk(api.url, pagination=pagination), "desk.toml", compile_pattern)
        )
        async with Outbound(allow_private=True, connections=10) as outbound:
            session = Session(outbound, connector)
            listing = connector.open_listing(connector.resources[0], {}, [])
            return [
                record["id"]
                async for page in read_list(listing, session, wishes.get("size"))
                for record in page.records
            ]

    return read_it


@pytest.mark.parametrize("pagination", ["none", "page", "offset", "cursor", "after", "link", "next_url"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_a_list_is_read_whole_whatever_the_size_of_a_page(read, pagination, size):
    assert await read(pagination, size=size) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("pagination", ["page", "offset", "after", "link", "next_url"])
@pytest.mark.parametrize("records", [0, 1, 2, 4])
async def test_a_list_that_ends_with_a_page_is_read_whole(read, api, pagination, records):
    api.state.collections["tickets"] = [{"id": number} for number in range(records)]
    assert await read(pagination) == list(range(records))


@pytest.mark.parametrize("pagination", ["page", "cursor", "after", "link", "next_url"])
async def test_the_same_page_for_ever_is_told(read, api, pagination):
    api.state.faults.append(Fault("same_page", times=1000))
    with pytest.raises(ConnectorError, match=r"same page twice|does not end"):
        await read(pagination)
    assert api.state.calls <= 5


@pytest.mark.parametrize("pagination", ["page", "cursor", "next_url"])
async def test_pages_without_end_are_left(read, api, pagination, monkeypatch):
    monkeypatch.setattr(reading, "MOST_LIST_PAGES", 20)
    api.state.faults.append(Fault("endless", times=1000))
    with pytest.raises(ConnectorError, match="more than 20 pages"):
        await read(pagination)
    assert api.state.calls == 20


@pytest.mark.parametrize("pagination", ["link", "next_url"])
async def test_a_next_page_on_another_host_is_not_read(read, api, pagination):
    api.state.faults.append(Fault("other_host"))
    with pytest.raises(ConnectorError, match=r"not on http://127\.0\.0\.1"):
        await read(pagination)
    assert api.state.calls == 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("html", "no valid JSON: <html>"),
        ("cut_off", "no valid JSON"),
        ("no_list", "no list at data.items; there is result"),
        ("not_a_list", "no list at data.items but an object"),
    ],
)
async def test_what_is_no_list_is_told(read, api, kind, words):
    api.state.faults.append(Fault(kind))
    with pytest.raises(ConnectorError, match=words):
        await read("page")


BASE = "https://acme.example.com/api"


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (f"{BASE}/v2/tickets?page=2", "/v2/tickets?page=2"),
        ("?page=2", "/v2/tickets?page=2"),
        ("/api/v2/tickets?a=%20b", "/v2/tickets?a=%20b"),
        ("HTTPS://ACME.example.com/api/x", "/x"),
        ("https://acme.example.com:443/api/x", "/x"),
        ("http://acme.example.com/api/x?cursor=cD0x", "/x?cursor=cD0x"),
        ("HTTP://acme.example.com:80/api/x", "/x"),
        ("/api/x y?since=2026-05-28 11:41:12", "/x%20y?since=2026-05-28%2011:41:12"),
    ],
)
def test_a_next_page_below_the_base_is_followed(target, found):
    assert follow(BASE, "/v2/tickets", target) == found


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/api/x",
        "//evil.example/api/x",
        "http://acme.example.com/other",
        "http://evil.example/api/x",
        "http://u@acme.example.com/api/x",
        "http://acme.example.com:8080/api/x",
        "ftp://acme.example.com/api/x",
        "https://acme.example.com:8443/api/x",
        "https://acme.example.com@evil.example/api/x",
        "https://u@acme.example.com/api/x",
        "https://acme.example.com.evil.example/api/x",
        "/other",
        "/api/../admin",
        "/api/%2e%2e/admin",
        "/apiary",
        "https://acme.example.com:port/api/x",
        "https://[::1/api/x",
        "\\\\evil.example\\x",
        "javascript:alert(1)",
        "/api/x\x0by",
        "http://acme.example.com:443/api/x",
        "https://acme.example.com:80/api/x",
        "/api//evil.example",
    ],
)
def test_a_next_page_anywhere_else_is_refused(target):
    with pytest.raises(ConnectorError, match="next page"):
        follow(BASE, "/v2/tickets", target)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<https://a/x?b=1,2>; rel="next"', "https://a/x?b=1,2"),
        ('<https://a/1>; rel="prev", <https://a/3>; rel=next; title="x"', "https://a/3"),
        ('<https://a/1>; title="rel=next"; rel="self"', None),
        ('<https://a/3>; rel="last next"', "https://a/3"),
        ('<https://a/3>; rel="nextish"', None),
        ('<https://a/3>; REL = " prev Next ", <https://a/4>; rel=last', "https://a/3"),
        ('<https://a/3>; title="x, y"; rel=next, <https://a/4>; rel="next"', "https://a/3"),
        ("<https://a/3> rel=next", None),
        ("nonsense", None),
    ],
)
def test_the_header_link_is_read(header, found):
    assert find_link(header) == found


@pytest.mark.parametrize(
    "header",
    ["<" * 16_000, "<x>; rel=" + " " * 3000 + "next " * 600 + " " * 3000 + '"x', "<x>" + ";" * 16_000],
)
def test_a_header_link_holds_nobody_up_whatever_is_in_it(header):
    """By a pattern that tries all ways to read it a kilobyte would take a minute of the whole process."""
    find_link(header)


@pytest.mark.parametrize(
    "position", ["x", "-1", "", "1/x", "/../admin", "https://evil.example", "//evil.example/x"]
)
@pytest.mark.parametrize("pagination", ["page", "next_url", "none"])
async def test_a_position_that_no_page_gave_is_refused(api, pagination, position):
    connector = RestConnector(
        read_text(write_desk(api.url, pagination=pagination), "desk.toml", compile_pattern)
    )
    async with Outbound(allow_private=True, connections=10) as outbound:
        listing = connector.open_listing(connector.resources[0], {}, [])
        with pytest.raises(RejectedError, match="no position of this list"):
            await listing.read(Session(outbound, connector), position, None)
    assert api.state.calls == 0


@pytest.mark.parametrize(
    "value", ["evil.example", "a/b", "a@b", "a#", "a?b", "a:1", "", "ä", "-a", "a\nb", "%2e", "x" * 64]
)
def test_no_value_leads_to_another_host(value):
    text = write_desk("https://{team}.example.com").replace(
        "[auth]", '[[fields]]\nkey = "team"\nlabel = "Team"\n[auth]'
    )
    connector = RestConnector(read_text(text, "desk.toml", compile_pattern))
    assert connector.find_host({"team": "acme"}) == "https://acme.example.com/none"
    with pytest.raises(InvalidRequestError, match="team: "):
        connector.find_host({"team": value})


@pytest.mark.parametrize(
    ("status", "kind", "after_seconds"),
    [
        (400, RejectedError, None),
        (401, NeedsAuthorisationError, None),
        (402, QuotaSpentError, 7.0),
        (429, TooFastError, 7.0),
        (503, RetryLaterError, 7.0),
        (302, ConnectorError, None),
    ],
)
def test_statuses_mean_what_the_limits_say(status, kind, after_seconds):
    text = write_desk("https://a.example.com").replace("[limits]", "[limits]\nquota_spent = [402]")
    connector = RestConnector(read_text(text, "desk.toml", compile_pattern))
    failure = connector.classify(Answer(status, {"Retry-After": "7"}, b"no", False, 0.1))
    assert type(failure) is kind
    assert getattr(failure, "after_seconds", None) == after_seconds


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(301, {"Location": "/v2/tickets/?key=s3cret"}, b"", False, 0.1), "answered 301: it leads on to '/v2/tickets/', and is not"),
        (Answer(302, {"Location": "https://u:s3cret@sso.example.com/in#s3cret"}, b"", False, 0.1), "answered 302: it leads on to 'https://sso.example.com/in'"),
        (Answer(307, {"Location": "https://[s3cret"}, b"", False, 0.1), "an address that cannot be read"),
        (Answer(308, {}, b"moved", False, 0.1), "answered 308: moved"),
        (Answer(200, {}, b"", False, 0.1), "no valid JSON: its body is empty"),
        (Answer(202, {}, b"", False, 0.1), "answered 202 with no valid JSON: its body is empty"),
        (Answer(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b", False, 0.1), r"compressed \(gzip\), which was not"),
    ],
)  # fmt: skip
def test_what_comes_in_the_place_of_json_is_told(answer, words):
    connector = RestConnector(read_text(write_desk("https://a.example.com"), "desk.toml", compile_pattern))
    with pytest.raises(ConnectorError, match=words) as told:
        raise connector.classify(answer) or read_json("Desk", answer)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            b"{}",
            "at data.items; there is an empty object; if it leaves .* out, declare absent_is_empty = true",
        ),
        (b"[]", "at data.items; there is a list"),
        (b"null", "at data.items; there is null"),
        (b'"text"', "at data.items; there is a text"),
        (b"false", "at data.items; there is false"),
        (b'{"data": {"items": 7.5}}', "at data.items but a number"),
        (b'{"data": {"items": {}}}', "at data.items but an empty object"),
        (b'{"data": {"items": {"7": 1}}}', "at data.items but an object; if its .* declare a key_field"),
    ],
)
def test_what_stands_in_the_place_of_a_list_is_named_as_json_has_it(body, words):
    with pytest.raises(ConnectorError, match=f"^Desk gave no list {words}$"):
        find_list("Desk", read_json("Desk", Answer(200, {}, body, False, 0.1)), "data.items")


def test_a_base_by_http_is_left_for_nothing_else():
    base = BASE.replace("https", "http")
    assert follow(base, "/v2/tickets", "//acme.example.com/api/x?a=1") == "/x?a=1"
    for target in (f"{BASE}/x", "http://acme.example.com:443/api/x"):
        with pytest.raises(ConnectorError, match="which is not on http://acme"):
            follow(base, "/v2/tickets", target)
