"""A key in the query: it goes with every call, and is found nowhere else, whatever the provider repeats of it."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from aiohttp import web

from signalpost.connectors.session import put_in_query
from signalpost.instances.sessions import Sessions
from signalpost.testing.recorded import HastyTime, Provider, make_answer, open_session
from tests.apps import run_app
from tests.collector import run_collector
from tests.rest.test_post import load
from tests.support import until

KEY = "a+key/of==the account"
FILE = """
key = "repeating"
name = "Repeating"
hub = "repeating"
base_url = "{url}/v1"
[auth]
kind = "query"
parameter = "key"
[limits]
calls_per_second = 1000
[[resources]]
name = "things"
path = "/things"
records = "things"
id_field = "id"
updated_field = "at"
labels = ["self"]
[resources.pagination]
kind = "{kind}"
"""
NEXT_URL = 'next_url"\nnext = "next"\nsize_parameter = "size'


WRONGLY = {
    "status": lambda address: web.Response(status=500, text=f"failed at {address}"),
    "refused": lambda address: web.json_response({"error": address, "key": KEY}, status=400),
    "redirect": lambda address: web.Response(
        status=302, headers={"Location": f"https://a.example/{KEY}?{address}"}
    ),
    "html": lambda address: web.Response(text=f"<a href='{address}'>", content_type="text/html"),
    "cut off": lambda address: web.Response(
        text=f'{{"things": ["{address}"', content_type="application/json"
    ),
    "no list": lambda address: web.json_response({address: 1, KEY: 2}),
    "elsewhere": lambda address: web.json_response(
        {"things": [{"id": 1}], "next": f"https://evil.example/?{address}"}
    ),
}


class Repeating:
    """A provider that repeats the address of each call wherever it can; ``mode`` says in what kind of answer."""

    def __init__(self):
        self.mode, self.keys, self.things = "good", [], [{"id": number} for number in range(3)]

    async def answer(self, request):
        """Answer with a page of one thing, or wrongly."""
        self.keys.append(request.query.getall("key", []))
        address = str(request.url).replace("%20", "+") + "&as=" + quote(KEY, safe="")
        if self.mode in WRONGLY:
            return WRONGLY[self.mode](address)
        if self.mode == "hang up":
            request.transport.abort()
        at = int(request.query.get("at", "0"))
        follows = str(request.url.update_query(at=at + 1)) if at + 1 < len(self.things) else None
        thing = self.things[at] | {"at": "2026-05-28T11:00:00Z", "self": address, KEY: KEY}
        return web.json_response({"things": [thing], "next": follows})


@pytest.fixture
async def repeating():
    """The provider, running at its ``url``."""
    provider, app = Repeating(), web.Application()
    app.router.add_get("/v1/things", provider.answer)
    async with run_app(app) as provider.url:
        yield provider


async def dump(world):
    """Give all that is in the database."""
    names = await world.pool.fetch(
        "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    return [
        await world.pool.fetchval(f"SELECT string_agg(t::text, ' ') FROM {each['name']} t") or ""
        for each in names
    ]


async def read_everywhere(world, instance):
    """Give what anybody can read of an instance, and each page of its list."""
    path = f"/instances/{instance['id']}"
    places = [path, f"{path}/polling", f"{path}/events", f"{path}/deliveries", "/instances"]
    answers = [await world.client.get(each) for each in places]
    headers, more = (
        {"Authorization": world.client.headers["Authorization"] + f", Element {instance['token']}"},
        "",
    )
    while len(answers) < 20:
        answers.append(await world.client.get(f"/hubs/repeating/things?pageSize=1{more}", headers=headers))
        if (token := answers[-1].headers.get("Elements-Next-Page-Token")) is None:
            break
        more = f"&nextPage={quote(token, safe='')}"
    return [f"{each.status_code} {dict(each.headers)} {each.text}" for each in answers]


MODES = {
    "status": "failed (500)",
    "refused": "does not take the call (400)",
    "redirect": "it leads on to",
    "html": "no valid JSON",
    "cut off": "no valid JSON",
    "no list": "gave no list at things",
    "elsewhere": "which is not on http",
    "hang up": "did not answer",
}


async def test_the_key_is_in_no_place_but_the_calls(make_world, repeating, tmp_path, monkeypatch, capfd):
    path = tmp_path / "repeating.toml"
    path.write_text(FILE.format(url=repeating.url, kind=NEXT_URL))
    async with (
        run_collector(monkeypatch) as collector,
        make_world(connector_files=str(path), traces=True) as world,
    ):
        body = {
            "element": {"key": "repeating"},
            "name": "The account",
            "configuration": {
                "api.key": KEY,
                "event.notification.enabled": True,
                "event.notification.callback.url": world.listener.url,
                "event.poller.refresh_interval": 0.2 / 60,
                "event.notification.operations.url": world.listener.url,
            },
        }
        answer = await world.client.post("/instances", json=body)
        assert answer.status_code == 200, answer.text
        instance, told = answer.json(), [answer.text]
        await world.wait_for_watermark(instance["id"])
        repeating.things.append({"id": "new"})
        await until(world.listener.received.__len__)
        told += await read_everywhere(world, instance)
        assert sum(each.startswith("200") for each in told) == 9  # of them four pages of the list
        assert "/v1/things?********" not in str(told)
        for mode, words in MODES.items():
            repeating.mode = mode
            query = "SELECT last_error FROM resource_poll WHERE last_error LIKE '%' || $1 || '%'"
            await until(lambda query=query, words=words: world.pool.fetchval(query, words))
            told += await read_everywhere(world, instance)
            told.append((await world.client.post("/instances", json=body)).text)
        told += [str(world.listener.received), *await dump(world)]
        await until(lambda: collector.named("provider.request"))
        told += [body.decode(errors="replace") for body in collector.bodies]
    log = capfd.readouterr()
    told += [log.out, log.err]
    assert "poll.finished" in log.out + log.err
    assert all(keys == [KEY] for keys in repeating.keys)
    spellings = {
        KEY,
        quote(KEY),
        quote(KEY, safe=""),
        KEY.replace(" ", "+"),
        quote(KEY, safe="").replace("%20", "+"),
    }
    spellings |= {each.encode().hex() for each in spellings} | {"of==the", "of%3D%3Dthe"}
    shown = [
        (each, text[max(0, text.index(each) - 200) :][:300])
        for text in told
        for each in spellings
        if each in text
    ]
    assert not shown, shown


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://a/b", "https://a/b?key=a+b"),
        ("https://a/b?c=d&e", "https://a/b?c=d&e&key=a+b"),
        ("https://a/b?key=********&c=d&k%65y=1&key", "https://a/b?c=d&key=a+b"),
        ("https://a/b?", "https://a/b?key=a+b"),
    ],
)
def test_it_goes_in_the_place_of_what_stands_there(url, written):
    assert put_in_query(url, {"key": "a b"}) == written
    assert put_in_query(url, {}) == url


async def test_a_next_page_of_the_header_link_is_read_with_it_too():
    connector = load(FILE.format(url="https://a.example", kind="link"))
    link = f"<https://a.example/v1/things?key={quote(KEY, safe='')}&at=1>; rel=next"
    answers = [make_answer({"things": [{"id": 1}]}, Link=link), make_answer({"things": []})]
    provider = Provider("https://a.example/v1", {}, first=answers)
    session = open_session(connector, {"api.key": KEY}, "", provider, HastyTime())
    listing = connector.open_listing(connector.resources[0], {}, ())
    page = await listing.read(session, None, None)
    assert page.next == "/things?key=********&at=1"
    await listing.read(session, page.next, None)
    key = "key=a%2Bkey%2Fof%3D%3Dthe+account"
    assert provider.calls == [f"/things?{key}", f"/things?at=1&{key}"]


def test_two_accounts_at_one_provider_have_a_pace_each():
    """Else the calls of all that are authorised in the query would wait for each other."""
    sessions = Sessions(None, None, None, None, clock=None, monotonic=time.monotonic)
    connector = load(FILE.format(url="https://a.example", kind="link"))
    first, again, other = (
        sessions._find_pace(connector, {"api.key": key}, "") for key in ("key-1", "key-1", "key-2")
    )
    assert first is again
    assert first is not other
