"""Calls every operation of the API once and keeps what was sent and answered: the examples of the OpenAPI document.

``python -m tests.api.walk`` writes them anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from pathlib import Path
from typing import Any

import httpx

import signalpost.api.described
from tests.api.answers import with_token
from tests.support import EVENTS_CONFIGURATION, World, until

EXAMPLES = Path(signalpost.api.described.__file__).parent / "examples.json"
CHANGES = """
UPDATE notification SET state = 'dead', delivered_at = NULL, dead_at = now()
WHERE id = (SELECT min(id) FROM notification);
UPDATE resource_poll SET disabled_at = now(), failures = 100, last_error = 'Egnyte failed (500)', last_error_at = now();
INSERT INTO gap (instance_id, resource, sequence, reason, from_watermark, to_watermark, detected_at)
SELECT id, 'events', 1, 'the provider no longer keeps what follows', '{"id": 5}', '{"id": 900}', now() FROM instance
"""
"""What would take long to come about."""


class Walk:
    """What was sent and answered, by operation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept: dict[str, dict[str, Any]] = {}
        self.paths = world.service.app.api.openapi()["paths"]
        self.answers: list[tuple[str, httpx.Response]] = []

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        client = self.world.client if not path.startswith("//") else self.world.outside
        url = path if not path.startswith("//") else f"{self.world.url}{path[1:]}"
        answer = await client.request(method, url, json=body, **options)
        assert answer.status_code < 300, (method, path, answer.text)
        name = self.find_name(method, httpx.URL(answer.request.url).path)
        self.answers.append((name, answer))
        kept = {} if body is None else {"request": body}
        is_json = "json" in answer.headers["content-type"]
        self.kept[name] = kept | {"response": answer.json() if is_json else answer.text[:200]}
        return answer.json() if is_json else None

    def find_name(self, method: str, path: str) -> str:
        found = [
            (template.count("{"), methods[method.lower()]["operationId"])
            for template, methods in self.paths.items()
            if method.lower() in methods and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        return min(found)[1]


async def walk(world: World) -> Walk:
    """Call every operation."""
    way = Walk(world)
    ask = way.ask
    made = await ask("POST", "/instances", await world.body())
    url, token = f"/instances/{made['id']}", {"headers": with_token(world, made["token"])}
    await world.wait_for_watermark(made["id"])
    await world.change(3)
    await until(lambda: len(world.events()) >= 3)

    async def is_delivered() -> bool:
        return bool(await world.pool.fetchval("SELECT bool_and(state = 'delivered') FROM notification"))

    await until(is_delivered)
    await ask_about_polling(ask, url, token)
    await world.pool.execute(CHANGES)
    await ask_about_log(ask, world, url, token)
    await ask_about_instances(ask, world, url, token)
    for path in ("//healthz", "//readyz", "//metrics"):
        await ask("GET", path)
    await ask("GET", "/schemas")
    await ask("GET", "/schemas/open-connectors")
    await ask("GET", "/elements")
    await ask("GET", "/elements/egnyte")
    await ask("GET", "/elements/egnyte/metadata")
    wished = {"apiKey": "key", "callbackUrl": "https://app.example.com/redirect", "subdomain": "acme"}
    await ask("POST", "/elements/egnyte/oauth/url", wished)
    await ask("GET", "/elements/egnyte/oauth/url", params=wished)
    await ask("GET", "/hubs/documents/users", params={"pageSize": 2}, **token)
    await ask("DELETE", "/instances/enabled", **token)
    await ask("PUT", f"{url}/enabled")
    other = await world.connect()
    await ask("DELETE", "/instances", headers=with_token(world, other["token"]))
    await ask("DELETE", f"{url}/enabled")
    await ask("DELETE", url)
    return way


async def ask_about_polling(ask: Any, url: str, token: dict[str, Any]) -> None:
    await ask("POST", f"{url}/polls")
    await ask("POST", f"{url}/polls/preview", {"pageSize": 1, "configuration": EVENTS_CONFIGURATION})
    for path, options in ((url, {}), ("/instances", token)):
        await ask("GET", f"{path}/polling", **options)
        await ask("PUT", f"{path}/polling", **options)
        await ask("GET", f"{path}/event-poller-records", **options)


async def ask_about_log(ask: Any, world: World, url: str, token: dict[str, Any]) -> None:
    assert await ask("GET", "/instances/polling-disabled")
    [event, *_] = await ask("GET", f"{url}/events", params={"pageSize": 1})
    await ask("GET", "/instances/events", params={"pageSize": 1})
    await ask("GET", f"/instances/events/{event['id']}")
    await ask("GET", f"{url}/events/{event['id']}")
    await ask("GET", f"{url}/events/{event['id']}/record")
    await ask("GET", f"{url}/events/dispositions", params={"pageSize": 1})
    await ask("GET", "/instances/events/dispositions", params={"pageSize": 1})
    for path in ("", "/instances", "/accounts"):
        assert await ask("GET", f"/instances/events/analytics{path}")
    await ask("GET", f"{url}/events/analytics")
    assert await ask("GET", f"{url}/gaps")
    await ask("POST", "/instances/test-callback", {"url": world.listener.url})
    [delivery, *_] = await ask("GET", f"{url}/deliveries", params={"pageSize": 1})
    path = f"{url}/deliveries/{delivery['id']}"
    await ask("GET", path)
    await ask("GET", f"{path}/attempts")
    where = {"params": {"where": "status='dead'", "hydrate": "true"}}
    assert await ask("GET", "/notifications/subscriptions/deliveries", **where)
    await ask("GET", f"/notifications/{delivery['id']}/subscriptions/{delivery['instanceId']}/deliveries")
    await ask("POST", f"{url}/deliveries/send-failed", {"since": "2026-05-28T11:40:00Z"})
    await ask("POST", f"{path}/send")
    replay = await ask("POST", f"{url}/replays", {"sequence": 1})
    await ask("GET", f"{url}/replays")
    await ask("GET", f"{url}/replays/{replay['id']}")
    await ask("DELETE", f"{url}/replays/{replay['id']}")
    await ask("PUT", "/notifications/subscriptions/deliveries", **where)
    await ask("GET", f"{url}/endpoint")
    await ask("PUT", f"{url}/endpoint")


async def ask_about_instances(ask: Any, world: World, url: str, token: dict[str, Any]) -> None:
    for path, options in ((url, {}), ("/instances", token)):
        await ask("PUT", path, {"name": "Acme", "tags": ["Acme"]}, **options)
        await ask("PATCH", path, {"configuration": {"event.poller.refresh_interval": "15"}}, **options)
        await ask("PUT", f"{path}/enabled", **options)
        [first, *_] = await ask("GET", f"{path}/configuration", **options)
        path_of_first = f"{path}/configuration/{first['id']}"
        await ask("GET", path_of_first, **options)
        await ask("PATCH", path_of_first, {"propertyValue": first["propertyValue"]}, **options)
        await ask("PUT", f"{path}/signature-keys", {"overlapSeconds": 3600}, **options)
    for start in ("/instances", "/elements/egnyte/instances"):
        await ask("GET", start, params={"pageSize": 1})
        await ask("GET", url.replace("/instances", start))
    place = "/elements/egnyte/instances"
    body = await world.body()
    made = await ask("POST", place, {key: body[key] for key in body if key != "element"})
    await ask("PUT", f"{place}/{made['id']}", {"name": "Acme", "tags": ["Acme"]})
    await ask("DELETE", f"{place}/{made['id']}")


def clean(kept: dict[str, Any], world: World) -> dict[str, Any]:
    """Take out what is of this machine, and what looks like a secret."""
    text = json.dumps(kept)
    tokens = {each["response"]["token"] for each in kept.values() if "token" in (each.get("response") or {})}
    for token in tokens:
        text = text.replace(token, "<instance token>")
    text = text.replace(world.listener.url, "https://app.example.com/events")
    text = text.replace(world.sandbox.url, "https://acme.egnyte.com").replace("@example.com", "@example.com")
    text = re.sub(r"whsec_[\w+/=]+", "whsec_<base64 of 32 bytes>", text)
    text = re.sub(r'"code": "[^"]+"', '"code": "<code of the consent page>"', text)
    text = re.sub(
        r'("oauth.api.secret"|"event.notification.signature.key"): "[^"*]+"', r'\1: "<secret>"', text
    )
    cleaned: dict[str, Any] = json.loads(text)
    return dict(sorted(cleaned.items()))


async def record() -> None:
    import tempfile

    from signalpost.sandbox.egnyte import run_sandbox
    from signalpost.store.embedded import EmbeddedPostgres
    from tests.support import open_world

    with tempfile.TemporaryDirectory() as folder:
        server = await EmbeddedPostgres.start(Path(folder))
        with contextlib.suppress(asyncio.CancelledError):
            async with run_sandbox() as sandbox, open_world(server.connect_arguments, sandbox) as world:
                way = await walk(world)
                EXAMPLES.write_text(json.dumps(clean(way.kept, world), indent=1, ensure_ascii=False) + "\n")
        await server.stop()


if __name__ == "__main__":
    asyncio.run(record())
