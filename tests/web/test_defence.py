"""What an attacker tries from outside: long forms, forged headers, other sites, secrets that would show somewhere."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from structlog.testing import capture_logs

from signalpost.model.clock import SharedClock, read_now
from signalpost.store.health import Health
from signalpost.web.app import PageFrame
from signalpost.web.pages import NOTICE_COOKIE
from signalpost.web.routes import ROUTERS
from signalpost.web.visits import SESSION_COOKIE, VISITOR_COOKIE, derive_csrf
from tests.support import until
from tests.web.consent import NEW, fill

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def read_csrf(browser, page: str = "/sign-in") -> str:
    return re.search(r'name="csrf" value="(\w+)"', await browser.read(page))[1]


@pytest.fixture
async def browser_of_quiet(quiet, enter):
    return await enter(quiet)


async def test_a_password_as_long_as_a_form_takes_holds_nobody_up(world, arrive):
    """To normalise marks that go above and below a letter by turns takes minutes of the whole process: it would hang."""
    visitor = arrive()
    marks = "a" + "\u0301\u0323" * 60_000
    given = {"csrf": await read_csrf(visitor), "email": "ada@example.com", "password": marks}
    answer = await visitor.client.post("/sign-in", data=given)
    assert answer.status_code == 400


async def test_a_name_as_long_as_a_form_takes_holds_nobody_up(world, browser):
    page = f"/instances/{(await world.connect())['id']}/delete"
    answer = await browser.send(page, page, name="a" + "\u0301\u0323" * 60_000)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"csrf=x&email=" + b"a" * 10_000_000, 413),
        (b"&".join(b"a%d=1" % number for number in range(20_000)), 400),
        (b"csrf=%ff", 400),
        (b"csrf=%00", 400),
        (b"\xff\xfe", 400),
        (b"", 403),
    ],
)
async def test_forms_are_bounded(quiet, arrive, body, status):
    visitor = arrive()
    await visitor.read("/sign-in")
    answer = await visitor.client.post("/sign-in", content=body, headers=FORM)
    assert answer.status_code == status
    assert len(answer.content) < 10_000


async def test_long_cookies_and_names_do_no_harm(quiet, browser_of_quiet):
    browser = browser_of_quiet
    for name in (SESSION_COOKIE, VISITOR_COOKIE, NOTICE_COOKIE):
        answer = await browser.client.get("/sign-in", headers={"cookie": f"{name}=" + "a" * 60_000})
        assert (answer.status_code, len(answer.content) < 10_000) == (200, True)
    page = await browser.read(NEW)
    answer = await browser.client.post(NEW, data=fill(quiet, page, name="n" * 200_000))
    assert answer.status_code == 400
    assert 'id="name-error"' in answer.text
    assert await quiet.pool.fetchval("SELECT count(*) FROM connection") == 0


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: a=b",
        "/\t/evil.example",
        " //evil.example",
        "",
    ],
)
async def test_nobody_is_led_to_another_site(quiet, browser_of_quiet, wanted):
    client = browser_of_quiet.client
    answer = await client.get("/sign-in", params={"next": wanted})
    assert answer.headers["location"] == "/"
    csrf = derive_csrf(client.cookies[SESSION_COOKIE])
    sent = {"csrf": csrf, "appearance": "dark", "next": wanted}
    assert (await client.post("/me/appearance", data=sent)).headers["location"] == "/"


async def test_no_address_that_a_request_names_is_led_to(quiet, arrive):
    client = arrive().client
    evil = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-prefix": "/evil"}
    for path in ("/sign-in/", "/static", "/connectors/", "//evil.example/", "//evil.example", "/me", "/"):
        answer = await client.get(path, headers=evil)
        assert answer.headers.get("location", "/").partition("?")[0] in {"/", "/sign-in"}, path
    # What would split an answer in two is quoted, and shown as text.
    for words in ("%0d%0aX-Evil: 1", quote("<script>alert(1)</script>"), "%ff%00"):
        answer = await client.get("/sign-in", headers={"cookie": f"{NOTICE_COOKIE}={words}"})
        assert answer.status_code == 200
        assert "x-evil" not in answer.headers
        assert "<script>alert" not in answer.text


async def test_with_tls_cookies_are_bound_to_the_host_and_links_begin_with_the_public_address(
    make_world, enter
):
    public = "https://signalpost.example.com"
    async with make_world(roles=frozenset(), public_url=public) as world:
        browser = await enter(world)
        token = browser.client.cookies[SESSION_COOKIE]
        async with httpx.AsyncClient(base_url=world.url, headers={"accept": "text/html"}) as client:
            # Only the cookie that no other host can have set counts.
            bare = {"cookie": f"{SESSION_COOKIE}={token}"}
            assert (await client.get("/me", headers=bare)).status_code == 303
            bound = {"cookie": f"__Host-{SESSION_COOKIE}={token}", "host": "evil.example"}
            page = (await client.get("/organization", headers=bound)).text
            csrf = re.search(r'name="csrf" value="(\w+)"', page)[1]
            sent = {"csrf": csrf, "role": "viewer", "email": ""}
            from_there = bound | {"origin": public}
            made = await client.post("/organization/invitations", data=sent, headers=from_there)
            assert f"{public}/invitation/" in made.text
            assert "evil.example" not in made.text
            assert f"{public}/oauth/callback" in (await client.get("/connectors/egnyte", headers=bound)).text
            elsewhere = bound | {"origin": "https://elsewhere.example"}
            refused = await client.post("/organization/invitations", data=sent, headers=elsewhere)
            assert refused.status_code == 403
            for answer in (
                await client.get("/sign-in"),
                await client.post("/me/sign-out-everywhere", data=sent, headers=bound),
            ):
                for cookie in answer.headers.get_list("set-cookie"):
                    assert cookie.startswith("__Host-")
                    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
                    assert {"secure", "httponly", "path=/", "samesite=lax"} <= parts
                    assert not any(part.startswith("domain") for part in parts)


async def test_a_form_is_good_with_the_cookie_it_was_made_for_alone(quiet, browser_of_quiet, arrive):
    """Who is signed in is not taken for the visitor that the browser was before."""
    signed_in, visitor = browser_of_quiet, arrive()
    csrf_of_visitor = await read_csrf(visitor)
    cookie = visitor.client.cookies[VISITOR_COOKIE]
    assert csrf_of_visitor == derive_csrf(cookie)
    signed_in.client.cookies.set(VISITOR_COOKIE, cookie)
    sent = {"csrf": csrf_of_visitor, "appearance": "dark"}
    assert (await signed_in.client.post("/me/appearance", data=sent)).status_code == 403
    for sites in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://["}):
        own = {"csrf": await read_csrf(signed_in, "/me"), "appearance": "dark"}
        answer = await signed_in.client.post("/me/appearance", data=own, headers=sites)
        assert answer.status_code == 403
        assert (await signed_in.client.post("/me/appearance", data=own)).status_code == 303


async def test_a_page_that_fails_tells_the_log_no_token():
    async def fail(scope, receive, send):
        raise ValueError

    health = Health(None, SharedClock(read_now, time.monotonic), newest="0001", monotonic=time.monotonic)
    transport = httpx.ASGITransport(PageFrame(fail, health))
    client = httpx.AsyncClient(transport=transport, base_url="http://signalpost")
    with capture_logs() as told:
        for path in (f"/setup/{'a' * 43}", "/instances/100001/edit"):
            await client.get(path)
    await client.aclose()
    assert [each["path"] for each in told] == ["/setup/…", "/instances/100001/edit"]


SECRETS = {
    "oauth.api.key": "a-key-of-an-application",
    "oauth.api.secret": "a-secret-of-an-application",
    "event.notification.signature.key": "a signature key",
    "event.notification.basic.username": "signalpost",
    "event.notification.basic.password": "a-password-for-the-callback",
    "event.notification.callback.headers": '{"X-Own": "a-header-for-the-callback"}',
}


async def seed(world, browser) -> tuple[dict[str, object], set[str]]:
    """Make one of everything that has a secret; give the ids, and the secrets."""
    parts, now, give = world.service.app.console.state.parts, datetime.now(UTC), world.pool.fetchval
    own = {key: text for key, text in SECRETS.items() if not key.startswith("oauth")}
    url = f"{world.listener.url}?token=a-token-of-the-callback"
    instance = await world.connect(**own | {"event.notification.callback.url": url})
    await world.wait_for_watermark(instance["id"])
    await world.change(1)
    await until(world.events)
    sealed = parts.vault.unseal(await give("SELECT secrets FROM instance"))
    sealed["configuration"] |= SECRETS
    await world.pool.execute("UPDATE instance SET secrets = $1", parts.vault.seal(sealed))
    member = (await parts.sessions.find(browser.client.cookies[SESSION_COOKIE], now)).member
    await parts.applications.save(
        member.organization_id,
        connector="egnyte",
        name="Main",
        secrets={"oauth.api.secret": "a-secret-that-is-saved"},
        now=now,
    )
    replay = await world.client.post(f"/instances/{instance['id']}/replays", json={"sequence": 1})
    configuration = SECRETS | {"oauth.api.secret": "a-secret-on-its-way", "subdomain": "acme"}
    number = await parts.connections.add(
        member,
        connector="egnyte",
        name="New",
        wish={"connector": "egnyte", "name": "New", "configuration": configuration},
        instance_id=None,
        by_link=True,
        now=now,
        expires_at=now + timedelta(days=1),
    )
    ids = {
        "instance_id": instance["id"],
        "event_id": await give("SELECT id FROM event LIMIT 1"),
        "number": await give("SELECT max(id) FROM notification"),
        "connection": number,
        "replay_id": replay.json()["id"],
        "member_id": member.id,
        "owner": "organization",
        "secret_id": await give("SELECT max(id) FROM organization_secret"),
        "application_id": await give("SELECT id FROM application"),
        "key": "egnyte",
        "token": parts.consents.write_link(number),
    }
    tokens = parts.vault.unseal(await give("SELECT tokens FROM credential"))
    secrets = {
        text
        for key, text in SECRETS.items()
        if key not in {"oauth.api.key", "event.notification.basic.username"}
    }
    secrets |= {"a-header-for-the-callback", "a-token-of-the-callback", "a-secret-that-is-saved"}
    secrets |= {"a-secret-on-its-way", sealed["token"], *world.secrets.values()}
    secrets |= {text for text in tokens.values() if isinstance(text, str) and not text.startswith("20")}
    secrets.add(await parts.accounts.joining.invite(member, "", "viewer"))
    return ids, secrets


async def read_all_pages(browser, ids: dict[str, object]) -> dict[str, str]:
    """Read whatever there is to GET but for streams, by what its parameters are."""
    pages = {}
    for route in (route for router in ROUTERS for route in router.routes if "GET" in route.methods):
        if not route.path.endswith("/live"):
            number = ids["connection"] if route.path.startswith("/connect/") else ids["number"]
            path = route.path.format(**ids | {"number": number})
            for query in ("", "?connector=egnyte"):
                answer = await browser.client.get(path + query)
                pages[path + query] = answer.text + repr(answer.headers)
    return pages


async def test_no_page_and_no_line_of_the_log_has_a_secret(world, browser, enter, capsys):
    ids, secrets = await seed(world, browser)
    # The key of an application is in the address of the consent page, and has to be.
    hidden = SECRETS["oauth.api.key"]
    shown = []
    for role in ("admin", "operator", "viewer"):
        somebody = browser if role == "admin" else await enter(world, role, f"{role}@example.com")
        for path, page in (await read_all_pages(somebody, ids)).items():
            shown += [(role, path, secret) for secret in secrets if secret in page]
            if not path.startswith("/connect/"):
                shown += [(role, path, hidden)] * (hidden in page)
    logged = capsys.readouterr()
    shown += [("the log", secret) for secret in secrets if secret in logged.out + logged.err]
    shown = [
        each for each in shown if not (each[1].partition("?")[0].endswith("/edit") and "token-of" in each[2])
    ]
    assert not shown, "\n".join(map(str, shown))
    assert "instance.created" in logged.out
