"""A declared connector from connecting to the delivered event: by every authorisation, by every pagination."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import pytest

from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.auth import Auth
from signalpost.connectors.rest.pagination import Pagination
from signalpost.connectors.rest.reading import read_text
from signalpost.polling.dates import compile_pattern
from signalpost.testing.recorded import HastyTime, Provider, open_session
from tests.rest.desk import AUTHS, PAGINATIONS, write_desk


async def change_and_wait(desk):
    """Change a ticket and make one, beyond the first page; both are told with their own dates."""
    changed = await desk.change(id=1, subject="other")
    made = await desk.change(subject="new")
    events = await desk.wait_for(changed["id"], made["id"])
    assert [each["eventType"] for each in events] == ["UPDATED", "CREATED"]
    dates = [datetime.fromisoformat(each["date"]) for each in events]
    assert dates == [
        datetime.fromisoformat(each["updated_at"]).replace(microsecond=0) for each in (changed, made)
    ]


KINDS = [
    ("none", "none"),
    ("header", "page"),
    ("basic", "offset"),
    ("oauth2_code", "cursor"),
    ("oauth2_client", "link"),
    ("query", "next_url"),
    ("none", "after"),
]


def test_every_kind_is_tried():
    assert {auth for auth, _ in KINDS} == set(AUTHS) == set(read_kinds(Auth))
    assert {pagination for _, pagination in KINDS} == set(PAGINATIONS) == set(read_kinds(Pagination))


def read_kinds(union):
    return [get_args(model.model_fields["kind"].annotation)[0] for model in get_args(union)]


@pytest.mark.parametrize(("auth", "pagination"), KINDS)
async def test_what_changes_is_told(open_desk, auth, pagination):
    async with open_desk(auth=auth, pagination=pagination) as desk:
        for number in range(5):
            dates = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"}
            await desk.change(subject=f"old {number}", **dates)
        instance = await desk.connect()
        secrets = {"api.key", "password", "oauth.api.key", "oauth.api.secret"}
        shown = {text for key, text in instance["configuration"].items() if key in secrets}
        assert shown <= {"********"}
        await change_and_wait(desk)


@pytest.mark.parametrize("size", [2, 250])
async def test_what_tries_the_connection_is_asked_for_as_polls_ask(size):
    """Of some providers a page is never smaller than so many records, and one of a single record is refused."""
    text = write_desk("https://a.example").replace("size = 2", f"size = {size}")
    account = text[text.index("[account]") : text.index("[limits]")]
    connector = RestConnector(read_text(text.replace(account, ""), "desk.toml", compile_pattern))
    provider = Provider(
        "https://a.example/none", {f"/page/tickets?page=1&size={size}": {"data": {"items": []}}}
    )
    session = open_session(connector, {}, "", provider, HastyTime())
    assert (await connector.identify(session)).label == "Desk"
