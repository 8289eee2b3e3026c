"""What tests of processes connect: instances of a sandbox whose callbacks are ``signalpost listen``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from signalpost.delivery.sign import ELEMENTS_SIGNATURE
from tests.processes import run
from tests.support import REDIRECT, authorize, until

KEY = "a signature key"


def settings_for(sandbox_url: str, **more: Any) -> dict[str, Any]:
    """Settings of a service on that sandbox: quick polls and retries."""
    return {
        "egnyte_url": sandbox_url,
        "allow_private_networks": "true",
        "min_poll_interval_seconds": 0.2,
        "retry_schedule_seconds": "0.2,0.5,1,1,1,1,1,1",
        **more,
    }


def listen(path: Path, *, port: str = "0", delay_seconds: float = 0) -> list[str]:
    """The command of a receiver that verifies, and writes to ``path``."""
    given = ["--port", port, "--delay", str(delay_seconds), "--jsonl", str(path)]
    return ["listen", "--quiet", "--key", KEY, *given]


async def create_credentials(settings: dict[str, Any], *arguments: str) -> dict[str, str]:
    """Give the ``Authorization`` header of a new user."""
    code, output, errors = await run(["credentials", "create", "--json", *arguments], settings)
    assert code == 0, errors
    return {"Authorization": authorize(json.loads(output))}


async def connect(url: str, sandbox_url: str, callback_url: str, headers: dict[str, str]) -> int:
    """Connect an instance; gives its id once its first poll has set the watermark."""
    async with httpx.AsyncClient() as client:
        asked = {"client_id": "key", "redirect_uri": REDIRECT}
        code = (await client.post(f"{sandbox_url}/_sandbox/authorize", json=asked)).json()["code"]
        configuration = {
            "oauth.callback.url": REDIRECT,
            "oauth.api.key": "key",
            "oauth.api.secret": "secret",
            "subdomain": "acme",
            "event.notification.enabled": True,
            "event.notification.callback.url": callback_url,
            "event.notification.signature.key": KEY,
            "event.poller.refresh_interval": 0.2 / 60,
        }
        body = {"element": {"key": "egnyte"}, "providerData": {"code": code}, "configuration": configuration}
        await client.delete(f"{sandbox_url}/_sandbox/calls")
        answer = await client.post(f"{url}/elements/api-v2/instances", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

        async def read_cursor() -> bool:
            calls = (await client.get(f"{sandbox_url}/_sandbox/calls")).json()["paths"]
            return "/pubapi/v2/events/cursor" in calls

        await until(read_cursor)
        return int(answer.json()["id"])


async def change(sandbox_url: str, count: int) -> None:
    """Make changes."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{sandbox_url}/_sandbox/changes", json={"count": count})
        assert answer.status_code == 200, answer.text


async def read_truth(sandbox_url: str) -> list[int]:
    """The ids of all that happened, in order."""
    async with httpx.AsyncClient() as client:
        rows = (await client.get(f"{sandbox_url}/_sandbox/events?after=0")).json()["events"]
    return [row["id"] for row in rows]


def read_received(path: Path) -> list[dict[str, Any]]:
    """The notifications that a receiver wrote down; a line that is being written is left out."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def list_records(received: list[dict[str, Any]]) -> list[int]:
    """The provider's ids of what arrived."""
    return [record["id"] for each in received for record in each["body"]["message"]["raw"]["events"]]


def check_delivered(received: list[dict[str, Any]], truth: list[int]) -> None:
    """Delivered is what happened, in order, without holes; repeats carry the same ids and bytes."""
    assert all(each["valid"] is True for each in received)
    firsts: dict[str, dict[str, Any]] = {}
    for each in received:
        first = firsts.setdefault(each["body"]["id"], each)
        assert first["headers"]["webhook-id"] == each["headers"]["webhook-id"] == each["body"]["id"]
        # It signs the bytes: the same signature, the same bytes.
        assert first["headers"][ELEMENTS_SIGNATURE] == each["headers"][ELEMENTS_SIGNATURE]
    assert list_records(list(firsts.values())) == truth
    events = [event for each in firsts.values() for event in each["body"]["message"]["events"]]
    assert [event["sequence"] for event in events] == list(range(1, len(truth) + 1))
    assert len({event["id"] for event in events}) == len(truth)
