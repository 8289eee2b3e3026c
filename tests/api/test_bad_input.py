"""Requests to connect that cannot be: each a clear error that names the field and the value, and nothing half-done."""

from __future__ import annotations

import json

import pytest
import pytest_asyncio

from tests.api.answers import accepted, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

MASK = "********"
POLLER = "event.poller.configuration"
CALLBACK = "event.notification.callback.url"
INTERVAL = "event.poller.refresh_interval"


@pytest_asyncio.fixture(loop_scope="session")
async def refuse(still):
    """Give a function that sends a request, expects it refused, and checks that nothing came of it."""
    tables = ("instance", "endpoint", "credential", "resource_poll")
    query = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)

    async def send(body, status, *words, calls=()):
        before, received = await still.pool.fetchrow(query), len(still.listener.received)
        await still.control("DELETE", "calls")
        answer = refused(await still.client.post("/instances", json=body), status, *words)
        called = await still.control("GET", "calls")
        assert sorted(called["paths"]) == sorted(calls)
        assert await still.pool.fetchrow(query) == before
        assert len(still.listener.received) == received
        assert accepted(await still.client.get("/instances")) == []
        return answer

    return send


@pytest.mark.parametrize(
    ("element", "status", "words"),
    [
        ({"key": "dropbox"}, 404, ["'dropbox'", "known: egnyte"]),
        ({"id": 4017}, 404, ["'4017'", "known: egnyte"]),
        ({"key": "egnyte\0"}, 404, ["known: egnyte"]),
        ({"key": ""}, 400, ["element.key", "missing"]),
        ({}, 400, ["element.key", "missing"]),
        (None, 400, ["element.key", "missing"]),
    ],
)
async def test_an_unknown_connector(still, refuse, element, status, words):
    await refuse({**await still.body(), "element": element}, status, *words)


@pytest.mark.parametrize(
    "provider", [None, {}, {"code": None}, {"code": ""}, {"code": " "}, {"state": "egnyte"}]
)
async def test_a_missing_code(still, refuse, provider):
    await refuse({**await still.body(), "providerData": provider}, 400, "providerData.code", "missing")


@pytest.mark.parametrize("code", ["no-such-code", "\0", "漢" * 1_000, 5])
async def test_a_refused_code_is_explained_in_the_providers_words(still, refuse, code):
    body = {**await still.body(), "providerData": {"code": code}}
    answer = await refuse(body, 400, "providerData.code", calls=["/puboauth/token"])
    assert "invalid_grant" in answer["providerMessage"]


async def test_a_code_that_was_used(still, refuse):
    body = await still.body()
    instance = accepted(await still.client.post("/instances", json=body))
    accepted(await still.client.delete(f"/instances/{instance['id']}"))
    answer = await refuse(body, 400, "providerData.code", calls=["/puboauth/token"])
    assert "used" in answer["providerMessage"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("oauth.api.secret", "a wrong secret"), ("oauth.callback.url", "https://other.example.com")],
)
async def test_a_code_with_the_wrong_application(still, refuse, key, value):
    answer = await refuse(
        await still.body(**{key: value}), 400, "providerData.code", calls=["/puboauth/token"]
    )
    assert "invalid_" in answer["providerMessage"]
    assert "a wrong secret" not in json.dumps(answer)


@pytest.mark.parametrize("key", ["oauth.api.key", "oauth.api.secret", "oauth.callback.url", "subdomain"])
@pytest.mark.parametrize("value", [None, "", "  "])
async def test_a_missing_value_that_is_required(still, refuse, key, value):
    await refuse(await still.body(**{key: value}), 400, f"configuration.{key}", "missing")


@pytest.mark.parametrize("key", ["oauth.api.key", "oauth.api.secret", "event.notification.signature.key"])
async def test_a_mask_that_hides_nothing(still, refuse, key):
    await refuse(await still.body(**{key: MASK}), 400, f"configuration.{key}", MASK)


