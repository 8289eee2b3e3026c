"""The database where nobody names one: a PostgreSQL of our own in the data directory, our child while we run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg

from signalpost.model.errors import ConfigurationError
from signalpost.observe import get_logger
from signalpost.store import embedded_files as files
from signalpost.store.embedded_account import Account, choose_account, open_passage
from signalpost.store.embedded_cluster import find_binaries, prepare_cluster, start_program, take_last_lines

log = get_logger("database")

NAME = "signalpost"
"""Of the database and of its superuser."""

START_SECONDS = 120.0
"""Repairing after a crash reads up to a gigabyte of the write-ahead log."""

GUESTS_LOOK_SECONDS = 0.1

SHUTDOWN_STEPS = (
    (signal.SIGINT, 8.0),  # fast: clients are cut off, everything is written, no repair at the next start
    (signal.SIGQUIT, 5.0),  # immediate: the next start repairs
    (signal.SIGKILL, 5.0),
)

SIZES = {
    "shared_buffers": "128MB",
    "max_connections": "60",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # Of a disk without arms: else a hundred rows would rather be looked for in the whole table than by their index.
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # In the cluster, not in /dev/shm: that is 64 MB in a container, and systemd empties it when its user logs out.
    "dynamic_shared_memory_type": "mmap",
}
"""For a small service; the caller may set others."""

FENCE = {
    "listen_addresses": "",
    "port": str(files.PORT),
    "unix_socket_permissions": "0700",
    "log_destination": "stderr",
    "logging_collector": "off",
    # Statements and rows may hold secrets: the log has neither.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
"""Not for the caller to set."""


def find_running(data_directory: Path) -> dict[str, Any] | None:
    """Give the arguments of ``asyncpg.connect`` for the server that another process runs there; None if none runs.

    Raises:
        ConfigurationError: there is one that we may not use; the message says why.
    """
    cluster = data_directory.resolve() / "postgres"
    with files.explain_refusals(f"the database in {cluster} cannot be read"):
        process_id = files.read_server_id(cluster)
        if process_id is None or not files.is_serving(process_id, cluster):
            return None
        socket_folder = files.read_socket_folder(cluster)
        files.check_admitted(cluster.with_name("postgres.run"))
    return _connect_arguments(socket_folder) if socket_folder else None


def _connect_arguments(socket_folder: Path, *, database: str = NAME) -> dict[str, Any]:
    # All of them, so that no PG* variable of ours speaks into it.
    where = {"host": str(socket_folder), "port": files.PORT, "user": NAME, "database": database}
    return {**where, "ssl": False, "direct_tls": False, "target_session_attrs": "any", "gsslib": "gssapi"}


class EmbeddedPostgres:
    """A running PostgreSQL that only this service's system user can reach; ``start`` makes one."""

    def __init__(self, folders: files.Folders, lock: int, process: asyncio.subprocess.Process) -> None:
        self._folders = folders
        self._lock: int | None = lock
        self._process = process

    @classmethod
    async def start(
        cls, data_directory: Path, *, settings: Mapping[str, str] | None = None
    ) -> EmbeddedPostgres:
        """Start the server on ``data_directory/postgres``, which is made at the first start; it answers on return.

        What an earlier run left is put in order: its server, if it is still there, is stopped first.

        Args:
            data_directory: made if missing; what is not the cluster itself lies in ``postgres.run``.
            settings: of PostgreSQL, over ``SIZES``.

        Raises:
            InUseError: another process has the directory.
            ConfigurationError: it cannot be used, or the server does not start.
        """
        binaries = find_binaries()
        account = await asyncio.to_thread(choose_account)
        await asyncio.to_thread(open_passage, binaries, account)
        folders = await asyncio.to_thread(files.prepare_folders, data_directory, account)
        lock = files.lock_folders(folders)
        try:
            await _clear_earlier_server(folders.cluster)
            await prepare_cluster(binaries, account, folders)
            # Not before: what makes them goes on for a moment after whoever ran it was killed.
            await asyncio.to_thread(files.remove_leftovers, folders)
            await asyncio.to_thread(files.write_access_rules, folders)
            await asyncio.to_thread(files.make_socket_folder, folders.socket, account)
            process = await _start_server(binaries, account, folders, settings or {})
        except BaseException:
            os.close(lock)
            raise
        server = cls(folders, lock, process)
        try:
            await server._await_answer()
        except BaseException:
            await server.stop()
            raise
        log.info("database.started", folder=str(folders.cluster), server_id=process.pid)
        return server

    @property
    def url(self) -> str:
        """The ``postgresql://`` URL. It holds no secret: the kernel tells the server who we are."""
        return f"postgresql://{NAME}@/{NAME}?host={self._folders.socket}&port={files.PORT}"

    @property
    def connect_arguments(self) -> dict[str, Any]:
        """The same as arguments of ``asyncpg.connect``."""
        return _connect_arguments(self._folders.socket)

    async def wait(self) -> int:
        """Wait until the server ends, whoever ended it; gives its exit status, negative for a signal."""
        return await self._process.wait()

    async def stop_after_guests(self) -> None:
        """Stop the server once no other command uses it."""
        closed, is_told = None, False
        try:
            while self._process.returncode is None:
                closed = files.shut_out_guests(self._folders)
                if closed is not None:
                    break
                if not is_told:
                    log.warning("database.in_use", folder=str(self._folders.cluster))
                    is_told = True
                await asyncio.sleep(GUESTS_LOOK_SECONDS)
        finally:
            await self.stop()
            if closed is not None:
                os.close(closed)

    async def stop(self) -> None:
        """Stop the server in order, within 8 seconds; after that, at once. Does nothing if it is stopped already."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        try:
            if self._process.returncode is None:
                await _shut_down(self._process.pid, self._process.wait)
            await asyncio.to_thread(shutil.rmtree, self._folders.socket, ignore_errors=True)
        finally:
            os.close(lock)
        log.info("database.stopped", folder=str(self._folders.cluster), status=self._process.returncode)

    async def _await_answer(self) -> None:
        """Wait until the server answers, and make our database in it if it is new."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._try_connecting():
                    if self._process.returncode is not None:
                        raise ConfigurationError(
                            f"PostgreSQL ended while it started:\n{self._read_log_end()}"
                        )
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            message = f"PostgreSQL did not answer within {START_SECONDS:g} seconds:\n{self._read_log_end()}"
            raise ConfigurationError(message) from error

    async def _try_connecting(self) -> bool:
        try:
            connection = await asyncpg.connect(
                **_connect_arguments(self._folders.socket, database="postgres")
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            return False
        try:
            if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", NAME):
                await connection.execute(f"CREATE DATABASE {NAME}")
        finally:
            await connection.close()
        return True

    def _read_log_end(self) -> str:
        return take_last_lines(self._folders.log.read_text(errors="replace"))


def _arguments(folders: files.Folders, settings: Mapping[str, str]) -> list[str]:
    """Write the settings as arguments: these stand above what the cluster's own files say."""
    places = {
        "hba_file": str(folders.access_rules),
        "ident_file": str(folders.identities),
        "unix_socket_directories": str(folders.socket),
    }
    together = {**SIZES, **settings, **FENCE, **places}
    return [argument for name, value in together.items() for argument in ("-c", f"{name}={value}")]


async def _start_server(
    binaries: Path, account: Account, folders: files.Folders, settings: Mapping[str, str]
) -> asyncio.subprocess.Process:
    output = files.open_log(folders)
    try:
        command: list[str | Path] = [
            binaries / "postgres",
            "-D",
            folders.cluster,
            *_arguments(folders, settings),
        ]
        return await start_program(account, command, output)
    finally:
        os.close(output)


async def _clear_earlier_server(cluster: Path) -> None:
    """Stop the server that an earlier run left, or remove the trace of one that is gone.

    The trace must go: PostgreSQL does not start while any process of its user has the id that is written there.
    """
    with files.explain_refusals(f"the database in {cluster} cannot be read"):
        process_id = files.read_server_id(cluster)
        if process_id is None:
            return
        if files.is_serving(process_id, cluster):
            log.warning("database.earlier_server_stopped", server_id=process_id)
            await _shut_down(process_id, lambda: _await_end(process_id, cluster))
        else:
            log.warning("database.stale_server_id_removed", server_id=process_id)
        (cluster / "postmaster.pid").unlink(missing_ok=True)


async def _await_end(process_id: int, cluster: Path) -> None:
    while files.is_serving(process_id, cluster):  # noqa: ASYNC110 - not our child: nothing tells us of its end
        await asyncio.sleep(0.02)


async def _shut_down(process_id: int, wait: Callable[[], Awaitable[object]]) -> None:
    """End a server, step by step harder.

    Raises:
        ConfigurationError: it is there even after SIGKILL.
    """
    for number, seconds in SHUTDOWN_STEPS:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wait(), seconds)
            return
        log.warning("database.stop_delayed", server_id=process_id, tried=number.name)
    raise ConfigurationError(f"the PostgreSQL of process {process_id} does not end: end it, then start again")
