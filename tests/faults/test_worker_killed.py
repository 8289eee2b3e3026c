"""Roles apart on one database: a worker is killed with lanes in hand, and another takes them over."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from tests.faults.places import (
    change,
    check_delivered,
    connect,
    create_credentials,
    list_records,
    listen,
    read_received,
    read_truth,
    settings_for,
)
from tests.processes import running, start
from tests.support import until, write_url

CHANGES = 45
KEYS = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.mark.slow
async def test_the_lanes_of_a_killed_worker_are_taken_over(tmp_path, database):
    paths = [tmp_path / f"received-{number}.jsonl" for number in range(2)]
    async with AsyncExitStack() as stack:

        async def run_along(arguments, ready, name, settings=None):
            return await stack.enter_async_context(running(arguments, ready, tmp_path / name, settings))

        sandbox = await run_along(["sandbox", "egnyte", "--port", "0"], "sandbox ready on ", "sandbox.log")
        url = write_url(database)
        settings = settings_for(sandbox.url, database_url=url, encryption_keys=KEYS, lease_seconds=2)
        api = await run_along(["api", "--port", "0"], "signalpost ready on ", "api.log", settings)
        headers = await create_credentials(settings)
        worker = ["worker"], "signalpost worker ready"
        killed = await start(*worker, tmp_path / "killed.log", settings)
        stack.push_async_callback(end, killed)
        slow = [
            await start(listen(path, delay_seconds=60), "listening on ", tmp_path / "slow") for path in paths
        ]
        for listener in slow:
            stack.push_async_callback(end, listener)
            await connect(api.url, sandbox.url, listener.url, headers)
        await change(sandbox.url, CHANGES)
        # It has both lanes in hand: an attempt of each is under way.
        await until(lambda: all(len(read_received(path)) == 1 for path in paths))
        await run_along(*worker, "other.log", settings)
        await killed.kill()
        for listener, path in zip(slow, paths, strict=True):
            await listener.kill()
            again = listen(path, port=listener.url.rsplit(":", 1)[1])
            await run_along(again, "listening on ", f"{path.stem}.log")
        truth = await read_truth(sandbox.url)
        await until(lambda: all(set(list_records(read_received(path))) >= set(truth) for path in paths), 60)
    for path in paths:
        received = read_received(path)
        check_delivered(received, truth)
        assert received[0]["body"]["id"] == received[1]["body"]["id"]  # what was in the killed one's hand


async def end(command):
    if command.process.returncode is None:
        await command.kill()
