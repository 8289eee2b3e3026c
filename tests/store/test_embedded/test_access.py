"""Who gets at the embedded PostgreSQL: the service's own system user, and nobody else."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.embedded_account import choose_account, open_passage
from signalpost.store.embedded_files import LONGEST_SOCKET_FOLDER, choose_socket_folder, make_socket_folder
from tests.store.test_embedded.conftest import IS_ROOT, as_root, ask_as, run_as, server_user_id

NOBODY = 65534


@pytest.fixture
async def server(data_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = await EmbeddedPostgres.start(data_directory)
    yield server
    await server.stop()


def socket_folder(server: EmbeddedPostgres) -> Path:
    return Path(server.connect_arguments["host"])


def test_the_socket_is_for_its_owner_alone(server: EmbeddedPostgres) -> None:
    for path in (socket_folder(server), socket_folder(server) / ".s.PGSQL.5432"):
        status = path.stat()
        assert status.st_mode & 0o077 == 0
        assert status.st_uid == server_user_id()


async def test_no_other_database_user_is_let_in(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(**{**server.connect_arguments, "user": "postgres"})


@as_root
def test_another_user_of_the_system_cannot_connect(server: EmbeddedPostgres) -> None:
    folder = socket_folder(server)
    assert ask_as(0, folder).stdout.strip() == "42"
    assert "Permission denied" in ask_as(NOBODY, folder).stderr


@as_root
@pytest.mark.parametrize("stranger", ["nobody", "the server's own account"])
def test_a_stranger_who_reaches_the_socket_is_not_let_in(server: EmbeddedPostgres, stranger: str) -> None:
    folder = socket_folder(server)
    for path in (*folder.parents[:3], folder, folder / ".s.PGSQL.5432"):
        path.chmod(0o777)
    answer = ask_as(NOBODY if stranger == "nobody" else server_user_id(), folder)
    assert answer.stdout == ""
    assert "Peer authentication failed" in answer.stderr


@as_root
def test_the_account_is_let_through_closed_folders_and_others_are_not(folder: Path) -> None:
    deepest = folder / "closed" / "deeper"
    deepest.mkdir(parents=True)
    for closed in (deepest, deepest.parent):
        closed.chmod(0o700)
    account = choose_account()
    for _ in range(2):
        open_passage(deepest, account)
        assert run_as(account.user_id, ["/usr/bin/stat", deepest / "."]).returncode == 0
        assert run_as(account.user_id, ["/bin/ls", deepest]).returncode != 0
        assert run_as(NOBODY, ["/usr/bin/stat", deepest]).returncode != 0
        deepest.chmod(0o700)  # takes it away again, as it sets the list's mask


@as_root
async def test_a_backup_restored_by_root_is_given_back_to_the_account(data_directory: Path) -> None:
    subprocess.run(["chown", "-R", "root:root", data_directory], check=True)
    server = await EmbeddedPostgres.start(data_directory)
    await server.stop()


@as_root
async def test_a_cluster_of_another_user_is_refused(data_directory: Path) -> None:
    os.chown(data_directory / "postgres", NOBODY, NOBODY)
    with pytest.raises(
        ConfigurationError, match="belongs to nobody, but PostgreSQL would run as signalpost-postgres"
    ):
        await EmbeddedPostgres.start(data_directory)


@pytest.fixture
def far_away(data_directory: Path) -> Path:
    """A data directory whose path is too long for a socket."""
    deep = data_directory.parent / ("x" * LONGEST_SOCKET_FOLDER)
    data_directory.rename(deep)
    return deep


async def test_a_long_path_has_its_socket_in_a_private_folder_elsewhere(far_away: Path) -> None:
    server = await EmbeddedPostgres.start(far_away)
    folder = socket_folder(server)
    try:
        assert folder.parent != far_away / "postgres.run"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        connection = await asyncpg.connect(server.url)
        await connection.close()
        if IS_ROOT:
            assert "Permission denied" in ask_as(NOBODY, folder).stderr
    finally:
        await server.stop()
    assert not folder.exists()


async def test_a_path_with_odd_characters_serves(data_directory: Path) -> None:
    odd = data_directory.with_name("Müller, söhne & co")
    data_directory.rename(odd)
    server = await EmbeddedPostgres.start(odd)
    connection = await asyncpg.connect(server.url)
    await connection.close()
    await server.stop()


@pytest.mark.parametrize("squatter", ["link", "file", "open"])
async def test_a_squatted_socket_folder_is_refused_and_not_touched(
    far_away: Path, folder: Path, squatter: str
) -> None:
    place = choose_socket_folder(far_away / "postgres.run", is_own=not IS_ROOT)
    if squatter == "link":
        (folder / "trap").mkdir()
        place.symlink_to(folder / "trap")
    elif squatter == "file":
        place.touch()
    else:
        place.mkdir()
        place.chmod(0o777)
    before = place.lstat()
    try:
        with pytest.raises(ConfigurationError, match=f"the socket folder {place} is "):
            await EmbeddedPostgres.start(far_away)
        assert place.lstat() == before
    finally:
        place.rmdir() if squatter == "open" else place.unlink()


@as_root
def test_a_socket_folder_of_another_user_is_refused(folder: Path) -> None:
    place = folder / "socket"
    place.mkdir(mode=0o700)
    os.chown(place, NOBODY, NOBODY)
    with pytest.raises(ConfigurationError, match=f"belongs to user id {NOBODY}: remove it"):
        make_socket_folder(place, choose_account())


def test_a_place_where_anybody_could_replace_the_socket_folder_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="lets anybody replace the socket folder"):
        make_socket_folder(folder / "socket", choose_account())


def test_the_private_folder_follows_the_path_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.setattr(tempfile, "tempdir", "/" + "t" * 100)
    one, other = (choose_socket_folder(Path("/" + letter * 200), is_own=False) for letter in "ab")
    assert one.parent == other.parent == Path("/tmp")
    assert one != other
    assert choose_socket_folder(Path("/" + "a" * 200), is_own=True).parent == Path("/run/user/7")
    assert choose_socket_folder(Path("/srv/data"), is_own=True) == Path("/srv/data/socket")
