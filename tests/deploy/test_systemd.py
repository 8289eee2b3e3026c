"""The units: verified and rated by systemd's own tool."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.deploy.manifests import ROOT, SYSTEMD, UNITS, read_unit, read_variables

MOST_EXPOSURE = 20
"""Tenths of what systemd-analyze calls exposure: 0 is closed up, 100 an ordinary service."""


@pytest.fixture
def analyze(tmp_path):
    """Give a function that runs ``systemd-analyze`` on a unit, whose program is the one of this checkout."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip(
            "THE UNITS ARE NOT VERIFIED HERE: systemd-analyze (Debian's package systemd) is not installed"
        )

    def run(path, *words):
        copy = tmp_path / path.name
        copy.write_text(path.read_text().replace("/opt/signalpost/.venv", sys.prefix))
        return subprocess.run([program, *words, copy], check=False, capture_output=True, text=True)

    return run


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_one(path, analyze):
    found = analyze(path, "verify")
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_closed_up(path, analyze):
    found = analyze(path, "security", "--offline=true", f"--threshold={MOST_EXPOSURE}")
    assert found.returncode == 0, found.stdout.splitlines()[-1]


def test_verifying_finds_what_is_wrong(analyze, tmp_path):
    broken = tmp_path / "wrong" / "broken.service"
    broken.parent.mkdir()
    text = (SYSTEMD / "signalpost.service").read_text()
    broken.write_text(text.replace("signalpost serve", "x").replace("bin/x", "bin/no-such-program"))
    assert analyze(broken, "verify").returncode != 0
    broken.write_text(re.sub(r"^(Protect|Private|Restrict|Capab|System).*\n", "", text, flags=re.MULTILINE))
    assert analyze(broken, "security", "--offline=true", f"--threshold={MOST_EXPOSURE}").returncode != 0


def test_the_units_differ_only_where_they_must():
    common = {"User", "Group", "Type", "Restart", "RestartSec", "LimitNOFILE", "WantedBy", "UMask"}
    hardened = re.compile(r"NoNew|Capab|Ambient|Protect|Private|Restrict|Lock|Memory|System")
    shared = [
        [(name, value) for name, value in read_unit(path) if name in common or hardened.match(name)]
        for path in UNITS
    ]
    assert len(shared[0]) > 25
    assert all(each == shared[0] for each in shared)


def test_each_unit_may_stop_in_order():
    for path in UNITS:
        assert int(dict(read_unit(path))["TimeoutStopSec"]) > 10


def test_the_example_of_settings_has_what_roles_apart_need():
    given = read_variables(SYSTEMD / "signalpost.env.example")
    assert {"SIGNALPOST_DATABASE_URL", "SIGNALPOST_ENCRYPTION_KEYS"} <= set(given)


def test_the_page_shows_the_unit_as_it_is():
    page = (ROOT / "docs" / "how-to" / "run-as-a-service.md").read_text()
    assert f"```ini\n{(SYSTEMD / 'signalpost.service').read_text()}```" in page
