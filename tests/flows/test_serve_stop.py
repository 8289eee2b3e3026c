"""Stopping ``serve`` while everything around it is slow: in time, in order, and nothing is lost by it."""

from __future__ import annotations

import signal
from contextlib import asynccontextmanager

import httpx
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
from tests.ports import hold_ports
from tests.processes import find_servers, running
from tests.support import until

READY = "signalpost ready on "


def serve(folder):
    return ["serve", "--port", "0", "--data-dir", str(folder / "data")]


async def keep_a_poll_waiting(sandbox_url):
    """Have the provider answer the next read of events after a minute; returns while that read waits."""
    fault = {"kind": "latency", "seconds": 60, "times": 1, "path": "/pubapi/v2/events"}
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{sandbox_url}/_sandbox/faults", json=fault)).status_code == 200

        async def taken() -> bool:
            return (await client.get(f"{sandbox_url}/_sandbox/faults")).json() == {"faults": []}

        await until(taken)


@pytest.fixture
def port():
    """Where the callback is, which goes away and comes back."""
    with hold_ports(1) as (held,):
        yield str(held)


@asynccontextmanager
async def serve_amid_slowness(folder, port):
    """Run ``serve`` with a callback and a poll under way that both take a minute, and changes behind them."""
    sandbox_command = ["sandbox", "egnyte", "--port", "0"]
    slow_listener = listen(folder / "received.jsonl", port=port, delay_seconds=60)
    async with (
        running(sandbox_command, "sandbox ready on ", folder / "sandbox.log") as sandbox,
        running(slow_listener, "listening on ", folder / "slow.log") as slow,
        running(serve(folder), READY, folder / "serve.log", settings_for(sandbox.url)) as service,
    ):
        headers = await create_credentials({}, "--data-dir", str(folder / "data"))
        await connect(service.url, sandbox.url, slow.url, headers)
        await change(sandbox.url, 25)
        await until(lambda: len(read_received(folder / "received.jsonl")) == 1)
        await keep_a_poll_waiting(sandbox.url)
        await change(sandbox.url, 25)
        yield sandbox, slow, service


@pytest.fixture
def no_nohup():
    """What the tests start is told of SIGHUP, also where they themselves run below ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("no_nohup")
async def test_slowness_around_it_delays_no_stop(tmp_path, port):
    async with serve_amid_slowness(tmp_path, port) as (_, _, service):
        assert await service.stop(signal.SIGHUP) == 0
        assert find_servers(tmp_path / "data") == []


@pytest.mark.slow
async def test_what_a_stop_cut_off_is_delivered_after_the_next_start(tmp_path, port):
    received = tmp_path / "received.jsonl"
    async with serve_amid_slowness(tmp_path, port) as (sandbox, slow, service):
        assert await service.stop(signal.SIGTERM) == 0
        await slow.kill()
        again = listen(received, port=port)
        truth = await read_truth(sandbox.url)
        async with (
            running(again, "listening on ", tmp_path / "listen.log"),
            running(serve(tmp_path), READY, tmp_path / "serve.log", settings_for(sandbox.url)),
        ):
            await until(lambda: set(list_records(read_received(received))) >= set(truth))
    check_delivered(read_received(received), truth)
