"""The server around the application: what comes between taking the address and listening on it."""

from __future__ import annotations

import asyncio

import pytest

from signalpost.api.server import bind, serve_app
from signalpost.model.errors import ConfigurationError


async def test_a_port_that_another_process_took_while_this_one_started_is_told():
    ready = []
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with bind("127.0.0.1", port) as second:  # two processes may bind it, one may listen
            first.listen()
            with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port} "):
                await serve_app(None, second, asyncio.Event(), ready.append)
    assert ready == []
