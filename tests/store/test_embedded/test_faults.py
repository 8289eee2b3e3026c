"""The embedded PostgreSQL in bad days: killed owners, servers left over, traces of dead ones, unusable folders."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from signalpost.model.errors import ConfigurationError
from signalpost.store import embedded_files as files
from signalpost.store.embedded import EmbeddedPostgres, find_running
from signalpost.store.embedded_cluster import ENVIRONMENT, find_binaries
from tests.store.test_embedded.conftest import IS_ROOT, as_root, server_user_id, wait_until

OWNER = """
import sys, uvloop
from pathlib import Path
from signalpost.store.embedded import EmbeddedPostgres

async def own():
    server = await EmbeddedPostgres.start(Path(sys.argv[1]))
    print("up", flush=True)
    await server.wait()

uvloop.run(own())
"""

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the system does not tell a child of its parent's death"
)


@pytest.fixture
def owner(data_directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs the server (on uvloop, as the service does)."""
    with start_owner(data_directory) as process:
        assert process.stdout is not None
        while process.stdout.readline() not in {"up\n", ""}:
            pass
        yield process
        process.kill()


def start_owner(data_directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", OWNER, data_directory], stdout=subprocess.PIPE, text=True)


def read_server_id(data_directory: Path) -> int:
    return int((data_directory / "postgres" / "postmaster.pid").read_text().split()[0])


@contextmanager
def run_as_server_user(command: list[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    user = server_user_id() if IS_ROOT else None
    with subprocess.Popen(command, user=user, cwd="/", stderr=subprocess.DEVNULL, env=ENVIRONMENT) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def run_bare_server(data_directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on the cluster that no service owns, as one whose owner was killed."""
    cluster = data_directory / "postgres"
    # Its socket is in the cluster, where its own user may write.
    settings = [
        f"--unix_socket_directories={cluster}",
        "--listen_addresses=",
        "--dynamic_shared_memory_type=mmap",
    ]
    with run_as_server_user([find_binaries() / "postgres", "-D", cluster, *settings]) as process:
        wait_until((cluster / ".s.PGSQL.5432").exists)
        yield process


async def start_and_stop(data_directory: Path) -> list[str]:
    """Start and stop once; give the actions logged in between."""
    with capture_logs() as logs:
        server = await EmbeddedPostgres.start(data_directory)
        connection = await asyncpg.connect(**server.connect_arguments)
        await connection.close()
        await server.stop()
    return [entry["event"].removeprefix("database.") for entry in logs]


async def test_another_process_has_the_directory(owner: subprocess.Popen[str], data_directory: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"in use by process {owner.pid}:"):
        await EmbeddedPostgres.start(data_directory)
    arguments = find_running(data_directory)
    assert arguments is not None
    connection = await asyncpg.connect(**arguments)
    await connection.close()


async def test_after_the_owner_was_killed_the_next_start_goes_well(
    owner: subprocess.Popen[str], data_directory: Path
) -> None:
    owner.kill()
    owner.wait()
    assert "started" in await start_and_stop(data_directory)


@on_linux
def test_a_killed_owner_leaves_no_server(owner: subprocess.Popen[str], data_directory: Path) -> None:
    server_id = read_server_id(data_directory)
    owner.kill()
    wait_until(lambda: not files.is_serving(server_id, data_directory / "postgres"))


async def test_a_server_that_was_left_over_is_stopped_in_order(data_directory: Path) -> None:
    with run_bare_server(data_directory) as left_over:
        actions = await start_and_stop(data_directory)
        assert left_over.wait() == 0
    assert actions == ["earlier_server_stopped", "started", "stopped"]


@pytest.mark.parametrize("text", ["", "nonsense\n"])
async def test_a_damaged_trace_does_not_hinder(data_directory: Path, text: str) -> None:
    (data_directory / "postgres" / "postmaster.pid").write_text(text)
    assert await start_and_stop(data_directory) == ["stale_server_id_removed", "started", "stopped"]


def test_a_trace_is_read_whatever_bytes_the_path_has(tmp_path):
    (tmp_path / "postmaster.pid").write_bytes(
        b"123\n/d\xff \xc3\x9c/postgres\n1764442000\n5432\n/run/\xff\n\n"
    )
    assert files.read_server_id(tmp_path) == 123
    assert files.read_socket_folder(tmp_path) == Path(os.fsdecode(b"/run/\xff"))


async def test_the_trace_of_a_dead_server_is_told_and_does_not_hinder(data_directory: Path) -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        gone.wait()
    leave_trace(data_directory, gone.pid)
    assert await start_and_stop(data_directory) == ["stale_server_id_removed", "started", "stopped"]


async def test_another_program_with_the_dead_servers_id_is_left_alone(data_directory: Path) -> None:
    with run_as_server_user(["/bin/sleep", "100"]) as other:
        leave_trace(data_directory, other.pid)
        assert await start_and_stop(data_directory) == ["stale_server_id_removed", "started", "stopped"]
        assert other.poll() is None


async def test_a_zombie_is_not_a_running_server(data_directory: Path) -> None:
    with run_bare_server(data_directory) as killed:
        killed.send_signal(signal.SIGKILL)
        wait_until(lambda: files.read_command_by_ps(killed.pid) == "")
        assert "started" in await start_and_stop(data_directory)


def leave_trace(data_directory: Path, process_id: int) -> None:
    cluster = data_directory / "postgres"
    (cluster / "postmaster.pid").write_text(
        f"{process_id}\n{cluster}\n1700000000\n5432\n/nowhere\n\n        1         1\n"
    )


def test_a_process_is_read_by_ps_where_there_is_no_proc(data_directory: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "100"]) as process:
        assert "sleep 100" in files.read_command_by_ps(process.pid)
        process.kill()
        wait_until(lambda: files.read_command_by_ps(process.pid) == "")  # a zombie now
    assert files.read_command_by_ps(process.pid) == ""


def kill_amid_initialisation(data_directory: Path) -> bool:
    """Start an owner and kill it before its database is whole. False: it was whole by then, as this process had to wait."""
    cluster = data_directory / "postgres"
    with start_owner(data_directory) as owner:
        wait_until(lambda: cluster.exists() or list(data_directory.glob("postgres.run/new-*/PG_VERSION")))
        owner.kill()
    return not cluster.exists()


async def test_an_initialisation_that_was_killed_half_way_is_done_again(folder: Path) -> None:
    tries = (folder / f"data-{number}" for number in range(9))
    data_directory = next(each for each in tries if kill_amid_initialisation(each))
    assert "initialised" in await start_and_stop(data_directory)
    assert not list(data_directory.glob("postgres.run/new-*"))


@pytest.mark.parametrize("version", ["17", "19"])
async def test_another_major_version_is_refused(data_directory: Path, version: str) -> None:
    (data_directory / "postgres" / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(
        ConfigurationError, match=f"by PostgreSQL {version}, the embedded one is 18: .*pg_dump"
    ):
        await EmbeddedPostgres.start(data_directory)


async def test_a_folder_that_is_no_cluster_is_refused_and_not_touched(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "holiday.jpg").touch()
    with pytest.raises(ConfigurationError, match="neither empty nor a PostgreSQL cluster"):
        await EmbeddedPostgres.start(folder)
    assert [path.name for path in (folder / "postgres").iterdir()] == ["holiday.jpg"]


async def test_an_empty_folder_is_taken(folder: Path) -> None:
    (folder / "postgres").mkdir()
    assert "initialised" in await start_and_stop(folder)


async def test_a_data_directory_that_cannot_be_made_is_refused(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used: Not a directory"):
        await EmbeddedPostgres.start(folder / "file" / "data")


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
async def test_a_data_directory_that_cannot_be_written_is_refused(folder: Path) -> None:
    folder.chmod(0o500)
    with pytest.raises(ConfigurationError, match=r"cannot be used: Permission denied \(.*postgres.run\)"):
        await EmbeddedPostgres.start(folder)


@as_root
async def test_a_full_disk_is_told(folder: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "none", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("not allowed to mount")
    try:
        with pytest.raises(ConfigurationError, match=r"(?s)initdb failed:.*No space left on device"):
            await EmbeddedPostgres.start(folder)
        assert sorted(path.name for path in folder.glob("*/*")) == ["lock"]
    finally:
        subprocess.run(["umount", folder], check=True)


async def test_a_server_that_does_not_start_is_told_with_its_own_words(data_directory: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'(?s)ended while it started:.*"shared_buffers": "plenty"'):
        await EmbeddedPostgres.start(data_directory, settings={"shared_buffers": "plenty"})
    assert await start_and_stop(data_directory) == ["started", "stopped"]


async def test_a_damaged_cluster_is_told(data_directory: Path) -> None:
    shutil.rmtree(data_directory / "postgres" / "global")
    with pytest.raises(ConfigurationError, match=r"(?s)ended while it started:.*global"):
        await EmbeddedPostgres.start(data_directory)


async def test_a_start_that_is_given_up_leaves_nothing_running(data_directory: Path) -> None:
    starting = asyncio.create_task(EmbeddedPostgres.start(data_directory))
    trace = data_directory / "postgres" / "postmaster.pid"
    while not trace.exists():
        await asyncio.sleep(0.001)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not trace.exists()
    assert await start_and_stop(data_directory) == ["started", "stopped"]
