"""Each how-to page, its commands run in their order."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT, fill_in, read_blocks
from tests.docs.scenes import OLD_KEY, SCENES, open_nothing
from tests.docs.shell import Shell
from tests.support import authorize, write_url

PLACEHOLDER = re.compile(r"<[a-z][a-z ]*>")


def list_run(page):
    return [block for block in read_blocks(page) if block.is_commands and block.word != "not run"]


HOW_TO = [page for page in PAGES if page.parent.name == "how-to" and list_run(page)]


@pytest.fixture
def checkout():
    """What the pages need of a checkout in which ``make setup`` was done."""
    # A short path: the address of a socket is at most 107 bytes, and the pages name that of the embedded database.
    with tempfile.TemporaryDirectory(prefix="docs-") as place:
        folder = Path(place) / "signalpost"
        folder.mkdir()
        (folder / ".venv").symlink_to(sys.prefix)
        shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns(".env"))
        yield folder


def write_variables(world, database):
    """What a reader set before: the sandbox, the database, secrets, and any port that is free."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SIGNALPOST_", "PG"))}
    return {
        **kept,
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        "SIGNALPOST_DATABASE_URL": write_url(database),
        "SIGNALPOST_ENCRYPTION_KEYS": OLD_KEY,
        "SIGNALPOST_EGNYTE_URL": world.sandbox.url,
        "SIGNALPOST_ALLOW_PRIVATE_NETWORKS": "true",
        "SIGNALPOST_MIN_POLL_INTERVAL_SECONDS": "0.1",
        "SIGNALPOST_PORT": "0",
        "SIGNALPOST_WORKER_PORT": "0",
        "ID": "100001",
        "AUTH": f"Authorization: {authorize(world.secrets)}",
        "API": f"{world.url}/elements/api-v2",
    }


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
async def test_the_commands_of_a_how_to_work(page, world, database, checkout):
    async with SCENES.get(page.stem, open_nothing)(world, checkout, write_url(database)) as scene:
        filled = {
            "http://127.0.0.1:8080": world.url,
            "http://127.0.0.1:8090": world.sandbox.url,
            "http://127.0.0.1:8099": world.listener.url,
            "<user secret>": world.secrets["userSecret"],
            "<organization secret>": world.secrets["organizationSecret"],
            **scene.filled,
        }

        given = {**write_variables(world, database), **scene.variables}
        async with Shell(
            checkout, {key: value for key, value in given.items() if value is not None}
        ) as shell:
            for block in read_blocks(page):
                if block.word == "printed":
                    await shell.wait_for(fill_in(block.text, filled), block.place)
                elif block.is_commands and block.word != "not run":
                    script = fill_in(block.script, filled)
                    left = PLACEHOLDER.search(script)
                    assert not left, f"{block.place}: nobody fills in {left}"
                    await shell.run_block(block, script)
            if scene.check:
                await scene.check(shell.printed)
