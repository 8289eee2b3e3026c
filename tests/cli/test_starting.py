"""A command starts with what it needs alone: the web framework takes longer to import than most commands to run."""

from __future__ import annotations

import subprocess
import sys

from signalpost.cli import COMMANDS, GROUPS, KEYWORDS

THE_SERVICES = {"serve", "openapi"}


def test_commands_beside_the_service_do_without_its_framework():
    modules = {module for module, _ in COMMANDS.values()} | {KEYWORDS.get(name, name) for name in GROUPS}
    beside = sorted(modules - THE_SERVICES)
    code = (
        "import sys, importlib\n"
        "for name in sys.argv[1:]: importlib.import_module('signalpost.cli.' + name)\n"
        "print('fastapi' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *beside], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
