"""Who runs the embedded PostgreSQL: ourselves, or an account of its own where we are root, which it refuses to be."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from signalpost.model.errors import ConfigurationError
from signalpost.observe import get_logger

log = get_logger("database")

SERVER_ACCOUNT = "signalpost-postgres"
WAY_OUT = "start signalpost as an ordinary user, or set SIGNALPOST_DATABASE_URL to a PostgreSQL of your own"

ACL_ATTRIBUTE = "system.posix_acl_access"
ACL_VERSION = 2
ACL_OWNER, ACL_USER, ACL_GROUP, ACL_MASK, ACL_OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
ACL_NO_ID = 0xFFFFFFFF
MAY_ENTER = 1


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the server runs as and that owns its files."""

    name: str
    user_id: int
    group_id: int


def read_own_name() -> str:
    """Give the name of the user we run as: the only one who may connect.

    Raises:
        ConfigurationError: our user id has no name, which PostgreSQL needs.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        message = (
            f"the embedded PostgreSQL needs a user with a name, and user id {os.geteuid()} has none:"
            " add it to /etc/passwd, or set SIGNALPOST_DATABASE_URL to a PostgreSQL of your own"
        )
        raise ConfigurationError(message) from error


def choose_account() -> Account:
    """Give ourselves or, as root, the account ``signalpost-postgres``, which is made if it is missing.

    An account that others use too (``nobody``, a system's ``postgres``) would let them at our files.

    Raises:
        ConfigurationError: there is no usable account and none can be made.
    """
    name = read_own_name()
    if os.geteuid() != 0:
        return Account(name, os.geteuid(), os.getegid())
    if sys.platform != "linux":
        raise ConfigurationError(f"PostgreSQL does not run as root: {WAY_OUT}")
    entry = _find_entry(SERVER_ACCOUNT) or _create_entry(SERVER_ACCOUNT)
    return Account(SERVER_ACCOUNT, entry.pw_uid, entry.pw_gid)


def _find_entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create_entry(name: str) -> pwd.struct_passwd:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    said = "useradd is not installed"
    attempts = 20 if program else 0
    for _ in range(attempts):
        command = [
            program or "",
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            name,
        ]
        made = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - fixed words
        entry = _find_entry(name)
        if entry is not None:
            log.info("database.account_created", account=name)
            return entry
        said = made.stderr.strip()
        time.sleep(0.1)  # /etc/passwd is locked while another program changes it
    message = f"PostgreSQL does not run as root and the account {name} cannot be made ({said}): make it, or {WAY_OUT}"
    raise ConfigurationError(message)


def open_passage(path: Path, account: Account) -> None:
    """Let the account through to ``path``: as root, folders on the way may be closed to it (/root is).

    The account alone gets the right to enter, by an access control list; other users gain nothing.

    Raises:
        ConfigurationError: a folder is closed and its filesystem has no such lists.
    """
    if account.user_id == os.geteuid():
        return
    for folder in reversed((path, *path.parents)):
        try:
            opened = _let_in(folder, account)
        except OSError as error:
            message = (
                f"PostgreSQL does not run as root, and its account {account.name} may not enter {folder}"
                f" ({error.strerror}): run chmod o+x {folder}, or {WAY_OUT}"
            )
            raise ConfigurationError(message) from error
        if opened:
            log.info("database.folder_opened", folder=str(folder), account=account.name)


def _let_in(folder: Path, account: Account) -> bool:
    """Give the account the right to enter; say whether anything had to be changed."""
    status = folder.stat()
    if status.st_uid == account.user_id and status.st_mode & stat.S_IXUSR:
        return False
    rights = _read_rights(folder, status.st_mode)
    named = rights.get((ACL_USER, account.user_id))
    if named is None and rights[ACL_OTHER, ACL_NO_ID] & MAY_ENTER:
        return False
    mask = rights.get((ACL_MASK, ACL_NO_ID), rights[ACL_GROUP, ACL_NO_ID])
    if named is not None and named & mask & MAY_ENTER:
        return False
    rights[ACL_USER, account.user_id] = (named or 0) | MAY_ENTER
    rights[ACL_MASK, ACL_NO_ID] = mask | MAY_ENTER
    packed = [struct.pack("<HHI", tag, right, holder) for (tag, holder), right in sorted(rights.items())]
    os.setxattr(folder, ACL_ATTRIBUTE, struct.pack("<I", ACL_VERSION) + b"".join(packed))
    return True


def _read_rights(folder: Path, mode: int) -> dict[tuple[int, int], int]:
    """Read the access control list (acl(5)): right by (tag, holder). Without one, it is what the mode says."""
    if ACL_ATTRIBUTE in os.listxattr(folder):
        packed = os.getxattr(folder, ACL_ATTRIBUTE)[4:]
        return {(tag, holder): right for tag, right, holder in struct.iter_unpack("<HHI", packed)}
    return {
        (ACL_OWNER, ACL_NO_ID): mode >> 6 & 7,
        (ACL_GROUP, ACL_NO_ID): mode >> 3 & 7,
        (ACL_OTHER, ACL_NO_ID): mode & 7,
    }
