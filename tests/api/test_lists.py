"""Lists: searched, and read page by page."""

from __future__ import annotations

import base64

import orjson
import pytest

from signalpost.api.app import BASE_PATH
from tests.api.answers import accepted, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ["Alpha one", "Alpha two", "beta", "Gamma_100%", "Ünïcode 漢"]
TAGS = [["red"], ["red", "blue"], ["blue"], [], ["Red"]]


def write_token(value):
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


async def connect_several(still):
    made = []
    for name, tags in zip(NAMES, TAGS, strict=True):
        body = {**await still.body(), "name": name, "tags": tags}
        made.append(accepted(await still.client.post("/instances", json=body)))
    return made


async def names(still, **parameters):
    return [each["name"] for each in accepted(await still.client.get("/instances", params=parameters))]


async def test_instances_are_found_by_name_and_by_tags(still):
    made = await connect_several(still)
    assert accepted(await still.client.get("/instances")) == made
    for text, found in [
        ("alpha", NAMES[:2]),
        ("ALPHA TWO", NAMES[1:2]),
        ("_100%", NAMES[3:4]),
        ("漢", NAMES[4:]),
        ("", NAMES),
    ]:
        assert await names(still, searchText=text) == found
    assert await names(still, **{"tags[]": "red"}) == NAMES[:2]
    assert await names(still, **{"tags[]": ["red", "blue"]}) == NAMES[1:2]
    assert await names(still, searchText="two", **{"tags[]": "red"}) == NAMES[1:2]
    assert await names(still, searchText="", **{"tags[]": ""}) == NAMES
    assert await names(still, **{"tags[]": ["", "red"]}) == NAMES[:2]


async def test_a_search_with_an_instance_token_is_of_all_and_goes_on_page_by_page(still):
    first, second, *_ = await connect_several(still)
    headers = {"Authorization": f"{still.client.headers['Authorization']}, Element {second['token']}"}
    query = {"tags[]": "red", "pageSize": 1}
    answer = await still.client.get("/instances", params=query, headers=headers)
    assert accepted(answer) == [first]
    token = {"nextPage": answer.headers["Elements-Next-Page-Token"]}
    assert accepted(await still.client.get("/instances", params=query | token, headers=headers)) == [second]
    assert accepted(await still.client.get("/instances", params=token, headers=headers)) == [second]
    odd = {**headers, "If-None-Match": "of-before"}
    refused(await still.client.get("/instances", params=query, headers=odd), 400, "If-None-Match")


async def test_a_search_that_finds_nothing_is_not_found(still):
    assert accepted(await still.client.get("/instances")) == []
    await connect_several(still)
    for parameters in [
        {"searchText": "delta"},
        {"searchText": "%"},
        {"searchText": "Alpha%two"},
        {"searchText": "' OR 1=1 --"},
        {"tags[]": "green"},
        {"tags[]": ["red", "green"]},
        {"searchText": "beta", "tags[]": "red"},
    ]:
        if parameters == {"searchText": "%"}:
            assert await names(still, **parameters) == NAMES[3:4]
        else:
            refused(await still.client.get("/instances", params=parameters), 404, "no instance matches")


@pytest.mark.parametrize("parameters", [{"searchText": "a\0b"}, {"tags[]": "a\0"}])
async def test_a_search_for_what_no_name_can_hold_is_refused(still, parameters):
    refused(await still.client.get("/instances", params=parameters), 400, "NUL")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 200])
async def test_pages_are_followed_by_token_or_by_number_and_hold_all_once(still, size):
    made = await connect_several(still)
    by_token, parameters = [], {"pageSize": size}
    while parameters:
        answer = await still.client.get("/instances", params=parameters)
        page = accepted(answer)
        assert len(page) <= size
        assert answer.headers["Elements-Returned-Count"] == str(len(page))
        by_token += page
        token = answer.headers.get("Elements-Next-Page-Token")
        parameters = {"nextPage": token} if token else None
    assert by_token == made

    by_number, number = [], 0
    while len(by_number) == number * size:
        number += 1
        by_number += accepted(await still.client.get("/instances", params={"pageSize": size, "page": number}))
    assert by_number == made


