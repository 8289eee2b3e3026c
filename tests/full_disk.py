"""A disk that becomes full: what fits is written, and the rest refused. Without one, and without being root."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file of this process, or of one that it starts here, be written beyond its first ``room`` bytes."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))


def set_room(process_id: int, room: int | None) -> None:
    """Make it so for a process that runs; None: there is room again. A call of Linux alone."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, (least if room is None else room, most))
