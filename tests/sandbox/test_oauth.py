"""Consent, codes, tokens and their ends (egnyte-api.md section 1)."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.conftest import REDIRECT_URI, Egnyte

ASKED = {
    "client_id": "key",
    "redirect_uri": REDIRECT_URI,
    "scope": "Egnyte.filesystem Egnyte.user",
    "state": 'odd "state" <&',
    "response_type": "code",
}


class FormReader(HTMLParser):
    """Reads what a browser would post, and what labels there are."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.labelled: set[str] = set()
        self.action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        elif tag == "input":
            self.fields[found["name"]] = found["value"]
        elif tag == "label":
            self.labelled.add(found["for"])
        elif tag == "button":
            self.buttons.append(found["value"])


async def read_form(egnyte: Egnyte, **changed: str) -> FormReader:
    page = await egnyte.get("/puboauth/token", **ASKED | changed)
    assert page.status == 200
    reader = FormReader()
    reader.feed(page.text)
    return reader


async def test_consent_page_carries_the_request_and_offers_two_buttons(fresh_egnyte: Egnyte) -> None:
    form = await read_form(fresh_egnyte)
    assert form.buttons == ["allow", "deny"]
    assert form.labelled == {"username"}
    assert form.fields == {name: ASKED[name] for name in ("client_id", "redirect_uri", "scope", "state")}


@pytest.mark.parametrize(("decision", "parameter"), [("allow", "code"), ("deny", "error")])
async def test_decision_leads_back_to_the_application(
    fresh_egnyte: Egnyte, decision: str, parameter: str
) -> None:
    form = await read_form(fresh_egnyte)
    posted = form.fields | {"username": "power", "decision": decision}
    reply = await fresh_egnyte.call("POST", form.action, data=posted)
    assert reply.status == 302
    location = urlsplit(reply.headers["Location"])
    query = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert f"{location.scheme}://{location.netloc}{location.path}" == "https://app.example/cb"
    assert query.keys() == {"tenant", parameter, "state"}
    assert query["state"] == ASKED["state"]
    if decision == "deny":
        assert query["error"] == "access_denied"
        return
    token = await fresh_egnyte.ask_token("authorization_code", code=query["code"], redirect_uri=REDIRECT_URI)
    fresh_egnyte.token = token.json["access_token"]
    who = (await fresh_egnyte.get("/pubapi/v1/whoami")).json
    assert who == {
        "clientId": "key",
        "username": "power",
        "domain": "acme",
        "scopes": ["Egnyte.filesystem", "Egnyte.user"],
    }


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"client_id": ""}, "client_id"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uri": ""}, "redirect_uri"),
        ({"redirect_uri": "http://["}, "redirect_uri"),
        ({"response_type": "token"}, "response_type"),
    ],
)
async def test_wrong_authorize_request_is_told_and_never_redirected(
    fresh_egnyte: Egnyte, wrong: dict[str, str], named: str
) -> None:
    page = await fresh_egnyte.get("/puboauth/token", **ASKED | wrong)
    assert page.status == 400
    assert "Location" not in page.headers
    assert named in page.text


async def test_request_is_escaped_in_pages(fresh_egnyte: Egnyte) -> None:
    page = await fresh_egnyte.get("/puboauth/token", **ASKED | {"client_id": "<script>", "scope": "<i>"})
    assert "<script>" not in page.text
    assert "<i>" not in page.text


async def test_code_is_exchanged_once(fresh_egnyte: Egnyte) -> None:
    code = await fresh_egnyte.authorize()
    first = await fresh_egnyte.ask_token("authorization_code", code=code, redirect_uri=REDIRECT_URI)
    assert first.json.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (first.json["token_type"], first.json["expires_in"]) == ("bearer", 2_592_000)
    again = await fresh_egnyte.ask_token("authorization_code", code=code, redirect_uri=REDIRECT_URI)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_secret": "other"}, "invalid_client"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"redirect_uri": "https://app.example/other"}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
    ],
)
async def test_wrong_exchange_is_refused(fresh_egnyte: Egnyte, wrong: dict[str, str], error: str) -> None:
    form = {"code": await fresh_egnyte.authorize(), "redirect_uri": REDIRECT_URI}
    form |= {"client_id": "key", "client_secret": "secret", "grant_type": "authorization_code"}
    reply = await fresh_egnyte.call("POST", "/puboauth/token", data=form | wrong)
    assert (reply.status, reply.json["error"]) == (400, error)


async def test_code_expires(fresh_egnyte: Egnyte) -> None:
    code = await fresh_egnyte.authorize()
    fresh_egnyte.clock.now += 601
    reply = await fresh_egnyte.ask_token("authorization_code", code=code, redirect_uri=REDIRECT_URI)
    assert reply.status == 400


