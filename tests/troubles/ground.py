"""What the tests of the database's troubles stand on: a server with passwords, and a way to it that can be bad."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from signalpost.store.database import migrate
from signalpost.store.embedded import EmbeddedPostgres
from tests.ports import hold_ports

PASSWORD = "hunter2"
TEMPLATE = "migrated"


class Ground:
    """A server of these tests alone. Each database that it gives is owned by an ordinary user with a password."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.arguments = arguments
        self._numbers = count(1)

    async def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        connection = await asyncpg.connect(**{**self.arguments, "database": database})
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def fetch(self, database: str, query: str) -> Any:
        """Ask one value, as the superuser."""
        connection = await asyncpg.connect(**{**self.arguments, "database": database})
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def make_database(self, *, template: str = TEMPLATE) -> dict[str, Any]:
        """Give arguments that reach a new database as its owner."""
        name = f"trouble_{next(self._numbers)}"
        await self.run(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {name}")
        if template == TEMPLATE:
            await self.run(f"REASSIGN OWNED BY maker TO {name}", database=name)
        return {**self.arguments, "user": name, "password": PASSWORD, "database": name}

    async def cut(self, database: str) -> None:
        """End all connections to a database."""
        await self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        )


@asynccontextmanager
async def open_ground(folder: Path) -> AsyncIterator[Ground]:
    """Start the server, with a migrated template."""
    server = await EmbeddedPostgres.start(folder, settings={"fsync": "off", "max_connections": "100"})
    try:
        rules = folder / "postgres.run" / "access.conf"
        rules.write_text(f"{rules.read_text()}local all all scram-sha-256\n")
        ground = Ground(server.connect_arguments)
        await ground.run(
            "SELECT pg_reload_conf()",
            f"CREATE ROLE maker LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE DATABASE {TEMPLATE} OWNER maker",
        )
        owner = {"user": "maker", "password": PASSWORD, "database": TEMPLATE}
        await migrate({**server.connect_arguments, **owner})
        yield ground
    finally:
        await server.stop()


class Way:
    """The network between the service and the database: slow, silent or gone, as it is told."""

    def __init__(self, target: str, port: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._port = port
        self.delay_seconds = 0.0

    async def open(self) -> None:
        """Let connections through, at the same port as before."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self._port)

    def break_off(self) -> None:
        """End all connections and take no more."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Let nothing through any more, and say nothing of it."""
        self._flowing.clear()

    async def close(self) -> None:
        """End it."""
        self.break_off()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await wait_closed(self._writers)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for pair in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        now: Callable[[], float] = asyncio.get_running_loop().time

        async def arrive() -> None:
            while True:
                due_at, data = await under_way.get()
                await asyncio.sleep(due_at - now())
                await self._flowing.wait()
                if not data:
                    writer.close()
                    return
                writer.write(data)

        arriving = asyncio.create_task(arrive())
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65536):
                    under_way.put_nowait((now() + self.delay_seconds, data))
            under_way.put_nowait((now() + self.delay_seconds, b""))
            await arriving
        finally:
            arriving.cancel()


async def wait_closed(writers: Iterable[asyncio.StreamWriter]) -> None:
    """Wait until connections are wholly gone, before the loop is."""
    for writer in writers:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def open_way(arguments: Mapping[str, Any]) -> AsyncIterator[tuple[Way, dict[str, Any]]]:
    """Open a way to a server that listens on a socket file; gives the arguments that go by it, too."""
    with hold_ports(1) as (port,):
        way = Way(f"{arguments['host']}/.s.PGSQL.{arguments['port']}", port)
        await way.open()
        try:
            yield way, {**arguments, "host": "127.0.0.1", "port": port}
        finally:
            await way.close()
