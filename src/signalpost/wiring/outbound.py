"""What sends requests, put together: the rules for addresses and times are the same for all that go out."""

from __future__ import annotations

from signalpost.outbound import Outbound
from signalpost.settings import Settings

TO_PROVIDERS = 400
"""Connections to providers: of polls, of users' calls. Callbacks have their own: those that hang keep nobody else's."""

TO_CALLBACKS = 1500
TO_ONE_CALLBACK = 1000
"""Connections to callbacks, and to one host of them: the others find some, whatever hangs there."""


def open_outbound(settings: Settings, *, connections: int, connections_to_host: int = 0) -> Outbound:
    """Make what requests go out by, over so many connections at most; 0 to one host: as many as there are."""
    return Outbound(
        allow_private=settings.allow_private_networks,
        connections=connections,
        connections_to_host=connections_to_host,
        allowance=settings.read_allowance(),
        proxy_url=settings.read_proxy_url(),
        connect_timeout_seconds=settings.connect_timeout_seconds,
        total_timeout_seconds=settings.total_timeout_seconds,
    )
