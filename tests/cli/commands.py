"""Runs ``signalpost`` as a process of its own, as people and scripts do."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import START_SECONDS, environment
from tests.support import World


@dataclass
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def values(self) -> list[Any]:
        """What it printed, a line of JSON each."""
        return [json.loads(line) for line in self.out.splitlines()]


def open_server(url: str, secrets: dict[str, str] | None = None) -> dict[str, str]:
    """The environment that says which server is asked; home is nowhere."""
    secrets = secrets or {"userSecret": "a-user-secret", "organizationSecret": "an-organization-secret"}
    told = environment(
        url=url, user_secret=secrets["userSecret"], organization_secret=secrets["organizationSecret"]
    )
    return {**told, "XDG_CONFIG_HOME": "/nowhere", "COLUMNS": "80"}


def of(world: World) -> dict[str, str]:
    return open_server(world.url, world.secrets)


async def start(
    *arguments: Any, env: dict[str, str], stderr: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "signalpost", *map(str, arguments)),
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )


async def run(*arguments: Any, env: dict[str, str], stdin: str = "") -> Ran:
    process = await start(*arguments, env=env)
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), START_SECONDS)
    assert process.returncode is not None
    assert "Traceback" not in err.decode(), err.decode()
    return Ran(process.returncode, out.decode(), err.decode())


def write_profiles(home: Path, text: str, mode: int = 0o600) -> Path:
    path = home / "signalpost" / "profiles.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path
