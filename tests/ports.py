"""Ports for what goes away and comes back, or is told its port before it starts: nobody else gets them meanwhile."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def hold_ports(count: int) -> Iterator[list[int]]:
    """Give ports of 127.0.0.1 that stay ours while the context is open, though nothing listens at them yet.

    One that was only found free, or that a server has just left, the system hands out next to whoever asks for any:
    in a run of many tests at once that happens. One that is bound and not listened at it hands out to nobody, and
    whoever binds it by its number, with SO_REUSEADDR as servers do, gets it. That is so on Linux; elsewhere the bind
    would be refused, and the number is all that is given.
    """
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in held]
        if sys.platform != "linux":
            stack.close()
        yield ports
