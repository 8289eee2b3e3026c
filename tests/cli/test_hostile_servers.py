"""What answers may be anything: nothing of it steers the terminal, fills the memory, or gets the secrets elsewhere."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from signalpost.cli.endings import CommandError, Ending
from signalpost.cli.events import EVENTS
from signalpost.cli.remote import client
from signalpost.cli.remote.client import Api, UnknownOutcomeError, check_list
from signalpost.cli.remote.settings import Server
from signalpost.model.errors import ConfigurationError
from tests.cli.commands import open_server, run
from tests.unit.outbound.servers import Authority

OK = b"HTTP/1.1 200 OK\r\n"


def answer(status, body, *headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} words", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + content


@asynccontextmanager
async def serve(*answers, tls=None):
    """Give a server that answers with these, one after the other and the last again; and what it was asked."""
    asked, left = [], [*answers]

    async def reply(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode())
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        with_body = b"POST" in head[:5]
        if with_body:
            await reader.readexactly(2)
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def open_api(url, waits=None):
    return Api(
        Server(url, "a-user-secret", "an-organization-secret"), wait=([] if waits is None else waits).append
    )


@pytest.mark.parametrize(
    ("given", "ending", "words"),
    [
        (answer(302, b"", "Location: http://elsewhere.example/?token=x"), Ending.FAILED, "not followed"),
        (answer(200, b"<html>"), Ending.FAILED, "not as Signalpost does"),
        (answer(200, b"[" * 100_000), Ending.FAILED, "not as Signalpost does"),
        (answer(200, b"9" * 100_000), Ending.FAILED, "not as Signalpost does"),
        (answer(200, b"\xff\xfe"), Ending.FAILED, "not as Signalpost does"),
        (answer(502, b"<html>"), Ending.UNREACHABLE, "answers 502"),
        (
            answer(500, {"message": "oops", "requestId": "r1"}),
            Ending.UNREACHABLE,
            "oops (status 500, request r1)",
        ),
        (answer(429, {"message": "later"}), Ending.UNREACHABLE, "later"),
        (answer(401, {"message": "no"}), Ending.REFUSED, "no"),
        (answer(403, {"message": "no"}), Ending.REFUSED, "no"),
        (answer(404, {"message": ["x"]}), Ending.MISSING, "not as Signalpost does"),
        (
            answer(400, {"message": "\x1b]0;title\x07 a\nb \u202e" + "x" * 9999}),
            Ending.MISUSED,
            "\\x1b]0;title",
        ),
        (answer(400, [1]), Ending.FAILED, "not as Signalpost does"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value)[:30],
)
async def test_an_answer_that_is_not_good_is_one_harmless_line(given, ending, words):
    async with serve(given) as (url, asked):
        with pytest.raises(CommandError) as told:
            await asyncio.to_thread(open_api(url).get, "/instances/1")
    message = str(told.value)
    assert told.value.ending is ending
    assert words in message
    assert message.isprintable()
    assert len(message) <= 500
    assert "token=x" not in message
    assert len(asked) == 1
    assert "Authorization: User a-user-secret, Organization an-organization-secret" in asked[0]


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        OK + b"Content-Length: 9\r\n\r\n{",
        OK + b"X: y\r\n" * 200 + b"\r\n",
        OK + b"X" * 99_999,
    ],
)
async def test_a_broken_answer_is_asked_for_again_and_then_told(given):
    waits = []
    async with serve(given) as (url, asked):
        with pytest.raises(UnknownOutcomeError, match="does not answer: ") as told:
            await asyncio.to_thread(open_api(url, waits).get, "/instances/1")
    assert told.value.ending is Ending.UNREACHABLE
    assert (len(asked), waits) == (4, [1, 2, 4])


async def test_secrets_go_to_nobody_whose_certificate_is_not_trusted(tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    async with serve(answer(200, {}), tls=authority.serve_as("localhost")) as (url, asked):
        api = open_api(url.replace("http://127.0.0.1", "https://localhost"))
        with pytest.raises(CommandError, match="cannot be trusted: ") as told:
            await asyncio.to_thread(api.get, "/instances/1")
        assert (told.value.ending, asked) == (Ending.FAILED, [])
        authority.serve_itself()
        certificates = b"".join(path.read_bytes() for path in tmp_path.glob("*.pem"))
        (tmp_path / "trusted.crt").write_bytes(certificates)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.crt"))
        assert await asyncio.to_thread(api.get, "/instances/1") == {}


@pytest.mark.parametrize("host", ["127.0.0.1:1", "x" * 70 + ".example.com", "a..b"])
async def test_a_server_that_is_not_there_is_told(host):
    with pytest.raises(CommandError, match="cannot be reached: ") as told:
        await asyncio.to_thread(open_api(f"http://{host}").post, "/instances/1/replays")
    assert told.value.ending is Ending.UNREACHABLE


async def test_an_endless_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(client, "MOST_BYTES", 1000)
    async with serve(OK + b"\r\n" + b" " * 5000) as (url, _):
        with pytest.raises(UnknownOutcomeError, match="longer than 1,000 bytes"):
            await asyncio.to_thread(open_api(url).get, "/instances/1")


async def test_what_is_ordered_is_sent_again_with_the_same_key_when_no_answer_came():
    runs_still = answer(409, {"message": "the request that came first with it still runs"}, "Retry-After: 1")
    async with serve(b"", runs_still, answer(202, {"id": 7})) as (url, asked):
        assert await asyncio.to_thread(open_api(url).post, "/instances/1/replays", {}) == {"id": 7}
    keys = {line for head in asked for line in head.splitlines() if line.startswith("Idempotency-Key: ")}
    assert (len(asked), len(keys)) == (3, 1)
    async with serve(answer(409, {"message": "it still waits"}), answer(202, {})) as (url, asked):
        with pytest.raises(CommandError, match="it still waits"):
            await asyncio.to_thread(open_api(url).post, "/instances/1/replays", {})
    assert len(asked) == 1


async def test_who_is_patient_waits_for_as_long_as_it_takes():
    waits = []
    async with serve(*[answer(503, b"")] * 7, answer(200, [])) as (url, _):
        value = await asyncio.to_thread(lambda: open_api(url, waits).get("/instances", patient=True))
    assert check_list(value) == []
    assert waits == [1, 2, 4, 8, 15, 15, 15]


async def test_a_list_whose_pages_go_round_ends():
    page = answer(200, [{"id": 1}], "Elements-Next-Page-Token: again")
    async with serve(page) as (url, asked):
        found = await asyncio.to_thread(lambda: [*open_api(url).list_pages("/instances", {})])
    assert (found, len(asked)) == ([{"id": 1}] * 2, 2)


async def test_names_of_others_do_not_steer_the_terminal_and_odd_fields_are_shown_as_they_are():
    odd = [{"id": "x", "name": "\x1b[2J\u202egnp\r\nINSTANCE", "element": 5, "valid": []}, {}]
    async with serve(answer(200, odd)) as (url, _):
        plain = await run("instances", "list", env=open_server(url))
        lines = await run("instances", "list", "--json", env=open_server(url))
    assert plain.code == 0, plain.err
    assert len(plain.out.splitlines()) == 3
    assert "\\x1b[2J\\u202egnp\\r\\nINSTANCE" in plain.out
    assert lines.out.isascii()
    assert "\x1b" not in lines.out


@pytest.mark.parametrize(
    "events",
    [[{"sequence": 2}, {"sequence": 2}], [{"sequence": 0}], [{}], [{"sequence": True}], [3], {"a": 1}],
    ids=str,
)
async def test_a_log_out_of_order_is_not_kept(events, tmp_path):
    file = tmp_path / "kept.jsonl"
    async with serve(answer(200, [{"sequence": 9}]), answer(200, events)) as (url, _):
        with pytest.raises(CommandError, match="the server's answer"):
            await asyncio.to_thread(EVENTS.export, open_api(url), 1, file, as_json=False)
    assert file.read_bytes() == b""


async def test_a_file_of_another_server_is_left_alone(tmp_path):
    file = tmp_path / "kept.jsonl"
    ours = [{"sequence": number, "id": f"ours {number}"} for number in (1, 2, 3)]
    theirs = [{"sequence": number, "id": f"theirs {number}"} for number in (1, 2, 3, 4)]

    async def export(*answers):
        async with serve(*(answer(200, each) for each in answers)) as (url, _):
            await asyncio.to_thread(EVENTS.export, open_api(url), 1, file, as_json=False)

    await export(ours[-1:], ours)
    whole = file.read_bytes()
    for answers in ([theirs[-1:], theirs[2:]], [theirs[:1], []]):
        with pytest.raises(
            ConfigurationError, match="ends with sequence 3, which is another one here, or none"
        ):
            await export(*answers)
    await export([])  # nothing is kept any more
    await export(ours[-1:], ours[-1:])
    assert file.read_bytes() == whole
    await export([{"sequence": 9}], [{"sequence": 8}, {"sequence": 9}], [{"sequence": 8}, {"sequence": 9}])
    assert len(file.read_text().splitlines()) == 5


async def test_a_long_list_is_printed_as_it_comes():
    """However many there are, no more than a page of them is kept: a server that fails amid it was read as far."""
    page = answer(200, [{"id": 1}, {"id": 2}], "Elements-Next-Page-Token: further")
    async with serve(page, answer(404, {"message": "it is gone"})) as (url, _):
        ran = await run("instances", "list", "--limit", 100_000, "--json", env=open_server(url))
    assert [each["id"] for each in ran.values] == [1, 2]
    assert (ran.code, "it is gone" in ran.err) == (5, True)
