"""Every operation asked at random, by what the OpenAPI document says of it: well-formed and ill-formed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from signalpost.api.described.operations import OPERATIONS
from signalpost.api.routing import BASE_PATH
from tests.api.conftest import enter_organization
from tests.support import authorize

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.slow
async def test_nothing_that_is_asked_is_answered_otherwise_than_described(make_world, tmp_path):
    async with make_world(roles=frozenset()) as world, enter_organization(world) as other:
        instance, spare = await world.connect(), await other.connect()
        told = {
            "SIGNALPOST_ASKS": f"{authorize(world.secrets)}, Element {instance['token']}",
            "SIGNALPOST_ASKS_SPARE": f"{authorize(other.secrets)}, Element {spare['token']}",
        }
        running = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            "--config-file",
            str(CONFIGURATION),
            "run",
            f"{world.url}{BASE_PATH}/openapi.json",
            "--checks=all",
            "--no-color",
            "--warnings=off",
            cwd=tmp_path,
            env=os.environ | told,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await running.communicate()
        shown = output.decode().replace(told["SIGNALPOST_ASKS"], "<secrets>")
        assert running.returncode == 0, shown[-90_000:]
        assert f"Tested: {len(OPERATIONS)}" in shown
        assert (await world.client.get(f"/instances/{instance['id']}")).status_code == 200
