"""The commands of a how-to page, run one after the other as a reader would: against the real service and the sandbox."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.support import authorize, until

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "poll-other-resources.md"
ADDRESSES = {"http://127.0.0.1:8090": "sandbox", "http://127.0.0.1:8099": "listener"}
PLACEHOLDER = re.compile(r"<[a-z ]+>")


def read_commands(world):
    """Give the page's commands, with the addresses of this run; not those that a reader fills in."""
    text = PAGE.read_text()
    for address, name in ADDRESSES.items():
        text = text.replace(address, getattr(world, name).url)
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if not PLACEHOLDER.search(block)]


async def run_command(command, folder, variables):
    script = f'set -e -o pipefail\ncurl() {{ command curl --fail-with-body "$@"; }}\n{command}'
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=folder,
        env={**os.environ, **variables, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, f"{command}\n{output.decode()}"
    return output.decode()


async def test_the_commands_that_poll_other_resources_work(world, tmp_path):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    variables = {
        "ID": str(instance["id"]),
        "TOKEN": instance["token"],
        "AUTH": f"Authorization: {authorize(world.secrets)}",
        "API": f"{world.url}/elements/api-v2",
    }
    printed = []
    for command in read_commands(world):
        if "_sandbox/" in command:  # as the page says: once the resources were read
            await until(lambda: is_read(world, instance["id"]))
        printed.append(await run_command(command, tmp_path, variables))
        if "_sandbox/" in command:
            await until(lambda: "people" in names_delivered(world))
    assert any("egnyte.links: accepted" in text for text in printed)
    status = (await world.client.get(f"/instances/{instance['id']}/polling")).json()
    assert {each["resource"] for each in status["resources"]} == {"events", "waste"}


def names_delivered(world):
    return {received["body"]["message"]["raw"]["objectType"] for received in world.listener.received}


async def is_read(world, instance_id):
    status = (await world.client.get(f"/instances/{instance_id}/polling")).json()
    return all(each["watermark"] for each in status["resources"])
