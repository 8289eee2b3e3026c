"""Headers that every call of a declared connector has: sent as they are, shown as they are, and none of others' own."""

from __future__ import annotations

import pytest
from aiohttp import web

from signalpost.connectors.judging import judge
from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.model.errors import ConfigurationError, ConnectorError, RejectedError
from signalpost.outbound import Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.testing.recorded import HastyTime, Provider, open_session
from tests.rest.conftest import Desk
from tests.rest.desk import write_desk
from tests.rest.providers import Database, run_provider
from tests.rest.test_post import load, read_all

DATABASE = """
key = "database"
name = "Database"
hub = "databases"
base_url = "{url}"

[headers]
Notion-Version = "{version}"

[auth]
kind = "header"
prefix = "Bearer "

[[resources]]
name = "pages"
path = "/query"
method = "POST"
body = {{ filter = {{ property = "Status", status = {{ equals = "open" }} }} }}
records = "results"
id_field = "id"
updated_field = "last_edited_time"

[resources.pagination]
kind = "cursor"
parameter = "start_cursor"
next = "next_cursor"
more = "has_more"
size_parameter = "page_size"
"""


async def test_a_fixed_header_goes_with_every_call_and_is_shown_in_a_refusal():
    database = Database()
    database.pages = [{"id": f"page-{number}"} for number in range(5)]
    async with (
        run_provider(query=database.answer) as url,
        Outbound(allow_private=True, connections=10) as outbound,
    ):
        records, provider = await read_all(load(DATABASE.format(url=url, version=Database.VERSION)), outbound)
        assert records == database.pages
        assert len(provider.calls) == 3
        wrong = load(DATABASE.format(url=url, version="1999-01-01"))
        provider = Provider(url, {}, outbound=outbound)
        session = open_session(wrong, {"api.key": "a-key-of-mine"}, "", provider, HastyTime())
        with pytest.raises(RejectedError, match="Notion-Version is 1999-01-01, and must be 2022-06-28"):
            await wrong.open_listing(wrong.resources[0], {}, ()).read(session, None, None)


async def test_a_declared_header_goes_over_the_usual_one_and_not_over_that_of_auth():
    sent = []

    class Recording(Provider):
        async def request(self, method, url, *, headers, max_bytes, body):
            sent.append(headers)
            return await super().request(method, url, headers=headers, max_bytes=max_bytes, body=body)

    text = write_desk("https://a.example", auth="header").replace(
        "[account]", '[headers]\naccept = "application/vnd.desk+json"\nX-Version = "2"\n\n[account]'
    )
    connector = load(text)
    provider = Recording("https://a.example/header", {"/me": {"user": {"id": 7}}})
    await connector.identify(open_session(connector, {"api.key": "a-key"}, "", provider, HastyTime()))
    assert sent == [{"accept": "application/vnd.desk+json", "X-Version": "2", "X-Api-Key": "a-key"}]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ('{ "X Version" = "s3cret" }', "'X Version' is no name of a header"),
        ('{ "X-Version:" = "s3cret" }', "'X-Version:' is no name of a header"),
        *(
            (f'{{ {name} = "s3cret" }}', f"{name} belongs to the connection; leave it out")
            for name in ("Host", "transfer-encoding", "Connection", "Accept-Encoding", "Proxy-Authorization")
        ),
        *((f'{{ {name} = "s3cret" }}', f"{name} authorises calls") for name in ("Authorization", "cookie")),
        ('{ x-api-key = "s3cret" }', "X-Api-Key is that of auth"),
        ('{ A = "s3cret", a = "s3cret" }', "a stands there twice"),
        *(
            (f'{{ A = "{text}" }}', "the value of A is no line of visible ASCII characters")
            for text in ("s3cret\\r\\nHost: b", "s3cret\\n", "", " s3cret", "s3cret\u00e9")
        ),
    ],
)
def test_a_header_that_is_not_to_be_declared_is_refused_without_its_value(headers, words):
    text = write_desk("https://a.example", auth="header").replace(
        'hub = "', f'headers = {headers}\nhub = "', 1
    )
    with pytest.raises(ConfigurationError) as caught:
        read_text(text, "desk.toml", compile_pattern)
    assert f"desk.toml:4: headers: {words}" in str(caught.value)
    assert 'headers = { Notion-Version = "2022-06-28" }' in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("headers", [{"Host": "b"}, {"A": "b\r\nC: d"}, {"A": 1}, {7: "a"}, "A: b", None])
