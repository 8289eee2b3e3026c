"""The main job through ten SIGKILLs: what was delivered is what happened, repeats are recognisable, order holds."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from signalpost.delivery.sign import ELEMENTS_SIGNATURE
from tests.faults.impatient import PROGRAM
from tests.processes import Command, find_servers, run, running, start
from tests.support import EVENTS_CONFIGURATION, REDIRECT, authorize, until

CHANGES = 2000
KILLS = 10
SEED = 20261125
KEY = "a signature key"


class Service:
    """``signalpost serve`` on one data directory, killed and started again."""

    def __init__(self, folder: Path, sandbox_url: str) -> None:
        self.folder = folder
        self._settings = {
            "egnyte_url": sandbox_url,
            "allow_private_networks": "true",
            "min_poll_interval_seconds": 0.2,
            "retry_schedule_seconds": "0.2,0.5,1,1,1,1,1,1",
        }
        self.pages_before = 0
        self.command: Command | None = None

    async def start(self) -> None:
        arguments = ["serve", "--port", "0", "--data-dir", str(self.folder / "data")]
        self.pages_before = self.count_pages()
        log = self.folder / "serve.log"
        self.command = await start(arguments, "signalpost ready on ", log, self._settings, PROGRAM)

    def count_pages(self) -> int:
        log = self.folder / "serve.log"
        return log.read_text().count("poll.page_committed") if log.exists() else 0

    def has_worked(self) -> bool:
        """Say whether it has committed a page since it was last started."""
        return self.count_pages() > self.pages_before


async def connect(service: Service, sandbox_url: str, callback_url: str, secrets: dict[str, str]) -> int:
    assert service.command is not None
    async with httpx.AsyncClient(headers={"Authorization": authorize(secrets)}) as client:
        asked = {"client_id": "key", "redirect_uri": REDIRECT}
        code = (await client.post(f"{sandbox_url}/_sandbox/authorize", json=asked)).json()["code"]
        body = {
            "element": {"key": "egnyte"},
            "providerData": {"code": code},
            "name": "Killed",
            "configuration": {
                "oauth.callback.url": REDIRECT,
                "oauth.api.key": "key",
                "oauth.api.secret": "secret",
                "subdomain": "acme",
                "event.notification.enabled": "true",
                "event.notification.callback.url": callback_url,
                "event.notification.signature.key": KEY,
                "event.poller.refresh_interval": "0.004",
                "event.poller.configuration": json.dumps(EVENTS_CONFIGURATION),
            },
        }
        answer = await client.post(f"{service.command.url}/elements/api-v2/instances", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def records_of(received: list[dict]) -> list[int]:
    return [record["id"] for each in received for record in each["body"]["message"]["raw"]["events"]]


async def make_changes_while_killing(service: Service, sandbox_url: str, chance: random.Random) -> None:
    """Make the changes in bursts; in between, at random moments, kill the service and start it again."""
    all_killed = asyncio.Event()

    async def change() -> None:
        made = 0
        async with httpx.AsyncClient() as client:
            # On a slow machine more than were meant: they go on until the last kill.
            while made < CHANGES or not all_killed.is_set():
                count = chance.randint(1, 40)
                answer = await client.post(f"{sandbox_url}/_sandbox/changes", json={"count": count})
                assert answer.status_code == 200
                made += count
                await asyncio.sleep(chance.uniform(0, 0.75))

    changing = asyncio.create_task(change())
    for _ in range(KILLS):
        # A kill that finds it idle shows nothing: each comes at a random moment after work has begun.
        await until(service.has_worked)
        await asyncio.sleep(chance.uniform(0, 0.8))
        assert service.command is not None
        await service.command.kill()
        await service.start()
    all_killed.set()
    await asyncio.wait_for(changing, 120)


def check(received: list[dict], truth: list[int]) -> None:
    """Delivered is what happened; repeats carry the same ids and bytes; order and sequence hold."""
    assert all(each["valid"] is True for each in received)
    by_id: dict[str, dict] = {}
    firsts = []
    for each in received:
        number = each["headers"]["webhook-id"]
        assert number == each["body"]["id"]
        if number in by_id:
            assert by_id[number]["body"] == each["body"]
            # It signs the bytes: the same signature, the same bytes.
            assert by_id[number]["headers"][ELEMENTS_SIGNATURE] == each["headers"][ELEMENTS_SIGNATURE]
            continue
        by_id[number] = each
        firsts.append(each)
    assert records_of(firsts) == truth
    events = [event for each in firsts for event in each["body"]["message"]["events"]]
    assert [event["sequence"] for event in events] == list(range(1, len(truth) + 1))
    assert len({event["id"] for event in events}) == len(truth)
    # A repeat may come only before the lane went on: order of arrival never goes back further than a crash.
    print(f"{len(received) - len(firsts)} of {len(firsts)} notifications came again")
    orders = [int(each["body"]["id"]) for each in received]
    assert sorted(set(orders)) == list(dict.fromkeys(orders))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_ten_kills_in_two_thousand_changes_lose_and_invent_nothing(tmp_path):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(
            running(
                ["sandbox", "egnyte", "--port", "0", "--seed", "3"],
                "sandbox ready on ",
                tmp_path / "sandbox.log",
            )
        )
        receivers = []
        for number in range(2):
            path = tmp_path / f"received-{number}.jsonl"
            path.touch()
            arguments = ["listen", "--port", "0", "--quiet", "--key", KEY, "--jsonl", str(path)]
            listener = await stack.enter_async_context(
                running(arguments, "listening on ", tmp_path / f"listen-{number}.log")
            )
            receivers.append((listener.url, path))
        service = Service(tmp_path, sandbox.url)
        await service.start()
        _, output, _ = await run(
            [
                "credentials",
                "create",
                "--organization",
                "Acme",
                "--json",
                "--data-dir",
                str(tmp_path / "data"),
            ]
        )
        for url, _ in receivers:
            await connect(service, sandbox.url, url, json.loads(output))
        async with httpx.AsyncClient() as client:

            async def polled() -> bool:
                calls = (await client.get(f"{sandbox.url}/_sandbox/calls")).json()["paths"]
                return sum(calls.get("/pubapi/v2/events", {}).values()) >= 4

            await until(polled)
            await make_changes_while_killing(service, sandbox.url, chance)
            answer = (await client.get(f"{sandbox.url}/_sandbox/events?after=0")).json()
        rows = answer["events"] if isinstance(answer, dict) else answer
        truth = [row["id"] for row in rows]
        assert len(truth) >= CHANGES
        for _, path in receivers:
            await until(lambda path=path: set(records_of(read(path))) >= set(truth), 90)
        assert service.command is not None
        assert await service.command.stop() == 0
        for _, path in receivers:
            check(read(path), truth)
    assert find_servers(tmp_path / "data") == []
