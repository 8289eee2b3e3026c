"""What lies around the embedded PostgreSQL: its folders, the lock on them, its socket, and what an earlier run left."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from signalpost.model.errors import ConfigurationError
from signalpost.store.embedded_account import Account, open_passage, read_own_name

PORT = 5432
"""Names the socket file only: nothing listens on TCP."""

LONGEST_SOCKET_FOLDER = 103 - len(f"/.s.PGSQL.{PORT}")
"""A socket's path holds 103 bytes on macOS, 107 on Linux."""

PLAIN_PATH = re.compile(r"[A-Za-z0-9/._@+-]+")
"""Neither a list in PostgreSQL's settings nor a URL cuts these."""

LARGEST_OLD_LOG_BYTES = 1_000_000


class InUseError(ConfigurationError):
    """Another process has the data directory: it runs the server, or is about to."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things are: ``cluster`` is PostgreSQL's own, ``run`` is what we need to run it."""

    root: Path
    cluster: Path
    run: Path
    socket: Path

    @property
    def log(self) -> Path:
        """What the server and initdb say."""
        return self.run / "server.log"

    @property
    def access_rules(self) -> Path:
        """``hba_file``: who may connect, and how they prove it."""
        return self.run / "access.conf"

    @property
    def identities(self) -> Path:
        """``ident_file``: which system user is which database user."""
        return self.run / "identities.conf"


@contextmanager
def explain_refusals(what: str) -> Iterator[None]:
    """Turn what the system refuses into an error that says what we wanted."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise ConfigurationError(f"{what}: {error.strerror or error}{where}") from error


def prepare_folders(data_directory: Path, account: Account) -> Folders:
    """Make the data directory and ``postgres.run`` in it, and let the account through to them.

    Raises:
        ConfigurationError: a folder cannot be made or entered.
    """
    is_own = account.user_id == os.geteuid()
    mode = 0o700 if is_own else 0o711
    with explain_refusals(f"the data directory {data_directory} cannot be used"):
        data_directory.mkdir(mode=mode, parents=True, exist_ok=True)
        root = data_directory.resolve()
        run = root / "postgres.run"
        run.mkdir(mode=mode, exist_ok=True)
    open_passage(run, account)
    return Folders(
        root=root, cluster=root / "postgres", run=run, socket=choose_socket_folder(run, is_own=is_own)
    )


def choose_socket_folder(run: Path, *, is_own: bool) -> Path:
    """Give the folder of the socket: in ``run``, or a private one elsewhere where that path is too long or odd."""
    inside = run / "socket"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER and PLAIN_PATH.fullmatch(str(inside)):
        return inside
    name = f"signalpost-{os.geteuid()}-{hashlib.sha256(os.fsencode(run)).hexdigest()[:16]}"
    # Root's own runtime folder is closed to the server's account.
    runtime = os.environ.get("XDG_RUNTIME_DIR") if is_own else None
    for base in (runtime, tempfile.gettempdir()):
        if (
            base
            and len(os.fsencode(base)) + 1 + len(name) <= LONGEST_SOCKET_FOLDER
            and PLAIN_PATH.fullmatch(base)
        ):
            return Path(base) / name
    return Path("/tmp") / name  # noqa: S108 - verified before use


def lock_folders(folders: Folders) -> int:
    """Take the data directory for this process. The lock ends when the returned descriptor closes, however we die.

    Raises:
        InUseError: another process has it; it is named.
        ConfigurationError: it cannot be locked.
    """
    with explain_refusals(f"the data directory {folders.root} cannot be locked"):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(folders.run / "lock", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            message = (
                f"the data directory {folders.root} is in use by process {holder}:"
                " stop that one, or choose another directory with SIGNALPOST_DATA_DIR"
            )
            raise InUseError(message) from error
        except OSError:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def join_guests(data_directory: Path) -> int | None:
    """Say that a command uses the server that another process runs; None: it is being stopped, or was never run.

    That ends when the returned descriptor closes, however we die.
    """
    return _lock_guests(data_directory.resolve() / "postgres.run", fcntl.LOCK_SH)


def shut_out_guests(folders: Folders) -> int | None:
    """Let no command use the server any more, until the returned descriptor closes; None: one uses it now."""
    return _lock_guests(folders.run, fcntl.LOCK_EX)


def _lock_guests(run: Path, how: int) -> int | None:
    with explain_refusals(f"the data directory {run.parent} cannot be locked"):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(run / "guests", flags, 0o600)
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return None
            raise
    return descriptor


def write_access_rules(folders: Folders) -> None:
    """Let in exactly one system user, this service's own, told by the kernel (``peer``): there is no password."""
    name = read_own_name()
    rules = {
        folders.access_rules: "local all signalpost peer map=service\n",
        folders.identities: f'service "{name}" signalpost\n',
    }
    with explain_refusals(f"the data directory {folders.root} cannot be written"):
        for path, text in rules.items():
            path.write_text(text)
            path.chmod(0o644)  # the server's account reads them, only we write them