@pytest.mark.parametrize(
    "subdomain",
    [
        "acme.evil",
        "acme.egnyte.com",
        "https://acme.egnyte.com",
        "acme/evil",
        "acme\\evil",
        "acme@evil",
        "acme#evil",
        "acme?evil",
        "acme:80",
        "acme evil",
        "acme\nevil",
        "acme%2eevil",
        "-acme",
        "acme-",
        "a" * 64,
        "acmé",
        "аcme",  # noqa: RUF001 - a Cyrillic letter
        "ａcme",  # noqa: RUF001 - a wide letter
        "acme\u3002evil",
        "acme\u2024evil",
        "acme\u200b",
        "ac\u00adme",
        "\u202eacme",
        ["acme"],
        {"a": "acme"},
    ],
)
async def test_a_subdomain_that_is_none(still, refuse, subdomain):
    shown = repr(subdomain.lower()[:50])[1:-1] if isinstance(subdomain, str) else "acme"
    await refuse(await still.body(subdomain=subdomain), 400, "subdomain: ", shown, "as in 'acme'")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ftp://example.com/x", "ftp://example.com/x"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("example.com/x", "example.com/x"),
        ("//example.com/x", "//example.com/x"),
        ("http://", "http://"),
        ("http:///x", "http:///x"),
        ("http://user:open-sesame@example.com/x", "example.com/x"),
        ("http://user@example.com/x", "example.com/x"),
        ("http://exa mple.com", "exa mple.com"),
        ("http://example.com:99999", "example.com:99999"),
        ("http://example.com:0", "example.com:0"),
        ("http://[::1", "[::1"),
        ("http://exam<ple.com", "exam<ple.com"),
        ("http://exam\nple.com", "ple.com"),
        ("https://example.com/" + "x" * 3_000, "2,000"),
        (5, "5"),
        (["http://example.com"], "example.com"),
    ],
)
async def test_a_callback_url_that_is_none(still, refuse, url, shown):
    answer = await refuse(await still.body(**{CALLBACK: url}), 400, CALLBACK, shown)
    assert "open-sesame" not in answer["message"]


@pytest.mark.parametrize(
    "interval",
    [
        "soon",
        "15 minutes",
        "0",
        0,
        "-1",
        -1,
        "0.0001",
        1e-9,
        "1e9",
        10**30,
        "NaN",
        "inf",
        "1_0",
        "\u0661\u0665",
        True,
        [15],
        {},
    ],
)
async def test_an_interval_that_is_none(still, refuse, interval):
    shown = repr(interval)[1:-1][:2] if isinstance(interval, str) else ""
    await refuse(await still.body(**{INTERVAL: interval}), 400, f"{INTERVAL}: ", shown, "as in 15")


def events(**change):
    return {"events": {"url": "/hubs/documents/events", **change}}


