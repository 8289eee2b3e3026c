"""A database whose certificate is not accepted: one line says what is wrong with it, and not with the password."""

from __future__ import annotations

import asyncio

import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.store.database import connect, open_pool
from signalpost.store.troubles import find_trouble
from tests.troubles.ground import PASSWORD
from tests.unit.outbound.servers import Authority


@pytest.mark.parametrize(
    ("host", "name", "days", "trusted", "told"),
    [
        ("localhost", "localhost", 1, False, "is of no authority that is trusted; let sslrootcert name"),
        ("localhost", "localhost", -1, True, "has expired; renew it on the server"),
        ("localhost", "example.com", 1, True, "is for another host; name the host as the certificate does"),
        ("127.0.0.1", "localhost", 1, True, "is for another host; name the host as the certificate does"),
    ],
)
async def test_what_is_wrong_with_it_is_told(host, name, days, trusted, told, tmp_path):
    authority = Authority(tmp_path)
    (tmp_path / "other").mkdir()
    roots = (authority if trusted else Authority(tmp_path / "other")).write()
    context = authority.serve_as(name, days=days)

    async def serve(reader, writer):
        await reader.readexactly(8)
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except OSError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"postgresql://me:{PASSWORD}@{host}:{port}/d?sslmode=verify-full&sslrootcert={roots}"
    async with server:
        with pytest.raises(ConfigurationError) as caught:
            await open_pool({"dsn": url}, size=1)
        with pytest.raises(OSError, match="certificate") as running:  # as while it runs
            await connect({"dsn": url})
    assert f"SIGNALPOST_DATABASE_URL: the certificate of the database {told}" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert find_trouble(running.value).what in str(caught.value)
