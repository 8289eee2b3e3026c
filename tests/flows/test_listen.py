"""``signalpost listen``: a receiver that others rely on to tell what arrived, and whether it was signed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from signalpost.cli.listen import describe, run_listener
from signalpost.delivery.sign import sign_open_connectors, signature_headers
from signalpost.model.errors import ConfigurationError
from tests.full_disk import full_disk, set_room
from tests.support import PATIENCE_SECONDS, until

NOW = 1_700_000_000.25
EVENTS = [
    {"eventType": "CREATED", "objectId": "one", "objectType": "file"},
    {"eventType": "DELETED", "objectId": "two", "objectType": "folder"},
]
BODY = json.dumps({"message": {"events": EVENTS}}).encode()
STANDARD = signature_headers(["k"], notification_id="n", timestamp=int(NOW), body=BODY)
ELEMENTS = {"Elements-Webhook-Signature": sign_open_connectors("k", BODY)}


@pytest.mark.parametrize(
    ("key", "headers", "valid"),
    [
        ("k", STANDARD, True),
        ("k", ELEMENTS, True),
        ("k", {}, False),
        ("other", STANDARD, False),
        (None, STANDARD, None),
        (None, {}, None),
    ],
)
async def test_tells_whether_a_notification_is_signed(
    key: str | None, headers: dict[str, str], valid: bool | None
) -> None:
    async with run_listener(key=key, clock=lambda: NOW) as listener, httpx.AsyncClient() as client:
        answer = await client.post(listener.url + "/any/path?a=b", content=BODY, headers=headers)
    assert answer.status_code == 200
    received = listener.received[0]
    assert received["valid"] is valid
    assert received["receivedAt"] == "2023-11-14T22:13:20.250Z"
    assert received["body"] == {"message": {"events": EVENTS}}


@pytest.mark.parametrize("body", [b"", b"text", b"\xff\x00", b"[" * 600 + b"]" * 600, b"1e999", b'"\\ud800"'])
async def test_writes_any_body_down_before_it_answers(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "received.jsonl"
    path.write_text('{"earlier": true}\n')
    async with run_listener(jsonl=path) as listener, httpx.AsyncClient() as client:
        answer = await client.post(listener.url, content=body, headers=[(b"X-Odd", b"\xff\xe9")])
        lines = path.read_text().splitlines()
    assert answer.status_code == 200
    assert json.loads(lines[0]) == {"earlier": True}
    assert set(json.loads(lines[1])) == {"receivedAt", "valid", "headers", "body"}
    assert len(lines) == 2


async def test_wherever_the_disk_becomes_full_whole_lines_stay_and_the_rest_comes_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "received.jsonl"
    async with run_listener(jsonl=path) as listener, httpx.AsyncClient() as client:
        assert (await client.post(listener.url, content=BODY)).status_code == 200
        kept = path.read_bytes()
        for room in range(2 * len(kept)):
            with full_disk(room):
                assert (await client.post(listener.url, content=BODY)).status_code == 500
            assert path.read_bytes() == kept
        with full_disk(2 * len(kept)):
            assert (await client.post(listener.url, content=BODY)).status_code == 200
        assert (await client.post(listener.url, content=BODY)).status_code == 200
    assert len(listener.received) == 3
    assert [json.loads(line) for line in path.read_text().splitlines()] == listener.received
    assert capsys.readouterr().err.splitlines() == [
        f"signalpost: --jsonl: cannot write to {path} (File too large); until it can, what arrives is answered 500",
        f"signalpost: --jsonl: {path} is written again",
    ]


async def test_wherever_a_listener_died_the_next_one_adds_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "received.jsonl"
    async with run_listener(jsonl=path) as listener, httpx.AsyncClient() as client:
        await client.post(listener.url, content=BODY)
    whole = path.read_bytes()
    for cut in range(len(whole) - 1):
        path.write_bytes(whole + whole[:cut])
        async with run_listener(jsonl=path):
            assert path.read_bytes() == whole
    for other in (whole[:-1], b"mine", b'{"received', b"{}", b"\x00" * 70_000):
        path.write_bytes(b"mine\n" + other)
        async with run_listener(jsonl=path):
            kept = b"" if other == b'{"received' else other + b"\n"
            assert path.read_bytes() == b"mine\n" + kept


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
async def test_a_device_that_takes_nothing_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    async with run_listener(jsonl=Path("/dev/full")) as listener, httpx.AsyncClient() as client:
        for _ in range(2):
            assert (await client.post(listener.url, content=BODY)).status_code == 500
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith("signalpost: --jsonl: cannot write to /dev/full (No space left on device); ")


async def test_takes_large_bodies_up_to_a_limit() -> None:
    async with run_listener() as listener, httpx.AsyncClient() as client:
        large = json.dumps("x" * 20_000_000).encode()
        assert (await client.post(listener.url, content=large)).status_code == 200
        assert (await client.post(listener.url, content=bytes(34_000_000))).status_code == 413
    assert len(listener.received) == 1


async def test_answers_as_told_and_can_be_told_otherwise() -> None:
    seen = []
    async with (
        run_listener(status=503, on_notification=seen.append) as listener,
        httpx.AsyncClient() as client,
    ):
        assert (await client.post(listener.url, content=b"{}")).status_code == 503
        listener.status = 204
        assert (await client.post(listener.url, content=b"{}")).status_code == 204
        assert (await client.get(listener.url)).status_code == 405
    assert seen == listener.received
    assert len(seen) == 2


async def test_notes_a_notification_at_once_and_answers_late() -> None:
    async with run_listener(delay_seconds=3600) as listener, httpx.AsyncClient() as client:
        posting = asyncio.create_task(client.post(listener.url, content=b"{}"))
        await until(lambda: listener.received)
        assert not posting.done()
        posting.cancel()
        await asyncio.wait([posting])


async def test_says_what_is_wrong_with_its_options(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match=r"--port: cannot listen on 127\.0\.0\.1:\d+ "):
            async with run_listener(port=taken.getsockname()[1]):
                pass
    with pytest.raises(ConfigurationError, match=r"--jsonl: cannot write to .*missing"):
        async with run_listener(jsonl=tmp_path / "missing" / "file"):
            pass
    for key, words in (("", "--key is empty"), ("whsec_%%%", "--key begins with whsec_, but")):
        with pytest.raises(ConfigurationError, match=words):
            async with run_listener(key=key):
                pass


def test_shows_time_signature_and_events_without_control_characters() -> None:
    events = [*EVENTS, {"eventType": "MOVED", "objectId": "\x1b[2J"}, "nonsense"]
    received = {"receivedAt": "T", "valid": False, "headers": {}, "body": {"message": {"events": events}}}
    assert describe(received).plain == (
        "T  SIGNATURE INVALID  3 events\n  CREATED one, DELETED two, MOVED \\x1b[2J"
    )
    for body in ("text", None, [], [1], {"message": "text"}, {"data": {"events": {}}}, {"kind": 1}):
        assert describe({**received, "valid": None, "body": body}).plain == "T  not verified  0 events"


CLOUD_EVENTS = [{"eventtype": event["eventType"], "subject": event["objectId"]} for event in EVENTS]


@pytest.mark.parametrize(
    "body", [{"message": {"events": EVENTS}}, CLOUD_EVENTS, {"data": {"events": EVENTS}}]
)
def test_shows_the_events_of_each_form(body: object) -> None:
    received = {"receivedAt": "T", "valid": True, "headers": {}, "body": body}
    assert describe(received).plain == "T  signature valid  2 events\n  CREATED one, DELETED two"


def test_shows_a_notice_as_a_notice() -> None:
    body = {"kind": "polling.disabled", "message": "users could not be read\x1b[2J"}
    received = {"receivedAt": "T", "valid": True, "headers": {}, "body": body}
    assert describe(received).plain == (
        "T  signature valid  notice polling.disabled\n  users could not be read\\x1b[2J"
    )


@asynccontextmanager
async def run_command(
    *options: str, **settings: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from signalpost.cli import main; main()", "listen", *options),
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert command.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            ready = (await command.stdout.readline()).decode()
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", ready)
        assert match is not None, ready
        yield match[1], command
    finally:
        if command.returncode is None:
            command.kill()
        await command.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_prints_notifications_and_stops_in_order(number: int, tmp_path: Path) -> None:
    path = tmp_path / "received.jsonl"
    async with run_command(
        "--port", "0", "--jsonl", str(path), SIGNALPOST_LISTEN_KEY="k", SIGNALPOST_LISTEN_STATUS="202"
    ) as (url, command):
        async with httpx.AsyncClient() as client:
            answer = await client.post(url, content=BODY, headers=ELEMENTS)
        assert answer.status_code == 202
        command.send_signal(number)
        async with asyncio.timeout(PATIENCE_SECONDS):
            printed, _ = await command.communicate()
    assert command.returncode == 0
    first, second = printed.decode().splitlines()
    assert first.endswith("Z  signature valid  2 events")
    assert second == "  CREATED one, DELETED two"
    assert json.loads(path.read_text())["valid"] is True


async def test_the_command_can_be_quiet() -> None:
    async with run_command("--port", "0", "--quiet") as (url, command):
        async with httpx.AsyncClient() as client:
            await client.post(url, content=BODY)
        command.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            printed, _ = await command.communicate()
    assert printed == b""


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="a call of Linux")
async def test_the_command_goes_on_once_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "received.jsonl"
    path.write_text('{"earlier": true}\n')
    async with run_command("--port", "0", "--jsonl", str(path)) as (url, command):
        async with httpx.AsyncClient() as client:
            set_room(command.pid, 100)
            refused = [(await client.post(url, content=BODY)).status_code for _ in range(3)]
            assert path.read_text() == '{"earlier": true}\n'
            set_room(command.pid, None)
            taken = await client.post(url, content=BODY)
        command.kill()
        printed, told = await command.communicate()
    assert (refused, taken.status_code) == ([500] * 3, 200)
    assert printed.decode().count("not verified") == 1
    assert json.loads(path.read_text().splitlines()[1])["body"] == json.loads(BODY)
    assert [line.partition(" (")[0] for line in told.decode().splitlines()] == [
        f"signalpost: --jsonl: cannot write to {path}",
        f"signalpost: --jsonl: {path} is written again",
    ]