def test_wrong_headers_of_a_connector_in_python_are_told(headers):
    connector = RestConnector(read_text(write_desk("https://a.example"), "desk.toml", compile_pattern))
    assert judge(connector, ()) == ""
    connector.headers = headers
    assert judge(connector, ()).startswith("headers: ")


TENANTS = DATABASE.replace(
    "[headers]", '[headers]\nX-Tenant = "tenant {{tenant}}"\nX-Second = "{{second-key}}"'
).replace(
    "[auth]",
    """[[fields]]
key = "tenant"
label = "Tenant"

[[fields]]
key = "second-key"
label = "Second key"
secret = true

[auth]""",
)
CONFIGURATION = {"api.key": "a-key-of-mine", "tenant": " t-1 ", "second-key": "another-key-of-mine"}


async def test_a_header_holds_the_values_of_an_instance_and_is_masked_as_the_key_is():
    async def refuse(request):
        given = {name: request.headers.get(name) for name in ("X-Tenant", "X-Second", "Notion-Version")}
        return web.json_response({"given": given}, status=400)

    async with (
        run_provider(query=refuse) as url,
        Outbound(allow_private=True, connections=10) as outbound,
    ):
        connector = load(TENANTS.format(url=url, version="2"))
        assert judge(connector, ()) == ""
        assert connector.headers == {"Accept": "application/json", "Notion-Version": "2"}
        sent = connector.write_headers(CONFIGURATION, "")
        assert sent == {
            "X-Tenant": "tenant t-1",
            "X-Second": "another-key-of-mine",
            "Authorization": "Bearer a-key-of-mine",
        }
        session = open_session(
            connector, CONFIGURATION, "", Provider(url, {}, outbound=outbound), HastyTime()
        )
        with pytest.raises(RejectedError, match='"Notion-Version": "2"') as caught:
            await connector.open_listing(connector.resources[0], {}, ()).read(session, None, None)
        assert "another-key" not in str(caught.value)


@pytest.mark.parametrize("value", ["t\r\nHost: b", "t\u00e9", "t\x7f"])
@pytest.mark.parametrize("key", ["tenant", "second-key", "api.key"])
def test_a_value_that_cannot_stand_in_a_header_is_told_by_its_field(key, value):
    connector = load(TENANTS.format(url="https://a.example", version="2"))
    with pytest.raises(ConnectorError, match=f"^{key}: it holds characters that cannot") as caught:
        connector.write_headers({**CONFIGURATION, key: value}, "")
    assert value not in str(caught.value)


async def test_an_instance_s_value_goes_with_each_call(make_world, api, tmp_path):
    path = tmp_path / "desk.toml"
    path.write_text(
        write_desk(api.url)
        .replace(
            "[auth]",
            '[headers]\nX-Api-Key = "{key}"\n\n[[fields]]\nkey = "key"\nlabel = "Key"\nsecret = true\n\n[auth]',
        )
        .replace(f"{api.url}/none", f"{api.url}/header")
    )
    async with make_world(connector_files=str(path)) as world:
        desk = Desk(world, api, "none")
        refused = await desk.post(key="a-wrong-key")
        assert refused.status_code == 400, refused.text
        missing = await desk.post()
        assert "configuration.key: it is missing" in missing.text
        await desk.connect(key="key-of-the-sandbox")
        made = await desk.change(subject="by the value of a field")
        await desk.wait_for(made["id"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{tenant}", "headers.X-Tenant: no required field of fields has the key of {tenant}"),
        ("a {api.key}", "headers.X-Tenant: no required field of fields has the key of {api.key}"),
    ],
)
def test_a_header_of_no_field_is_told(text, words):
    written = write_desk("https://a.example").replace("[auth]", f'[headers]\nX-Tenant = "{text}"\n\n[auth]')
    with pytest.raises(ConfigurationError) as caught:
        read_text(written, "desk.toml", compile_pattern)
    assert words in str(caught.value)


def test_what_stands_in_braces_and_names_no_field_is_sent_as_it_is():
    text = '{\\".tag\\": \\"root\\", \\"root\\": {}}'
    connector = load(
        write_desk("https://a.example").replace("[auth]", f'[headers]\nX-Root = "{text}"\n\n[auth]')
    )
    assert connector.headers["X-Root"] == '{".tag": "root", "root": {}}'