async def test_older_regime_gives_a_token_that_never_expires(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.control("PATCH", "settings", {"expires_in": -1})
    token = await fresh_egnyte.connect()
    assert token == {"access_token": fresh_egnyte.token, "token_type": "bearer", "expires_in": "-1"}
    fresh_egnyte.clock.now += 10 * 365 * 86_400
    assert (await fresh_egnyte.get("/pubapi/v1/userinfo")).status == 200


async def refresh(egnyte: Egnyte, token: dict[str, Any]) -> Any:
    return await egnyte.ask_token("refresh_token", refresh_token=token["refresh_token"])


async def test_expired_token_is_refreshed_and_the_refresh_token_rotates(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.control("PATCH", "settings", {"expires_in": 60})
    old = await fresh_egnyte.connect()
    fresh_egnyte.clock.now += 60
    assert (await fresh_egnyte.get("/pubapi/v1/userinfo")).status == 401
    new = (await refresh(fresh_egnyte, old)).json
    assert new["refresh_token"] != old["refresh_token"]
    reply = await fresh_egnyte.call("GET", "/pubapi/v1/userinfo", token=new["access_token"])
    assert reply.status == 200
    assert (await refresh(fresh_egnyte, old)).status == 400
    assert (await refresh(fresh_egnyte, new)).status == 200


async def test_without_rotation_the_refresh_token_stays(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.control("PATCH", "settings", {"refresh_rotation": False})
    old = await fresh_egnyte.connect()
    new = (await refresh(fresh_egnyte, old)).json
    assert "refresh_token" not in new
    assert (await refresh(fresh_egnyte, old)).status == 200


async def test_revoked_token_takes_its_refresh_token_along(egnyte: Egnyte) -> None:
    token = await egnyte.connect()
    wrong = {"token": token["access_token"], "client_secret": "other"}
    assert (await egnyte.call("POST", "/pubapi/v1/tokens/revoke", data=wrong)).status == 400
    right = wrong | {"client_secret": "secret"}
    assert (await egnyte.call("POST", "/pubapi/v1/tokens/revoke", data=right)).status == 200
    assert (await egnyte.get("/pubapi/v1/userinfo")).status == 401
    assert (await refresh(egnyte, token)).status == 400
    assert (await egnyte.call("POST", "/pubapi/v1/tokens/revoke", data={"token": "none"})).status == 200


async def test_password_change_kills_the_tokens_of_that_user_alone(fresh_egnyte: Egnyte) -> None:
    admin = await fresh_egnyte.connect(username="admin")
    power = await fresh_egnyte.connect(username="power")
    assert await fresh_egnyte.control("POST", "revoke", {"username": "power"}) == {"revoked": 1}
    reply = await fresh_egnyte.call("GET", "/pubapi/v1/userinfo", token=power["access_token"])
    assert reply.status == 401
    assert (await refresh(fresh_egnyte, power)).status == 400
    reply = await fresh_egnyte.call("GET", "/pubapi/v1/userinfo", token=admin["access_token"])
    assert reply.status == 200


@pytest.mark.parametrize("token", [None, "garbage"])
async def test_unknown_token_is_refused_by_the_gateway(fresh_egnyte: Egnyte, token: str | None) -> None:
    reply = await fresh_egnyte.call("GET", "/pubapi/v1/userinfo", token=token)
    assert reply.status == 403
    assert reply.headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_INACTIVE"
    assert reply.headers["X-Error-Detail-Header"] == "Account Inactive"
    assert reply.text == "<h1>Developer Inactive</h1>"


async def test_scope_is_checked(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.connect(scope="Egnyte.user")
    reply = await fresh_egnyte.get("/pubapi/v2/events", id=0)
    assert reply.status == 403
    assert "X-Mashery-Error-Code" not in reply.headers
    assert (await fresh_egnyte.get("/pubapi/v1/userinfo")).status == 200


async def test_userinfo_describes_the_user(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.connect(username="standard")
    assert (await fresh_egnyte.get("/pubapi/v1/userinfo")).json == {
        "id": 12_824_215_695,
        "first_name": "Sandbox",
        "last_name": "Standard",
        "username": "standard",
        "user_type": "standard",
        "email": "standard@example.com",
    }


async def test_password_grant(fresh_egnyte: Egnyte) -> None:
    reply = await fresh_egnyte.ask_token("password", username="admin", password="secret")
    assert reply.status == 200
    assert (await fresh_egnyte.ask_token("password", username="admin", password="no")).status == 400
    assert (await fresh_egnyte.ask_token("password", username="nobody", password="secret")).status == 400


async def test_strict_keys_know_only_what_was_registered(fresh_egnyte: Egnyte) -> None:
    key = {"client_id": "mine", "secret": "s3", "redirect_uris": [REDIRECT_URI]}
    shown = await fresh_egnyte.control("PATCH", "settings", {"strict_keys": True, "keys": [key]})
    assert shown["keys"] == [{"client_id": "mine", "redirect_uris": [REDIRECT_URI]}]
    assert (await fresh_egnyte.get("/puboauth/token", **ASKED)).status == 400
    elsewhere = ASKED | {"client_id": "mine", "redirect_uri": "https://app.example/else"}
    assert (await fresh_egnyte.get("/puboauth/token", **elsewhere)).status == 400
    assert (await fresh_egnyte.get("/puboauth/token", **ASKED | {"client_id": "mine"})).status == 200
    unknown = await fresh_egnyte.ask_token("authorization_code", code="any")
    assert unknown.headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_INACTIVE"
    code = await fresh_egnyte.authorize(client_id="mine")
    form = {"client_id": "mine", "code": code, "redirect_uri": REDIRECT_URI}
    wrong = await fresh_egnyte.ask_token("authorization_code", **form)
    assert wrong.json["error"] == "invalid_client"
    right = await fresh_egnyte.ask_token("authorization_code", **form, client_secret="s3")
    assert right.status == 200


async def test_token_endpoint_is_throttled_per_key_and_hour(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.control("PATCH", "settings", {"token_calls_per_hour": 1})
    await fresh_egnyte.connect()
    fresh_egnyte.clock.now += 600
    reply = await fresh_egnyte.ask_token("refresh_token", refresh_token="any")
    assert (reply.status, reply.headers["Retry-After"]) == (409, "3000")
    fresh_egnyte.clock.now += 3000
    await fresh_egnyte.connect()
