"""Answers that would take far more room once they are read than they have bytes: refused before that."""

from __future__ import annotations

import pytest
from aiohttp import web

from signalpost.connectors import session as sessions
from signalpost.model.errors import ConnectorError
from signalpost.outbound import Outbound
from signalpost.testing.recorded import HastyTime, Provider, open_session
from tests.apps import run_app
from tests.rest.desk import write_desk
from tests.rest.test_post import load

LIMIT = 1000


async def read(body):
    """Read a list whose one answer has this body, by the service's own session; give its records."""

    async def answer(request):
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/none/all/tickets", answer)
    async with run_app(app) as url, Outbound(allow_private=True, connections=2) as outbound:
        connector = load(write_desk(url, pagination="none"))
        provider = Provider(url + "/none", {}, outbound=outbound)
        session = open_session(connector, {}, "", provider, HastyTime())
        listing = connector.open_listing(connector.resources[0], {}, ())
        return (await listing.read(session, None, None)).records


def write(records):
    return b'{"data": {"items": [' + records + b"]}}"


@pytest.mark.parametrize(
    "records",
    [
        b",".join([b"null"] * LIMIT),
        b",".join([b"{}"] * (LIMIT // 2)),
        b"[" * 100 + b"]" * 100 + b", 1" * LIMIT,
        b'{"a": {' + b",".join(b'"%d": 1' % number for number in range(LIMIT)) + b"}}",
        b'{"a": [' + b",".join([b"[]"] * (LIMIT // 2)) + b"]}",
    ],
)
async def test_an_answer_of_too_many_values_is_told_and_not_read(records, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_VALUES", LIMIT)
    with pytest.raises(
        ConnectorError, match=r"^Desk answered with more than 1,000 values; have it give smaller"
    ):
        await read(write(records))


async def test_what_is_long_for_its_texts_is_read(monkeypatch):
    monkeypatch.setattr(sessions, "MOST_VALUES", LIMIT)
    records = b'{"id": "%s"}, %s' % (b"x" * 100 * LIMIT, b",".join([b"1"] * (LIMIT - 10)))
    assert len(await read(write(records))) == LIMIT - 9


async def test_a_few_million_are_too_many():
    with pytest.raises(ConnectorError, match="more than 4,000,000 values"):
        await read(write(b",".join([b"{}"] * 2_100_000)))
