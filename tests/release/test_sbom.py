"""The list of what the service is made of says what its lock file says, and nothing of where packages come from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from signalpost import __version__

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;]+)", re.MULTILINE)


def make_sbom(to: Path) -> dict:
    """Run the command of ``make sbom``, as the Makefile has it."""
    recipe = re.search(r"^sbom:.*?\n\n", (ROOT / "Makefile").read_text(), re.DOTALL | re.MULTILINE)
    command = recipe[0].split("$(MADE_AT) $(BIN)/")[1].replace("\\\n", " ").split()
    arguments = [{"dist/signalpost.cdx.json": str(to), '""': ""}.get(each, each) for each in command]
    done = subprocess.run(
        [Path(sys.executable).parent / arguments[0], *arguments[1:]],
        check=False,
        cwd=ROOT,
        env={"SOURCE_DATE_EPOCH": "1700000000"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(to.read_text())


def test_the_sbom_lists_every_locked_package_and_no_address_the_same_each_time(tmp_path):
    found = make_sbom(tmp_path / "sbom.json")
    listed = {each["name"]: each["version"] for each in found["components"]}
    assert listed == dict(PIN.findall((ROOT / "requirements-service.lock").read_text()))
    assert (found["metadata"]["component"]["name"], found["metadata"]["component"]["version"]) == (
        "signalpost",
        __version__,
    )
    assert all(each["purl"].startswith(f"pkg:pypi/{each['name']}@") for each in found["components"])
    hashes = {h["content"] for c in found["components"] for r in c["externalReferences"] for h in r["hashes"]}
    lock = (ROOT / "requirements-service.lock").read_text()
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", lock))
    assert not any("://" in r["url"] for c in found["components"] for r in c["externalReferences"])
    make_sbom(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "sbom.json").read_bytes()
