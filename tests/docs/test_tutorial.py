"""The tutorials, each walked from its first command to its last: real processes on free ports, nothing left out."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT, fill_in, read_blocks
from tests.docs.shell import SERVES, Shell
from tests.ports import hold_ports

TUTORIALS = [page for page in PAGES if page.parent.name == "tutorial"]
SAYS = re.compile(r"says\s+`([^`]+)`")


def make_checkout(folder):
    """What the page needs of a checkout in which ``make setup`` was done."""
    folder.mkdir()
    (folder / ".venv").symlink_to(Path(sys.prefix))
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("node_modules"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
async def test_each_command_of_a_tutorial_does_what_the_page_says(page, tmp_path):
    shown = ("8080", "8090", "8091", "8099")
    with hold_ports(len(shown)) as held:
        await walk(page, make_checkout(tmp_path / "checkout"), dict(zip(shown, map(str, held), strict=True)))


async def walk(page, checkout, ports):
    """Run a page from its first command to its last, on ``ports`` in the place of those that it shows."""
    filled = {}

    def fill(text):
        return fill_in(text, {**ports, **filled})

    variables = {key: value for key, value in os.environ.items() if not key.startswith(("SIGNALPOST_", "PG"))}
    variables |= {
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        "SIGNALPOST_PORT": ports["8080"],
        "SIGNALPOST_SANDBOX_PORT": ports["8091" if "sandbox rest" in page.read_text() else "8090"],
        "SIGNALPOST_LISTEN_PORT": ports["8099"],
    }
    async with Shell(checkout, variables) as shell:
        for block in read_blocks(page):
            if block.word == "printed":
                await shell.wait_for(fill(block.text), block.place)
            elif block.is_commands and block.word != "not run":
                await shell.run_block(block, fill(block.script))
            for says in SAYS.findall(block.after) if SERVES.search(block.text) else ():
                await shell.wait_for(fill(says), block.place)
            for name in ("organization secret", "user secret"):
                if found := re.search(rf"^  {name} +(\S+)$", shell.printed, re.MULTILINE):
                    filled[f"<{name}>"] = found[1]
