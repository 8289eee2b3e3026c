"""Programs that tests need and that are no Python packages: Debian's, installed where they are missing.

``python -m tests.debian`` installs all of them, by any Python: before the tests would.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

INSTALL_SECONDS = 300
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
PROGRAMS = {
    "chromium-headless-shell": BROWSERS,
    "chromium": BROWSERS,
    "nginx": ("nginx",),
    "pgbouncer": ("pgbouncer",),
}
"""Packages, and the names of programs of which each brings one."""

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


@cache
def look_for(package: str) -> tuple[str | None, str]:
    """Find a package's program, or install it: by one process at a time, tried once in each.

    Gives its path, and what was said where there is none.
    """
    # Not one for each package: of two that install something at once one would be refused.
    lock = Path(tempfile.gettempdir()) / f"signalpost-debian-{os.geteuid()}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found, said = _find(package), ""
        if not found:
            said = _install(package)
            found = _find(package)
    return found, said


def look_for_chromium() -> tuple[str | None, str]:
    """Find a browser, or install Debian's: the one without windows, which takes less, where there is that."""
    found, _ = look_for("chromium-headless-shell")
    return (found, "") if found else look_for("chromium")


def _find(package: str) -> str | None:
    return next(filter(None, (shutil.which(name, path=PATH) for name in PROGRAMS[package])), None)


def _install(package: str) -> str:
    install = ["install", "-q", "-y", "--no-install-recommends", package]
    said = _call_apt(install)
    if not _find(package):  # perhaps the list of packages is old, or there is none yet
        _call_apt(["update", "-q"])
        said = _call_apt(install)
    return said


def _call_apt(words: list[str]) -> str:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    try:
        done = subprocess.run(
            [*prefix, "apt-get", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr or done.stdout).strip()[-300:]


if __name__ == "__main__":
    look_for_chromium()
    look_for("nginx")
    look_for("pgbouncer")
