"""The main job, shown on real parts: a sandbox, the service and a receiver, each as it is run for real."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from signalpost.children import Child, children_environment, run_child, start_child
from signalpost.cli.demo_client import Client
from signalpost.cli.endings import Ending
from signalpost.cli.listen import run_listener
from signalpost.cli.tally import Tally

SIGNATURE_KEY = "demo-signature-key"
LONGEST_SECONDS = 120
ROUNDS = 4


def demo(
    changes: Annotated[int, typer.Option(min=1, max=100_000, help="Changes to make.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
) -> None:
    """Connect the Egnyte sandbox by OAuth2, make changes, show them arriving, signed, at a callback."""
    say: Callable[[str], None] = (lambda text: print(text, file=sys.stderr)) if as_json else print
    with tempfile.TemporaryDirectory(prefix="signalpost-demo-") as folder:
        tally = asyncio.run(_run_until_told(Path(folder), changes, say))
    summary = tally.summarise(changes)
    if as_json:
        print(json.dumps(summary))
    else:
        _print_summary(summary)
    if not tally.is_perfect(changes):
        sys.exit(Ending.FAILED)


async def _run_until_told(folder: Path, changes: int, say: Callable[[str], None]) -> Tally:
    """Run it; a signal ends it as one that nobody handles, but the processes are stopped and the folder removed before.

    It waits until what was just begun has: a process that is amid its start would be stopped by nobody.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    told: list[int] = []

    def end(number: int) -> None:
        told.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    try:
        return await _run(folder, changes, say)
    except asyncio.CancelledError:
        if told:
            sys.exit(128 + told[0])
        raise


async def _run(folder: Path, changes: int, say: Callable[[str], None]) -> Tally:
    tally = Tally()
    began = time.monotonic()
    say("1  Starting a local Egnyte (the sandbox), the service with its own PostgreSQL, and a receiver.")
    async with AsyncExitStack() as stack:
        sandbox = stack.enter_context(
            start_child(["sandbox", "egnyte", "--port", "0", "--seed", "7"], "sandbox ready on ")
        )
        data = ["--data-dir", str(folder / "data")]
        environment = children_environment(egnyte_url=sandbox.url)
        service = stack.enter_context(
            start_child(["serve", "--port", "0", *data], "signalpost ready on ", environment)
        )
        listener = await stack.enter_async_context(
            run_listener(key=SIGNATURE_KEY, on_notification=tally.take)
        )
        say(f"   sandbox {sandbox.url} · service {service.url} · receiver {listener.url}")
        say("2  Connecting an instance by OAuth2: consent, code, exchange, one call to test it.")
        made = run_child(["credentials", "create", "--json", "--organization", "Demo", *data], environment)
        secrets: dict[str, str] = json.loads(made)
        client = await stack.enter_async_context(
            Client(f"User {secrets['userSecret']}, Organization {secrets['organizationSecret']}")
        )
        await _connect(client, sandbox, service, listener.url, say)
        say(f"3  Making {changes:,} changes in Egnyte while the service polls every second.")
        events: list[dict[str, Any]] = []
        for part in range(ROUNDS):
            count = changes // ROUNDS + (1 if part < changes % ROUNDS else 0)
            if count:
                events += (await client.post(f"{sandbox.url}/_sandbox/changes", {"count": count}))["events"]
            await asyncio.sleep(0.3)
        tally.expect([event["id"] for event in events])
        await tally.wait(LONGEST_SECONDS)
    tally.seconds = time.monotonic() - began
    return tally


async def _connect(
    client: Client, sandbox: Child, service: Child, callback_url: str, say: Callable[[str], None]
) -> None:
    redirect = "https://app.example.com/connected"
    base = f"{service.url}/elements/api-v2"
    answer = await client.get(
        f"{base}/elements/egnyte/oauth/url?apiKey=demo&apiSecret=secret&subdomain=acme&callbackUrl={redirect}"
    )
    say(f"   consent page: {answer['oauthUrl']}")
    consent = {"client_id": "demo", "redirect_uri": redirect}
    code = (await client.post(f"{sandbox.url}/_sandbox/authorize", consent))["code"]
    instance = await client.post(
        f"{base}/instances",
        {
            "element": {"key": "egnyte"},
            "providerData": {"code": code},
            "name": "Demo",
            "configuration": {
                "oauth.callback.url": redirect,
                "oauth.api.key": "demo",
                "oauth.api.secret": "secret",
                "subdomain": "acme",
                "event.notification.enabled": True,
                "event.notification.callback.url": callback_url,
                "event.notification.signature.key": SIGNATURE_KEY,
                "event.poller.refresh_interval": 1 / 60,
            },
        },
    )
    say(f"   instance {instance['id']} is connected; waiting for its first poll.")
    await _wait_for_first_poll(client, sandbox)


async def _wait_for_first_poll(client: Client, sandbox: Child) -> None:
    """Wait until the service has polled once: that its provider works is shown by then."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        calls = await client.get(f"{sandbox.url}/_sandbox/calls")
        if any(path.rstrip("/").endswith("/events") for path in calls.get("paths", calls)):
            return
        await asyncio.sleep(0.1)


def _print_summary(summary: dict[str, Any]) -> None:
    print("4  Every change was compared with what the sandbox says happened:")
    for name, label in (
        ("changesMade", "changes made"),
        ("eventsDelivered", "events delivered"),
        ("duplicates", "delivered twice"),
        ("outOfOrder", "out of order"),
        ("invalidSignatures", "with a bad signature"),
    ):
        print(f"   {label:<22}{summary[name]:>8,}")
    print(f"   in {summary['seconds']:.1f} s from nothing, the start of PostgreSQL included")
