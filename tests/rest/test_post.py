"""Resources that are read by POST: what a call asks for stands in its body, each thing as what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signalpost.connectors.resource import Condition
from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.model.errors import ConnectorError, RejectedError
from signalpost.outbound import Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.polling.strategies.reading import read_list
from signalpost.testing.recorded import HastyTime, Provider, make_answer, open_session
from tests.rest.desk import PAGINATIONS, write_desk
from tests.rest.providers import Issues, run_provider
from tests.support import until

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rest-connector.md").read_text()
SEARCH = """
key = "search"
name = "Search"
hub = "search"
base_url = "https://a.example"
[[resources]]
name = "things"
path = "/search"
method = "POST"
body = {only = ["id"], filter = {kind = "thing"}, "page.size" = 9}
query = {v = "2"}
records = "found"
id_field = "id"
parameters = ["filter.owner"]
filters = [{field = "id", operator = ">", parameter = "filter.above"}]
[resources.pagination]
"""
CURSOR = 'kind = "cursor"\nparameter = "page.after"\nnext = "next"\nsize_parameter = "page.size"\nsize = 2'


def load(text):
    return RestConnector(read_text(text, "search.toml", compile_pattern))


async def read_all(connector, outbound, url=None):
    """Read the first resource of a connector to its end, by the service's own session."""
    provider = Provider(url or connector.find_host({}), {}, outbound=outbound)
    listing = connector.open_listing(connector.resources[0], {}, ())
    session = open_session(connector, {}, "", provider, HastyTime())
    return [record async for page in read_list(listing, session, None) for record in page.records], provider


@pytest.mark.parametrize("pagination", PAGINATIONS)
async def test_every_pagination_reads_all_by_post(api, pagination):
    api.state.collections["tickets"] = [{"id": number} for number in range(5)]
    connector = load(write_desk(api.url, pagination=pagination, method="POST"))
    async with Outbound(allow_private=True, connections=10) as outbound:
        records, provider = await read_all(connector, outbound)
    assert [each["id"] for each in records] == list(range(5))
    assert all(each.startswith("POST ") for each in provider.calls)
    assert len(provider.calls) == (1 if pagination == "none" else 3)


async def test_what_is_asked_for_stands_at_its_place_as_what_it_is():
    connector = load(SEARCH + CURSOR)
    answers = [make_answer({"found": [{"id": 1}, {"id": 2}], "next": each}) for each in (7, "7", None)]
    provider = Provider("https://a.example", {}, first=answers)
    session = open_session(connector, {}, "", provider, HastyTime())
    asked = {"filter.owner": "ada"}, [Condition("id", ">", "0"), Condition("id", "<", "9")]
    listing = connector.open_listing(connector.resources[0], *asked)
    page = await listing.read(session, None, 1)
    page = await listing.read(session, page.next, None)
    await listing.read(session, page.next, None)
    fixed = '"only":["id"],"filter":{"kind":"thing","above":"0","owner":"ada"},"page.size":'
    assert provider.calls == [
        f"POST /search?v=2 {{{fixed}1}}",
        f'POST /search?v=2 {{{fixed}2,"page":{{"after":7}}}}',
        f'POST /search?v=2 {{{fixed}2,"page":{{"after":"7"}}}}',
    ]
    for position in ('{"or": 1}', "true", "null", "after"):
        with pytest.raises(RejectedError, match="no position of this list"):
            await listing.read(session, position, None)
    assert len(provider.calls) == 3


async def test_a_next_page_by_its_address_is_asked_with_the_same_body():
    connector = load(SEARCH + 'kind = "next_url"\nnext = "next"')
    answers = [make_answer({"found": [{"id": 1}], "next": each}) for each in ("/search?at=2", None)]
    provider = Provider("https://a.example", {}, first=answers)
    session = open_session(connector, {}, "", provider, HastyTime())
    listing = connector.open_listing(connector.resources[0], {"filter.owner": "ada"}, [])
    await listing.read(session, (await listing.read(session, None, None)).next, None)
    body = '{"only":["id"],"filter":{"kind":"thing","owner":"ada"},"page.size":9}'
    assert provider.calls == [f"POST /search?v=2 {body}", f"POST /search?at=2 {body}"]


