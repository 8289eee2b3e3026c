"""Stands between the service and the embedded PostgreSQL: a script that becomes the server's program.

It runs in a fresh interpreter (``python -I``), because what it does must happen after the fork and is not safe there in
a process with threads. It imports nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
STARTER_IS_GONE = 3


def become(program: list[str], *, starter_id: int, user_id: int, group_id: int) -> None:
    """Replace this process by ``program``, run by that user, told to stop when the starter dies (Linux only)."""
    os.chdir("/")
    os.umask(0o077)
    if os.geteuid() != user_id:
        os.setgroups([])
        os.setgid(group_id)
        os.setuid(user_id)
    if sys.platform == "linux":
        # After setuid, which clears it. SIGINT is PostgreSQL's fast shutdown: in order, without waiting for clients.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != starter_id:
        raise SystemExit(STARTER_IS_GONE)
    try:
        os.execv(program[0], program)  # noqa: S606 - the point of this script; the caller names the program
    except OSError as error:
        raise SystemExit(f"{program[0]}: {error.strerror}") from error


if __name__ == "__main__":
    starter, user, group = (int(argument) for argument in sys.argv[1:4])
    become(sys.argv[4:], starter_id=starter, user_id=user, group_id=group)
