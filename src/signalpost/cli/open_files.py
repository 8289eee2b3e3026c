"""How many files a process may open: its connections are files, too, and shells give it few."""

from __future__ import annotations

import contextlib
import resource

ENOUGH = 65_536


def find_most() -> int | None:
    """Give how many a service may open, once it has raised its limit; None: there is no limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    return max(soft, ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH))


def raise_limit() -> None:
    """Let this process open as many as its user may let it, no more than are ever needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = find_most()
    if most is not None and soft < most:
        # Some systems have a lower limit than they say.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
