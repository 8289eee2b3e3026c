"""Errors: one shape, an id for every request, and bodies and paths that no client should send."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from urllib.parse import urlsplit

import pytest

from signalpost.api.app import BASE_PATH
from signalpost.api.waiting import MOST_BODY_BYTES
from tests.api.answers import accepted, refused, with_token
from tests.support import PATIENCE_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def post(still, content, content_type="application/json"):
    headers = {} if content_type is None else {"Content-Type": content_type}
    return await still.client.post("/instances", content=content, headers=headers)


async def test_every_answer_has_an_id_of_its_own(still):
    paths = ["/elements", "/instances", "/instances/events", "/nothing", "/instances/x", "/instances/"]
    answers = [await still.client.get(path) for path in paths * 2]
    assert len({answer.headers["Elements-Request-Id"] for answer in answers}) == len(answers)


@pytest.mark.parametrize(
    "path", ["/nothing", "/instances/1/nothing", "/elements/egnyte/nothing", "/Instances"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_route_is_not_found_and_is_named(still, method, path):
    refused(await still.client.request(method, path), 404, f"there is nothing at {method} {BASE_PATH}{path}")


async def test_a_slash_at_the_end_of_a_path_is_as_none(still):
    instance = accepted(await still.client.post("/instances/", json=await still.body()))
    assert accepted(await still.client.get("/instances/")) == [instance]
    path = f"/instances/{instance['id']}/"
    assert accepted(await still.client.get(path)) == instance
    assert accepted(await still.client.patch(path, json={"name": "Other"}))["name"] == "Other"
    refused(await still.client.put("/instances/events/"), 405, "the path takes GET")
    refused(await still.client.get("/nothing/"), 404, f"GET {BASE_PATH}/nothing")
    own = with_token(still, instance["token"])
    assert accepted(await still.client.get("/hubs/documents/ping/", headers=own))["endpoint"] == "egnyte"
    refused(await still.client.get("/hubs/documents/", headers=own), 404, "known: /hubs/documents/events")
    for path in ["/elements/api-v2/", "/elements/api-v2/hubs/documents"]:
        refused(await still.outside.get(f"{still.url}{path}"), 404, "there is nothing at")


async def test_a_slash_too_many_after_the_base_path_is_as_one(still):
    """Of programs whose setting for the base path ends with a slash."""
    base = f"{still.url}{BASE_PATH}"
    made = accepted(await still.client.post(f"{base}//instances", json=await still.body()))
    own = with_token(still, made["token"])
    for slashes in ("//", "///"):
        assert accepted(await still.client.get(f"{base}{slashes}instances/{made['id']}/")) == made
        for path in ("hubs/documents/ping", "ping"):
            answer = await still.client.get(f"{base}{slashes}{path}", headers=own)
            assert accepted(answer)["endpoint"] == "egnyte"
        refused(await still.client.put(f"{base}{slashes}instances/events"), 405, "the path takes GET")
        refused(await still.client.get(f"{base}{slashes}nothing"), 404, f"GET {BASE_PATH}/nothing")
    # Elsewhere something is missing between them, such as an id: nobody knows what is meant.
    for path in ("/instances//enabled", "/instances//configuration"):
        refused(await still.client.delete(path), 404, path)
    refused(await still.outside.get(f"{still.url}/{BASE_PATH}/instances"), 404)


async def test_routes_outside_of_the_base_path_are_not_found_in_the_same_shape(still):
    for path in ["/docs", "/redoc", "/elements/api-v1/instances"]:
        refused(await still.outside.get(f"{still.url}{path}"), 404, path)


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("PUT", "/elements", ["GET"]),
        ("DELETE", "/elements/egnyte/oauth/url", ["GET", "POST"]),
        ("POST", "/instances/1", ["GET", "PUT", "PATCH", "DELETE"]),
        ("GET", "/instances/1/enabled", ["PUT", "DELETE"]),
        ("OPTIONS", "/instances", ["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_takes(still, method, path, taken):
    answer = await still.client.request(method, path)
    refused(answer, 405, method, path, ", ".join(taken))
    assert answer.headers["Allow"] == ", ".join(taken).replace("GET", "GET, HEAD")


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": ',
        b"{'name': 'x'}",
        b"[1, 2",
        b"name=x",
        b'{"name": "x"} {}',
        b'{"name": "\\ud800"}',
        b'{"name": "\\udc00\\ud800"}',
        b'{"name": "a\0b"}',
        b'{"name": NaN}',
        b'{"name": -Infinity}',
        b'{"name": 1e400}',
        b'{"name": ' + b"9" * 5_000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b"\0",
        b"\xef\xbb\xbf",
        b"{}\xef\xbb\xbf",
    ],
)
async def test_what_is_not_json_is_refused_with_the_place(still, content):
    refused(await post(still, content), 400, "the body is not JSON", "character")


@pytest.mark.parametrize("coding", ["latin-1", "cp1252", "utf-16", "utf-32"])
async def test_what_is_not_utf8_is_refused_with_what_to_send(still, coding):
    content = json.dumps({**await still.body(), "name": "Überfluß"}, ensure_ascii=False).encode(coding)
    declared = f"application/json; charset={coding}"
    refused(
        await post(still, content, declared),
        400,
        "the body is not JSON",
        "not UTF-8 (byte ",
        "send it in UTF-8",
    )


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
async def test_a_compressed_body_is_refused_with_its_coding(still, coding):
    content = {"deflate": zlib.compress}.get(coding, gzip.compress)(json.dumps(await still.body()).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await still.client.post("/instances", content=content, headers=headers)
    refused(answer, 415, f"Content-Encoding: '{coding}'", "send the JSON as it is")


@pytest.mark.parametrize("coding", ["identity", "utf-8", "gzip"])
async def test_json_is_read_whatever_coding_is_named_wrongly(still, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    content = json.dumps(await still.body()).encode()
    accepted(await still.client.post("/instances", content=content, headers=headers))


async def test_a_byte_order_mark_before_the_json_is_passed_over(still):
    content = json.dumps({**await still.body(), "name": "Überfluß"}, ensure_ascii=False).encode("utf-8-sig")
    assert accepted(await post(still, content))["name"] == "Überfluß"


@pytest.mark.parametrize("key", ["configuration", "unknown"])
async def test_what_nests_too_deeply_to_be_kept_is_refused(still, key):
    content = b'{"%s": {"x": %s}}' % (key.encode(), b"[" * 400 + b"]" * 400)
    refused(await post(still, content), 400, "too deeply")


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"text"', b"5", b"true"])
async def test_a_body_that_is_no_object_is_refused(still, content):
    refused(await post(still, content), 400, "body")


@pytest.mark.parametrize(
    "content_type", [None, "application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"]
)
async def test_json_is_read_by_any_of_its_names(still, content_type):
    accepted(await post(still, json.dumps(await still.body()).encode(), content_type))


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"]
)
async def test_another_type_of_body_is_refused(still, content_type):
    answer = await post(still, json.dumps(await still.body()).encode(), content_type)
    refused(answer, 415, repr(content_type), "application/json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"element": "egnyte"}, ["element", "'egnyte'"]),
        ({"element": {"key": ["egnyte"]}}, ["element.key", "egnyte"]),
        ({"providerData": "code"}, ["providerData"]),
        ({"providerData": {"code": {}}}, ["providerData.code"]),
        ({"configuration": []}, ["configuration"]),
        ({"configuration": "subdomain"}, ["configuration"]),
        ({"tags": "Test"}, ["tags", "'Test'"]),
        ({"tags": [["Test"]]}, ["tags.0", "Test"]),
        ({"tags": [None]}, ["tags.0", "None"]),
        ({"name": ["x"]}, ["name", "x"]),
        ({"name": True}, ["name", "True"]),
        ({"externalAuthentication": {}}, ["externalAuthentication"]),
    ],
)
async def test_a_value_of_the_wrong_type_is_named(still, change, words):
    answer = await still.client.post("/instances", json={**await still.body(), **change})
    body = refused(answer, 400, *words, "; give ")
    assert "a signature key" not in body["message"]


async def test_a_body_of_the_most_bytes_is_read_and_one_more_is_not(still):
    content = json.dumps({**await still.body(), "unknown": ""}).encode()
    filled = content.replace(b'"unknown": ""', b'"unknown": "%s"' % (b"x" * (MOST_BODY_BYTES - len(content))))
    accepted(await post(still, filled))
    refused(await post(still, filled + b" "), 413, "1,000,000 bytes")


async def test_a_body_without_a_length_is_measured_as_it_comes(still):
    async def write_pieces(count):
        yield b'{"name": "'
        for _ in range(count):
            yield b"x" * 100_000

    refused(await post(still, write_pieces(30)), 413, "1,000,000 bytes")
    refused(await post(still, write_pieces(5)), 400, "the body is not JSON")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/instances"), ("PATCH", "/instances/1"), ("POST", "/instances/1/replays")],
)
async def test_the_body_of_who_may_not_ask_is_not_waited_for(still, method, path):
    """A hundred of such would keep all others from being answered."""
    address = urlsplit(still.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"{method} {BASE_PATH}{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nAuthorization: User x, Element y"
    writer.write(head.encode() + b"\r\n\r\n{")
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert b" 401 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("content", [b"{", b"x=1", b"x" * 2_000_000])
async def test_a_body_that_no_route_asks_for_is_left_unread(still, content):
    path = f"/instances/{(await still.connect())['id']}"
    for method, place in [
        ("GET", path),
        ("PUT", f"{path}/enabled"),
        ("DELETE", f"{path}/enabled"),
        ("DELETE", path),
    ]:
        accepted(await still.client.request(method, place, content=content))


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_large_body_is_refused_on_every_route_that_reads_one(still, method):
    content = b'{"name": "%s"}' % (b"x" * MOST_BODY_BYTES)
    path = f"/instances/{(await still.connect())['id']}"
    refused(await still.client.request(method, path, content=content), 413)


@pytest.mark.parametrize("request_bytes", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\0\r\n\r\n"])
async def test_what_is_not_http_is_refused_and_the_service_goes_on(still, request_bytes):
    address = urlsplit(still.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request_bytes)
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    accepted(await still.client.get("/elements"))


async def test_our_own_fault_is_told_by_its_id_alone_and_logged(shared, log_lines):
    await shared.pool.execute("ALTER TABLE instance RENAME TO mislaid")
    try:
        answer = await shared.client.get("/instances")
    finally:
        await shared.pool.execute("ALTER TABLE mislaid RENAME TO instance")
    body = refused(answer, 500, "requestId")
    assert "mislaid" not in answer.text
    assert "relation" not in answer.text
    [line] = [line for line in log_lines() if line["event"] == "request.failed"]
    assert line["request"] == body["requestId"]
    assert 'relation "instance" does not exist' in line["exception"]


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("PUT", "/instances/test-callback", "POST"),
        ("DELETE", "/instances/events", "GET"),
        ("PATCH", "/instances/polling", "GET, PUT"),
        ("GET", "/instances/100001/deliveries/send-failed", "POST"),
    ],
)
async def test_a_word_of_a_path_is_not_taken_for_an_id(still, log_lines, method, path, taken):
    answer = await still.client.request(method, path)
    refused(answer, 405, f"the path takes {taken}")
    assert answer.headers["Allow"] == taken.replace("GET", "GET, HEAD")
    assert log_lines() == []  # the caller's fault, not ours: nobody is to look into it
