"""Token endpoints that take the application's key and secret in one way alone (RFC 6749, 2.3.1)."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.instances.oauth2 import OAuth2
from signalpost.model.errors import (
    ConfigurationError,
    ConnectorError,
    NeedsAuthorisationError,
    RetryLaterError,
)
from signalpost.outbound import Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.store.vault import Vault
from tests.rest.desk import write_desk
from tests.scripted import Reply, run_receiver

APPLICATION = {"oauth.api.key": "my key", "oauth.api.secret": "a/secret:of+mine"}
REFUSED = Reply(401, body=b'{"error": "invalid_client", "error_description": "who?"}')
KEY, OTHER = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
VAULT = Vault([KEY])
GIVEN = Reply(200, body=b'{"access_token": "t", "expires_in": 60}')


async def ask(answer_basic, more=""):
    """Ask an endpoint that refuses what comes in the form; give the tokens, and what arrived.

    ``more`` stands behind what is declared of it.
    """
    async with (
        run_receiver(lambda each: answer_basic if "authorization" in each.headers else REFUSED) as endpoint,
        Outbound(allow_private=True, connections=5) as outbound,
    ):
        text = write_desk(endpoint.url, auth="oauth2_client").replace("\n[account]", f"{more}\n[account]")
        connector = RestConnector(read_text(text, "desk.toml", compile_pattern))
        oauth2 = OAuth2(outbound, lambda: datetime.now(UTC), VAULT)
        try:
            return await oauth2.ask_by_application(connector, APPLICATION), endpoint.arrived
        except Exception as error:
            return error, endpoint.arrived


async def test_key_and_secret_go_by_basic_authentication_where_the_form_is_refused():
    tokens, (first, second) = await ask(GIVEN)
    assert tokens.access_token == "t"
    assert parse_qs(first.body.decode())["client_secret"] == ["a/secret:of+mine"]
    assert parse_qs(second.body.decode()) == {"grant_type": ["client_credentials"]}
    scheme, pair = second.headers["authorization"].split()
    assert (scheme, base64.b64decode(pair)) == ("Basic", b"my+key:a%2Fsecret%3Aof%2Bmine")


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (REFUSED, NeedsAuthorisationError, "invalid_client: who?"),
        (Reply(400, body=b"only forms"), NeedsAuthorisationError, "invalid_client: who?"),
        (Reply(503), RetryLaterError, "failed"),  # nobody is to authorise anything for that
    ],
)
async def test_what_is_refused_both_ways_is_told_by_the_first_and_what_fails_is_tried_later(
    reply, kind, words
):
    error, arrived = await ask(reply)
    assert type(error) is kind
    assert words in str(error)
    assert len(arrived) == 2


async def test_what_the_endpoint_wants_besides_goes_with_both_ways():
    tokens, arrived = await ask(
        GIVEN, 'scopes = ["a", "b"]\nparameters = { audience = "https://a.example/" }\n'
    )
    assert tokens.access_token == "t"
    for each in arrived:
        sent = parse_qs(each.body.decode())
        assert sent["audience"] == ["https://a.example/"]
        assert (sent["grant_type"], sent["scope"]) == (["client_credentials"], ["a b"])


@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "scope"])
def test_what_is_given_anyhow_is_no_such_parameter(name):
    text = write_desk("https://a.example", auth="oauth2_client")
    with pytest.raises(ConfigurationError, match=f"auth.parameters: .*{name} is given by OAuth2 itself"):
        read_text(
            text.replace("\n[account]", f'parameters = {{ {name} = "x" }}\n[account]'), "d", compile_pattern
        )


@pytest.mark.parametrize("connector", ["egnyte", "desk"])
@pytest.mark.parametrize("token", ["two\nlines", "a header\r\nX: of its own", "\x7f", ""])
async def test_a_token_that_no_header_can_hold_is_told_before_it_is_used(connector, token):
    given = json.dumps({"access_token": token, "refresh_token": "r"}).encode()
    async with (
        run_receiver(lambda _: Reply(200, body=given)) as endpoint,
        Outbound(allow_private=True, connections=5) as outbound,
    ):
        text = write_desk(endpoint.url, auth="oauth2_code")
        desk = RestConnector(read_text(text, "desk.toml", compile_pattern))
        asked = EgnyteConnector(endpoint.url) if connector == "egnyte" else desk
        oauth2 = OAuth2(outbound, lambda: datetime.now(UTC), VAULT)
        for asking in (
            oauth2.exchange_code(asked, {**APPLICATION, "subdomain": "acme"}, "code", state=None),
            oauth2.refresh(asked, {**APPLICATION, "subdomain": "acme"}, "spent"),
        ):
            with pytest.raises(ConnectorError, match="token endpoint"):
                await asking


@pytest.mark.parametrize("keys", [[OTHER, KEY], [KEY, OTHER]])
async def test_a_consent_that_began_before_the_keys_were_changed_is_proved_all_the_same(keys):
    now = datetime.now(UTC)
    async with (
        run_receiver(lambda _: GIVEN) as endpoint,
        Outbound(allow_private=True, connections=5) as outbound,
    ):
        text = write_desk(endpoint.url, auth="oauth2_code")
        desk = RestConnector(read_text(text, "desk.toml", compile_pattern))
        begun, finished = (OAuth2(outbound, lambda: now, Vault(each)) for each in (keys, keys[::-1]))
        state = Vault(keys).seal_text("consent", "7", now)
        url = httpx.URL(begun.write_consent_url(desk, APPLICATION, state=state))
        await finished.exchange_code(desk, APPLICATION, "code", state=state)
        verifier = parse_qs(endpoint.arrived[0].body.decode())["code_verifier"][0]
        digest = hashlib.sha256(verifier.encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == url.params["code_challenge"]