async def test_a_search_is_paged_too(still):
    made = await connect_several(still)
    first = await still.client.get("/instances", params={"tags[]": "red", "pageSize": 1})
    assert accepted(first) == made[:1]
    token = first.headers["Elements-Next-Page-Token"]
    second = await still.client.get("/instances", params={"tags[]": "red", "nextPage": token})
    assert accepted(second) == made[1:2]
    # The end of a search that found something is an empty page, not an error.
    token = second.headers["Elements-Next-Page-Token"]
    assert accepted(await still.client.get("/instances", params={"tags[]": "red", "nextPage": token})) == []
    for page, found in [(1, made[:2]), (2, [])]:
        parameters = {"tags[]": "red", "pageSize": 2, "page": page}
        assert accepted(await still.client.get("/instances", params=parameters)) == found


async def test_instances_made_meanwhile_do_not_shift_the_pages(still):
    made = await connect_several(still)
    first = await still.client.get("/instances", params={"pageSize": 2})
    accepted(await still.client.delete(f"/instances/{made[0]['id']}"))
    added = await still.connect()
    parameters = {"nextPage": first.headers["Elements-Next-Page-Token"], "pageSize": 200}
    assert accepted(await still.client.get("/instances", params=parameters)) == [*made[2:], added]


PAGED = ["/instances", "/instances/events", "/elements"]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("name", ["pageSize", "page"])
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "1e2", "9" * 5_000, "\u0661", "1 0", "\0"])
async def test_a_page_that_cannot_be_is_refused(still, path, name, text):
    refused(await still.client.get(path, params={name: text}), 400, f"{name}: ", "whole number from 1 to")


@pytest.mark.parametrize("path", PAGED)
async def test_a_page_size_above_the_most_is_refused_and_the_most_is_taken(still, path):
    refused(await still.client.get(path, params={"pageSize": "201"}), 400, "pageSize: '201'", "200")
    accepted(await still.client.get(path, params={"pageSize": "200"}))
    accepted(await still.client.get(path, params={"pageSize": "", "page": "", "nextPage": ""}))


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize(
    "token",
    [
        "x",
        "漢",
        "e30=",  # {}
        "bnVsbA==",  # null
        "eyJhZnRlciI6WzFlMzAwXSwicGFnZVNpemUiOjF9",  # after: a number too large
        "eyJhZnRlciI6WyJ4Il0sInBhZ2VTaXplIjoxfQ==",  # after: text
        "eyJhZnRlciI6WzFdLCJwYWdlU2l6ZSI6MH0=",  # pageSize: 0
    ],
)
async def test_a_token_that_no_page_gave_is_refused(still, path, token):
    refused(
        await still.client.get(path, params={"nextPage": token}),
        400,
        "nextPage: ",
        "Elements-Next-Page-Token",
    )


async def test_a_token_of_another_list_is_refused_and_one_of_before_they_were_told_apart_is_taken(still):
    made = await connect_several(still)
    answer = await still.client.get("/instances", params={"pageSize": 1})
    token = answer.headers["Elements-Next-Page-Token"]
    first, second = (f"/instances/{each['id']}" for each in made[:2])
    for path in [
        "/elements",
        "/instances/events",
        "/instances/polling-disabled",
        "/notifications/subscriptions/deliveries",
        f"{first}/events",
        f"{first}/deliveries",
        f"{first}/replays",
        f"{first}/events/dispositions",
    ]:
        whole = f"{still.client.base_url.path.rstrip('/')}{path}"
        words = f"nextPage: {token[:50]!r} is not a token that a page of GET {whole} gave"
        refused(await still.client.get(path, params={"nextPage": token}), 400, words)
    # Nor does that of one instance's list lead into another's.
    of_first = write_token({"list": f"GET {BASE_PATH}{first}/events", "after": [1, 1], "pageSize": 1})
    accepted(await still.client.get(f"{first}/events", params={"nextPage": of_first}))
    refused(await still.client.get(f"{second}/events", params={"nextPage": of_first}), 400, "nextPage")
    older = write_token({"after": [made[0]["id"]], "pageSize": 1})
    assert accepted(await still.client.get("/instances", params={"nextPage": older})) == made[1:2]
