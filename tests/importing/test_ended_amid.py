"""However the command ends, nothing of what it was given, secrets among it, stays in a temporary file."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import pytest

from tests.importing.originals import write_original
from tests.importing.test_fetching import AUTHORIZATION, give_pages, run_original
from tests.processes import spawn
from tests.support import PATIENCE_SECONDS, until

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Give a function that starts the command, and one that sends it a signal and lists what stayed."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    settings = {"import_authorization": AUTHORIZATION, "allow_private_networks": "true"}

    async def start(*arguments):
        command = ["import", "open-connectors", "--data-dir", str(tmp_path / "data"), *arguments]
        return await spawn(command, tmp_path / "log", settings)

    async def end(process, number):
        assert process.returncode is None, (tmp_path / "log").read_text()
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) != 0
        return list(folder.iterdir())

    return start, end


@pytest.mark.parametrize("number", SIGNALS)
async def test_while_pages_are_fetched(begin, number):
    start, end = begin
    async with run_original(give_pages(10**9)) as (url, asked):
        process = await start("--url", url)
        await until(lambda: len(asked) > 2)
        assert await end(process, number) == []


@pytest.mark.parametrize("number", SIGNALS)
async def test_while_a_pipe_is_read(begin, tmp_path, number):
    start, end = begin
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = await start(str(pipe))
    writing = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
    try:
        os.write(writing, json.dumps([write_original(1)])[:-1].encode())
        await asyncio.sleep(0.5)  # it waits for what follows
        assert await end(process, number) == []
    finally:
        os.close(writing)