def dates(**change):
    return events(datesConfiguration=change)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("not json", [POLLER, "not JSON", "'not json'"]),
        ('{"events": ', [POLLER, "not JSON", "character 12"]),
        ("[]", [POLLER, "object of resources"]),
        ([], [POLLER, "object of resources"]),
        (5, [POLLER, "object of resources"]),
        ({}, [POLLER, "object of resources"]),
        ({"": events()["events"]}, [POLLER, "name"]),
        ({"x" * 101: events()["events"]}, [POLLER, "name", "100"]),
        ({"events": None}, [f"{POLLER}.events", "None"]),
        ({"events": "on"}, [f"{POLLER}.events", "'on'"]),
        ({"events": {}}, [f"{POLLER}.events.url", "missing", "/hubs/documents/events"]),
        (events(url=""), [f"{POLLER}.events.url", "missing"]),
        (events(url=5), [f"{POLLER}.events.url", "missing"]),
        (events(url="/" * 5_000), [f"{POLLER}.events.url", "5,000", "4,000"]),
        (
            events(url="/hubs/documents/planets"),
            [f"{POLLER}.events.url", "planets", "known: /hubs/documents/events"],
        ),
        (
            events(url="http://127.0.0.1/hubs/documents/events"),
            [f"{POLLER}.events.url", "127.0.0.1", "known: "],
        ),
        (events(url="//127.0.0.1/hubs/documents/events"), [f"{POLLER}.events.url", "127.0.0.1", "known: "]),
        (events(url="http://[x/hubs/documents/events"), [f"{POLLER}.events.url", "[x", "known: "]),
        (events(url="/hubs/documents/../documents/events"), [f"{POLLER}.events.url", "..", "known: "]),
        (events(url="/hubs/documents/events?planet=mars"), [f"{POLLER}.events.url", "'planet'", "known: "]),
        (events(idField=5), [f"{POLLER}.events.idField", "5"]),
        (events(datesConfiguration=["x"]), [f"{POLLER}.events.datesConfiguration", "['x']"]),
        (dates(updatedAtFormat="yyyy-QQ"), [f"{POLLER}.events.datesConfiguration.updatedAtFormat", "Q"]),
        (dates(createdAtFormat="yyyy 'at"), [f"{POLLER}.events.datesConfiguration.createdAtFormat"]),
        (dates(updatedDateFormat="'yyyy"), [f"{POLLER}.events.datesConfiguration.updatedDateFormat"]),
        (dates(createdDateFormat=5), [f"{POLLER}.events.datesConfiguration.createdDateFormat", "5"]),
        (dates(updatedAtTimezone="Mars/Olympus"), [".updatedAtTimezone", "Mars/Olympus"]),
        (dates(createdDateTimezone="../etc/passwd"), [".createdDateTimezone", "../etc/passwd"]),
        (events(x="a\0b"), [POLLER, "NUL"]),
        (json.dumps(events(x="a\0b")), [POLLER, "NUL"]),
        (json.dumps(json.dumps(events(x="a\0b"))), [POLLER, "NUL"]),
        (json.dumps(events(x="\ud800")), [POLLER, "not JSON"]),
        (
            '{"events": {"url": "/hubs/documents/events", "x": %s}}' % ("[" * 300 + "]" * 300),
            [POLLER, "too deeply"],
        ),
        ("[" * 5_000, [POLLER, "not JSON"]),
    ],
)
async def test_a_poller_configuration_that_is_none(still, refuse, value, words):
    await refuse(await still.body(**{POLLER: value}), 400, *words)


async def test_a_poller_configuration_is_checked_while_events_are_off(still, refuse):
    await refuse(await still.body(**{POLLER: "not json", "event.notification.enabled": False}), 400, POLLER)


async def test_a_backslash_before_u0000_is_plain_text(still):
    await still.connect(**{POLLER: events(x="\\u0000")})


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("event.notification.enabled", "yes", "'yes'"),
        ("event.notification.enabled", 1, "'1'"),
        ("event.notification.enabled", [True], "[true]"),
        ("event.notification.raw", "sometimes", "'sometimes'"),
        ("event.notification.signature.key", "k" * 1_001, "1,001"),
        ("other", "a\0b", "NUL"),
        ("k" * 201, "x", "200"),
        ("a\0b", "x", "NUL"),
    ],
)
async def test_other_values_that_cannot_be(still, refuse, key, value, shown):
    await refuse(await still.body(**{key: value}), 400, "configuration" if len(key) > 100 else key[:1], shown)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "<b></b>"}, ["name"]),
        ({"name": "n" * 256}, ["name", "255"]),
        ({"name": "a\nb"}, ["name", "'a\\nb'"]),
        ({"name": "a\0b"}, ["name", "'a\\x00b'"]),
        ({"name": "a\u202eb"}, ["name", "'a\\u202eb'"]),
        ({"name": "\u200d"}, ["name", "'\\u200d'"]),
        ({"tags": ["t"] * 51}, ["tags", "51", "50"]),
        ({"tags": ["<br>"]}, ["tags"]),
        ({"tags": ["t" * 256]}, ["tags", "255"]),
        ({"tags": ["a\0b"]}, ["tags", "'a\\x00b'"]),
    ],
)
async def test_a_name_or_a_tag_that_cannot_be(still, refuse, change, words):
    await refuse({**await still.body(), **change}, 400, *words)
