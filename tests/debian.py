"""Programs that tests need and that are no Python packages: Debian's, installed where they are missing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

INSTALL_SECONDS = 300
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


@cache
def look_for(package: str, *names: str) -> tuple[str | None, str]:
    """Find a program by one of its names, or install the package: by one process at a time, tried once in each.

    Gives its path, and what was said where there is none.
    """
    lock = Path(tempfile.gettempdir()) / f"signalpost-{package}-{os.geteuid()}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found, said = _find(names), ""
        if not found:
            said = _install(package)
            found = _find(names)
    return found, said


def _find(names: tuple[str, ...]) -> str | None:
    return next(filter(None, (shutil.which(name, path=PATH) for name in names)), None)


def _install(package: str) -> str:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    said = ""
    for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", package]):
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
        said = (done.stderr or done.stdout).strip()[-300:]
    return said
