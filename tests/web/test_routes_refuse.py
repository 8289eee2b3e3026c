"""Every route of the console refuses whom it must: routes that come later are looked at without being named here.

A GET is for any member and a POST for admins, unless the tables below say otherwise.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from signalpost.model.member import Member, Role
from signalpost.web.app import build_console
from signalpost.web.routes import ROUTERS
from signalpost.web.visits import SESSION_COOKIE, derive_csrf
from tests.support import PATIENCE_SECONDS, until

ROUTES = sorted(
    (method, route.path) for router in ROUTERS for route in router.routes for method in route.methods
)

NOBODY = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("GET", "/setup/{token}"),
    ("POST", "/setup/{token}"),
    ("GET", "/invitation/{token}"),
    ("POST", "/invitation/{token}"),
    ("GET", "/connect/{token}"),
    ("GET", "/connect/{token}/go"),
    ("GET", "/oauth/callback"),
    ("POST", "/me/appearance"),
}
"""Whoever it is."""

LEAST = {
    ("POST", "/me/sessions/{session_id}/end"): "viewer",
    ("POST", "/me/sign-out-everywhere"): "viewer",
    ("POST", "/me/password"): "viewer",
    ("GET", "/connect/again/{number}"): "operator",
    ("GET", "/connect/continue/{number}"): "operator",
    ("GET", "/connect/result/{number}"): "operator",
    ("GET", "/instances/new"): "operator",
    ("GET", "/instances/{instance_id}/edit"): "operator",
    ("GET", "/instances/{instance_id}/replay"): "operator",
    ("POST", "/connect/links/withdraw"): "operator",
    ("POST", "/deliveries/send-again"): "operator",
    ("POST", "/deliveries/send-failed"): "operator",
    ("POST", "/deliveries/{number}/send-again"): "operator",
    ("POST", "/events/{event_id}/send-again"): "operator",
    ("POST", "/instances/new"): "operator",
    ("POST", "/instances/{instance_id}/authorise"): "operator",
    ("POST", "/instances/{instance_id}/edit"): "operator",
    ("POST", "/instances/{instance_id}/pause"): "operator",
    ("POST", "/instances/{instance_id}/poll"): "operator",
    ("POST", "/instances/{instance_id}/release"): "operator",
    ("POST", "/instances/{instance_id}/replay"): "operator",
    ("POST", "/instances/{instance_id}/replays/{replay_id}/cancel"): "operator",
    ("POST", "/instances/{instance_id}/resume"): "operator",
    ("GET", "/instances/{instance_id}/delete"): "admin",
    ("GET", "/instances/{instance_id}/key"): "admin",
    ("GET", "/organization/applications/{application_id}/delete"): "admin",
    ("GET", "/organization/members/{member_id}"): "admin",
    ("GET", "/organization/secrets"): "admin",
    ("GET", "/organization/secrets/{owner}/{secret_id}/revoke"): "admin",
}
"""The least role that will do."""

EVERYBODYS = {"/connectors/{key}"}
"""Paths whose parameter names nothing of an organization."""

SAYS_SO = {"/organization/secrets/{owner}/{secret_id}/revoke"}
"""Pages that show, of a thing that is not there, that it is not."""

UNKNOWN = {name: "987654321" for _, path in ROUTES for name in re.findall(r"\{(number|\w+_id)\}", path)} | {
    "event_id": str(uuid4())
}
"""Ids of things that nobody has."""

STREAMS = re.compile(r"/live$")


def find_least(method: str, path: str) -> Role | None:
    if (method, path) in NOBODY:
        return None
    return Role(LEAST.get((method, path), "viewer" if method == "GET" else "admin"))


@dataclass
class Houses:
    """Acme with one of everything, and Other with an admin alone; browsers of all roles."""

    world: Any
    ids: dict[str, str]
    fields: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, who: str | None, method: str, path: str, *, csrf: bool = True, **given: str
    ) -> httpx.Response:
        """Ask for a path of the table as somebody; ``given`` goes over what its parameters are."""
        token = self.tokens.get(who or "")
        data = {**self.fields, **({"csrf": derive_csrf(token or "")} if csrf else {})}
        async with httpx.AsyncClient(
            base_url=self.world.url,
            cookies={SESSION_COOKIE: token} if token else {},
            headers={"Accept": "text/html"},
        ) as client:
            place = path.format(**self.ids | given)
            async with client.stream(method, place, **({"data": data} if method == "POST" else {})) as answer:
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    await answer.aread()
                return answer

    async def snapshot(self) -> list[list[tuple[Any, ...]]]:
        """Read what must not change when a request is refused."""
        return [
            [tuple(row) for row in await self.world.pool.fetch(statement)]
            for statement in (
                "SELECT id, name, tags, configuration, secrets, disabled, wishes FROM instance ORDER BY id",
                "SELECT id, role, password_hash, removed_at FROM member ORDER BY id",
                "SELECT id, accepted_at, withdrawn_at FROM invitation ORDER BY id",
                "SELECT id FROM member_secret UNION ALL SELECT -id FROM organization_secret ORDER BY id",
                "SELECT id, name FROM application ORDER BY id",
                "SELECT id, taken_at, failure FROM connection ORDER BY id",
                "SELECT id, url FROM replay ORDER BY id",
                "SELECT id FROM session ORDER BY id",
                "SELECT id, action FROM audit ORDER BY id",
            )
        ]


async def make_members(world) -> tuple[dict[str, Member], dict[str, str]]:
    """Make a member of each role in Acme and an admin of Other; give them, and the tokens of their sessions."""
    parts, now = world.service.app.console.state.parts, datetime.now(UTC)
    members, tokens = {}, {}
    for house, role in (("Acme", "viewer"), ("Acme", "operator"), ("Acme", "admin"), ("Other", "stranger")):
        row = await world.pool.fetchrow(
            "INSERT INTO member (organization_id, email, role, password_hash)"
            " SELECT id, $1 || '@example.com', $2, 'none' FROM organization WHERE name = $3"
            " RETURNING id, organization_id, email",
            role,
            "admin" if role == "stranger" else role,
            house,
        )
        members[role] = Member(row["id"], row["organization_id"], house, row["email"], Role.ADMIN)
        tokens[role] = await parts.sessions.open(row["id"], now, agent="test", address="127.0.0.1")
    return members, tokens


@pytest.fixture
async def houses(world):
    parts, now = world.service.app.console.state.parts, datetime.now(UTC)
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    await world.change(2)
    await until(lambda: len(world.events()) >= 2)
    replay = await world.client.post(f"/instances/{instance['id']}/replays", json={"sequence": 1})
    await world.service.organizations.create_credentials("Other", "zoe@example.com")
    members, tokens = await make_members(world)
    ada = members["admin"]
    await parts.accounts.joining.invite(ada, "", "viewer")
    number = await parts.connections.add(
        ada,
        connector="egnyte",
        name="Legal",
        wish={"connector": "egnyte", "configuration": {"subdomain": "acme", "oauth.api.key": "key"}},
        instance_id=None,
        by_link=True,
        now=now,
        expires_at=now + timedelta(days=1),
    )
    await parts.applications.save(
        ada.organization_id, connector="egnyte", name="Main", secrets={"oauth.api.key": "key"}, now=now
    )
    await parts.audit.add(ada, "instance.polled", "asked for a poll at Acme", now)
    give = world.pool.fetchval
    ids = {
        "instance_id": instance["id"],
        "event_id": await give("SELECT id FROM event LIMIT 1"),
        "number": await give("SELECT max(id) FROM notification"),
        "replay_id": replay.json()["id"],
        "member_id": await give("SELECT min(id) FROM member"),
        "invitation_id": await give("SELECT max(id) FROM invitation"),
        "session_id": await give("SELECT max(s.id) FROM session s WHERE member_id = $1", ada.id),
        "secret_id": await give(
            "SELECT min(id) FROM organization_secret WHERE organization_id = $1", ada.organization_id
        ),
        "owner": "organization",
        "key": "egnyte",
        "token": parts.consents.write_link(number),
        "application_id": await give("SELECT max(id) FROM application"),
    }
    fields = {
        "instance": str(instance["id"]),
        "delivery": str(ids["number"]),
        "id": str(number),
        "role": "viewer",
        "name": instance["name"],
    }
    return Houses(world, {key: str(value) for key, value in ids.items()}, fields, tokens)


def test_the_routes_looked_at_are_all_there_are():
    console = build_console(SimpleNamespace(api=SimpleNamespace(health=None)))  # type: ignore[arg-type]
    assert len(console.routes) == len(ROUTERS) + 1  # /static
    assert set(LEAST) | NOBODY <= set(ROUTES)


async def test_every_route_refuses_whom_it_must(houses):
    before = await houses.snapshot()
    wrong = []
    for method, path in ROUTES:
        of_connection = path.startswith("/connect/")
        mine = {"number": houses.fields["id"]} if of_connection else {}
        least = find_least(method, path)
        if least is not None:
            answer = await houses.ask(None, method, path, **mine)
            if answer.status_code != 303 or not answer.headers["location"].startswith("/sign-in"):
                wrong.append((method, path, "nobody", answer.status_code))
        looks = [(role, mine, 403) for role in Role if least is not None and not role.covers(least)]
        if least is not None and "{" in path and path not in EVERYBODYS:
            status = 200 if method == "GET" and path in SAYS_SO else 404
            nobodys = UNKNOWN | ({"number": str(uuid4())} if of_connection else {})
            # Another's is not to be told from nobody's.
            looks += [("stranger", mine, status), ("stranger", nobodys, status)]
        for who, given, status in looks:
            answer = await houses.ask(who, method, path, **given)
            if answer.status_code != status:
                wrong.append((method, path, who, given, answer.status_code))
        for who in (None, "admin") if method == "POST" else ():
            answer = await houses.ask(who, method, path, csrf=False, **mine)
            expected = 303 if who is None and least is not None else 403
            if answer.status_code != expected:
                wrong.append((method, path, who, "without csrf", answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))
    # Ids of another's things that come by in forms.
    for path, number, status in (
        ("/connect/links/withdraw", houses.fields["id"], 404),
        ("/deliveries/send-failed", "", 404),
        ("/deliveries/send-again", "", 409),
    ):
        houses.fields["id"] = number
        assert (await houses.ask("stranger", "POST", path)).status_code == status, path
    progress = f"/deliveries/progress?replays={houses.ids['replay_id']}"
    assert (await houses.ask("stranger", "GET", progress)).status_code == 400
    assert await houses.snapshot() == before


async def test_every_page_is_there_for_who_may_see_it(houses):
    """Else the refusals above would say nothing."""
    for method, path in ROUTES:
        least = find_least(method, path)
        if method != "GET" or least is None or path == "/deliveries/progress":
            continue
        given = {"number": houses.fields["id"]} if path.startswith("/connect/") else {}
        answer = await houses.ask(least.value, method, path, **given)
        assert answer.status_code in {200, 303}, (path, answer.status_code)
        assert answer.headers.get("location", "") != "/sign-in"
        if STREAMS.search(path):
            assert answer.headers["content-type"].startswith("text/event-stream")


async def test_lists_show_nothing_of_another_organization(houses):
    marks = ("Acme", houses.ids["instance_id"], "API_Polling", "Legal", "Main", "admin@example.com")
    mine = await houses.ask("admin", "GET", "/organization/audit")
    assert "asked for a poll at Acme" in mine.text
    for method, path in ROUTES:
        if method == "GET" and "{" not in path and not STREAMS.search(path) and find_least(method, path):
            for query in ("", f"?instance={houses.ids['instance_id']}", "?search=API", "?connector=egnyte"):
                page = (await houses.ask("stranger", "GET", path + query)).text
                page = page.replace(houses.ids["instance_id"], "", query.count("instance="))
                shown = [mark for mark in marks if mark in page and mark not in query]
                assert not shown, (path + query, shown)


async def test_what_is_told_live_ends_with_the_session(houses):
    token = houses.tokens["viewer"]
    cookies = {SESSION_COOKIE: token}
    async with httpx.AsyncClient(base_url=houses.world.url, cookies=cookies) as client:
        async with client.stream("GET", "/overview/live") as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 3000"
            await houses.world.service.app.console.state.parts.sessions.end_token(token)
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for _ in lines:
                    pass