def check_admitted(run: Path) -> None:
    """Check that the running server lets in whom we run as; ``run`` is where its access rules are.

    Raises:
        ConfigurationError: it lets in another user alone, who is named.
    """
    admitted = (run / "identities.conf").read_text().split('"')[1]
    name = read_own_name()
    if name != admitted:
        message = (
            f"the service that runs on {run.parent} runs as {admitted}, and its database lets in that user alone, not"
            f" {name}: run this as {admitted} too, as by sudo -u {admitted}"
        )
        raise ConfigurationError(message)


def open_log(folders: Folders) -> int:
    """Open the log to append; one that has grown is kept aside once, so that two of them bound the size."""
    with explain_refusals(f"the log {folders.log} cannot be written"):
        if folders.log.exists() and folders.log.stat().st_size > LARGEST_OLD_LOG_BYTES:
            folders.log.replace(folders.log.with_suffix(".log.old"))
        return os.open(
            folders.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )


def make_socket_folder(folder: Path, account: Account) -> None:
    """Make the socket's folder anew, for the account alone.

    Raises:
        ConfigurationError: something that is not ours, or open to others, lies there: it is not touched.
    """
    with explain_refusals(f"the socket folder {folder} cannot be made"):
        above = folder.parent.stat()
        if above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX:
            message = (
                f"{folder.parent} lets anybody replace the socket folder in it: run chmod o-w {folder.parent}"
            )
            raise ConfigurationError(message)
        if os.path.lexists(folder):
            _check_ours(folder, account)
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        if account.user_id != os.geteuid():
            os.chown(folder, account.user_id, account.group_id)


def _check_ours(folder: Path, account: Account) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        fault = "is not a folder"
    elif status.st_uid not in {os.geteuid(), account.user_id}:
        fault = f"belongs to user id {status.st_uid}"
    elif status.st_mode & 0o077:
        fault = f"is open to other users (mode {stat.S_IMODE(status.st_mode):04o})"
    else:
        return
    raise ConfigurationError(
        f"the socket folder {folder} {fault}: remove it, or use a data directory of a shorter path"
    )


def remove_leftovers(folders: Folders) -> None:
    """Remove what an initialisation that was killed half-way left behind."""
    for unfinished in folders.run.glob("new-*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def read_server_id(cluster: Path) -> int | None:
    """Read the id of the server that is, or was, on the cluster. None: no trace of one; 0: it cannot be read."""
    try:
        return int(_read_trace(cluster)[0])
    except FileNotFoundError:
        return None
    except ValueError:  # a crash of the machine may leave the file empty
        return 0


def read_socket_folder(cluster: Path) -> Path | None:
    """Read where the running server's socket is: the fifth line of ``postmaster.pid``, empty while it starts."""
    lines = _read_trace(cluster)
    return Path(lines[4]) if len(lines) > 4 and lines[4] else None  # noqa: PLR2004 - a place in the file


def _read_trace(cluster: Path) -> list[str]:
    # It holds paths as they are: their bytes need be no text in the encoding that we run with.
    return os.fsdecode((cluster / "postmaster.pid").read_bytes()).split("\n")


def is_serving(process_id: int, cluster: Path) -> bool:
    """Say whether that process is a PostgreSQL on this cluster: not dead, not a zombie, not another program."""
    try:
        command = Path(f"/proc/{process_id}/cmdline").read_bytes()  # empty for a zombie
        text = os.fsdecode(command).replace("\0", " ")
    except FileNotFoundError:
        text = "" if Path("/proc/self/cmdline").exists() else read_command_by_ps(process_id)
    except ProcessLookupError:
        return False
    return f"/postgres -D {cluster} " in text


def read_command_by_ps(process_id: int) -> str:
    """Read a process's command line where there is no ``/proc``; empty if it is dead or a zombie."""
    command = ["/bin/ps", "-ww", "-o", "stat=,args=", "-p", str(process_id)]
    told = os.fsdecode(subprocess.run(command, check=False, capture_output=True).stdout)  # noqa: S603 - fixed words
    return "" if told.startswith("Z") else told