async def test_nothing_is_sent_by_post_but_where_it_is_declared():
    """Neither an answer nor who asks for a page has other things of the provider done."""
    connector = load(SEARCH + 'kind = "next_url"\nnext = "next"')
    answers = [make_answer({"found": [{"id": 1}], "next": "/things/delete?at=2"})]
    provider = Provider("https://a.example", {}, first=answers)
    session = open_session(connector, {}, "", provider, HastyTime())
    listing = connector.open_listing(connector.resources[0], {}, [])
    with pytest.raises(ConnectorError, match="asked at /search alone; nothing was sent there"):
        await listing.read(session, None, None)
    with pytest.raises(RejectedError, match="no position of this list"):
        await listing.read(session, "/things/delete?at=2", None)
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{at = 1979-05-27}", "a date, nan"),
        ("{at = [inf]}", "a date, nan"),
        ("{at = 18446744073709551616}", "a date, nan"),
        ('"text"', "it is no table"),
    ],
)
def test_a_body_that_is_no_json_is_refused(body, words):
    text = re.sub("^body = .*$", f"body = {body}", SEARCH, flags=re.MULTILINE)
    with pytest.raises(Exception, match=rf"search.toml:10: resources.1.body: .*{words}"):
        load(text + 'kind = "none"')


def test_a_body_needs_post():
    with pytest.raises(Exception, match=r'search.toml:9: .*it needs method = "POST"'):
        load(SEARCH.replace('method = "POST"\n', "") + 'kind = "none"')


async def test_the_account_is_asked_for_by_post_too(api):
    connector = load(write_desk(api.url, method="POST"))
    async with Outbound(allow_private=True, connections=10) as outbound:
        provider = Provider(connector.find_host({}), {}, outbound=outbound)
        account = await connector.identify(open_session(connector, {}, "", provider, HastyTime()))
    assert (account.id, provider.calls) == ("7", ["POST /me"])


def write_issues(url):
    """Give the file of GraphQL that the page shows, with a fake's address."""
    [text] = re.findall(r'```toml\n(key = "code-issues"\n.*?)```', PAGE, re.DOTALL)
    return text.replace("https://api.example.com", url)


async def test_graphql_is_read_and_what_it_refuses_with_a_good_status_is_told():
    issues = Issues()
    issues.issues = [{"id": f"I_{number}"} for number in range(5)]
    async with (
        run_provider(graphql=issues.answer) as url,
        Outbound(allow_private=True, connections=10) as outbound,
    ):
        records, _ = await read_all(load(write_issues(url)), outbound)
        assert records == issues.issues
        assert [each["variables"].get("after") for each in issues.asked] == [None, "after:2", "after:4"]
        wrong = load(write_issues(url).replace('name = "desk"', 'name = "other"'))
        with pytest.raises(ConnectorError, match="but errors; nothing was concluded"):
            await read_all(wrong, outbound)


async def test_what_changes_in_graphql_is_told_by_the_service(make_world, tmp_path):
    issues, dates = Issues(), {"createdAt": "2026-05-28T11:00:00Z", "updatedAt": "2026-05-28T11:00:00Z"}
    issues.issues = [{"id": f"I_{number}", "title": "old"} | dates for number in range(3)]
    async with run_provider(graphql=issues.answer) as url:
        path = tmp_path / "issues.toml"
        path.write_text(write_issues(url) + "[limits]\ncalls_per_second = 1000\n")
        async with make_world(connector_files=str(path)) as world:
            body = {
                "element": {"key": "code-issues"},
                "name": "The issues",
                "configuration": {
                    "event.notification.enabled": True,
                    "event.notification.callback.url": world.listener.url,
                    "event.poller.refresh_interval": 0.2 / 60,
                },
            }
            answer = await world.client.post("/instances", json=body)
            assert answer.status_code == 200, answer.text
            await world.wait_for_watermark(answer.json()["id"])
            issues.issues.append(
                {"id": "I_new", "title": "new"} | dates | {"updatedAt": "2027-01-01T00:00:00Z"}
            )
            [event] = await until(world.events)
    assert (event["objectId"], event["eventType"]) == ("I_new", "CREATED")
