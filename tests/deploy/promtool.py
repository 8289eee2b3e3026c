"""Prometheus' own checker of rules: the one that is installed, or Debian's, unpacked and not installed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

FOLDER = Path(tempfile.gettempdir()) / f"signalpost-promtool-{os.geteuid()}"
SECONDS = 120


@cache
def look_for_promtool() -> tuple[str | None, str]:
    """Give its path, and what was said where there is none. Its package would start a server, so it is unpacked only."""
    found = shutil.which("promtool")
    if found:
        return found, ""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    if FOLDER.is_symlink() or FOLDER.stat().st_uid != os.geteuid():
        return None, f"{FOLDER} is somebody else's"
    unpacked = FOLDER / "usr" / "bin" / "promtool"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes may run tests
        said = "" if unpacked.exists() else _unpack()
    return (str(unpacked), "") if unpacked.exists() else (None, said)


def _unpack() -> str:
    said = _run(["apt-get", "download", "-q", "prometheus"])
    if not list(FOLDER.glob("prometheus_*.deb")):  # perhaps the list of packages is old
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        said = _run([*prefix, "apt-get", "update", "-q"])
        said += _run(["apt-get", "download", "-q", "prometheus"])
    for package in FOLDER.glob("prometheus_*.deb"):
        said = _run(["dpkg-deb", "--extract", package.name, "."])
    return said


def _run(words: list[str]) -> str:
    try:
        done = subprocess.run(words, check=False, cwd=FOLDER, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr or done.stdout).strip()[-300:]
