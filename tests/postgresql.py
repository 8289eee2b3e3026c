"""Servers of the tests that are not the embedded one: PostgreSQL of any version, and PgBouncer before it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signalpost.store.embedded_account import Account, choose_account, open_passage

NAME = "signalpost"
START_SECONDS = 240
POOLER_PORT = 6432

CLUSTER = ("--username", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Neither sees the other's memory; some of these binaries are built for other systems.
    "dynamic_shared_memory_type": "mmap",
}
POOLER_PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "pgbouncer.md"


@contextmanager
def run_postgresql(binaries: Path, place: str | None = None) -> Iterator[dict[str, Any]]:
    """Run the PostgreSQL whose programs are in ``binaries``; gives arguments for ``asyncpg.connect``.

    Its files and its socket are in a folder of its own, closed to others, below ``place``.
    """
    account = choose_account()
    open_passage(binaries, account)
    with tempfile.TemporaryDirectory(prefix="signalpost-tests-", dir=place) as name:
        folder = Path(name)
        os.chown(folder, account.user_id, account.group_id)
        cluster = folder / "cluster"
        _call(account, [binaries / "initdb", "-D", cluster, *CLUSTER])
        settings = {**SETTINGS, "unix_socket_directories": folder}
        command = [
            binaries / "postgres",
            "-D",
            cluster,
            *(f"--{key}={value}" for key, value in settings.items()),
        ]
        with _run(account, command, lambda: _is_up(cluster), folder / "postgres.log"):
            yield {"host": name, "port": 5432, "user": NAME, "database": "postgres"}


def _is_up(cluster: Path) -> bool:
    state = cluster / "postmaster.pid"
    return state.exists() and state.read_text().rstrip().endswith("ready")


@contextmanager
def run_pooler(program: str, server: dict[str, Any], *, size: int) -> Iterator[dict[str, Any]]:
    """Run PgBouncer, by the settings that our page gives, before a server of ``run_postgresql``.

    Gives arguments for ``asyncpg.connect``. It opens ``size`` connections to each database at most.
    """
    name = server["host"]
    folder = Path(name)
    (folder / "users").write_text(f'"{NAME}" ""\n')
    settings = ConfigParser()
    settings.read_string(POOLER_PAGE.read_text().partition("```ini\n")[2].partition("```")[0])
    settings["databases"] = {"*": f"host={folder} port=5432"}
    settings["pgbouncer"].update(
        listen_addr="",
        unix_socket_dir=name,
        auth_type="trust",
        auth_file=f"{name}/users",
        default_pool_size=str(size),
    )
    with (folder / "pgbouncer.ini").open("w") as written:
        settings.write(written)
    socket = folder / f".s.PGSQL.{POOLER_PORT}"
    with _run(choose_account(), [program, folder / "pgbouncer.ini"], socket.exists, folder / "pooler.log"):
        yield {**server, "port": POOLER_PORT}


def _account_options(account: Account) -> dict[str, Any]:
    if account.user_id == os.geteuid():
        return {}
    return {"user": account.user_id, "group": account.group_id, "extra_groups": []}


def _call(account: Account, command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd="/", **_account_options(account)
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _run(
    account: Account, command: Sequence[str | Path], is_up: Callable[[], bool], log: Path
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
            **_account_options(account),
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_up():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(2)  # fast: clients are cut off
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
