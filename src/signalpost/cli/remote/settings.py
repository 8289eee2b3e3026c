"""Which server is asked, and with which secrets: by a profile of the user's file, or by the environment."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalpost.model.addresses import mask_url, parse_callback_url
from signalpost.model.errors import ConfigurationError, InvalidRequestError

LOCAL = "http://127.0.0.1:8080"
DEFAULT_PROFILE = "default"
BASE_PATH = "/elements/api-v2"
MOST_BYTES = 1_000_000

VARIABLES = {
    "SIGNALPOST_URL": f"Address of the server; `{LOCAL}` if not given.",
    "SIGNALPOST_USER_SECRET": "The user's secret, as `signalpost credentials create` shows it.",
    "SIGNALPOST_ORGANIZATION_SECRET": "The organization's secret.",
}
"""What the environment may say in place of a profile."""

KEYS = ("url", "user_secret", "organization_secret")
"""What a profile says; the same as the variables, in their order."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# Both stand in one header, between commas and spaces.
_SECRET = re.compile(r"[!-+\--~]{8,500}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the secrets that open it. ``url`` ends before the API's base path."""

    url: str
    user_secret: str = field(repr=False)
    organization_secret: str = field(repr=False)

    @property
    def authorization(self) -> str:
        """The header that opens the API."""
        return f"User {self.user_secret}, Organization {self.organization_secret}"


def find_profiles_file() -> Path:
    """Give where profiles are kept: ``signalpost/profiles.toml`` in the folder of XDG.

    Raises:
        ConfigurationError: nobody says where the user's files are.
    """
    given = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        folder = Path(given) if given.startswith("/") else Path.home() / ".config"
    except RuntimeError:
        message = f"this user has no home for profiles: set XDG_CONFIG_HOME, or {', '.join(VARIABLES)}"
        raise ConfigurationError(message) from None
    return folder / "signalpost" / "profiles.toml"


def load_server(profile: str | None) -> Server:
    """Find the server: by the profile that is named; else by the environment; else by the profile ``default``.

    Raises:
        ConfigurationError: there is none, or a value of it is wrong; the message says where, and never a secret.
    """
    given = [os.environ.get(name, "") for name in VARIABLES]
    if profile is None and any(given):
        named = dict(zip(KEYS, VARIABLES, strict=True))
        return make_server(dict(zip(KEYS, [given[0] or LOCAL, *given[1:]], strict=True)), named)
    name, path = profile or DEFAULT_PROFILE, find_profiles_file()
    profiles = read_profiles(path)
    if name not in profiles:
        known = f"; there are {', '.join(sorted(profiles))[:500]}" if profiles else ""
        message = (
            f"there is no profile {name[:64]!r} in {path}{known}; signalpost login makes one,"
            f" or set {', '.join(VARIABLES)}"
        )
        raise ConfigurationError(message)
    table = profiles[name]
    unknown = sorted(set(table) - set(KEYS)) if isinstance(table, dict) else []
    if not isinstance(table, dict) or unknown:
        message = f"{path}: [profiles.{name}] takes {', '.join(KEYS)}" + (
            f", not {unknown[0][:50]!r}" if unknown else ""
        )
        raise ConfigurationError(message)
    return make_server(table, {key: f"{path}: {key} of [profiles.{name}]" for key in KEYS})


def make_server(values: dict[str, Any], named: dict[str, str]) -> Server:
    """Check the three values of a server; ``named``: what messages call each.

    Raises:
        ConfigurationError: one is missing or wrong.
    """
    for key in KEYS:
        if not isinstance(values.get(key), str) or not values[key].strip():
            raise ConfigurationError(f"{named[key]} is missing, or no text")
    for key in KEYS[1:]:
        if not _SECRET.fullmatch(values[key].strip()):
            message = f"{named[key]} is no secret: signalpost credentials create shows what one looks like"
            raise ConfigurationError(message)
    url = values["url"].strip()
    try:
        parse_callback_url(url, named["url"])
    except InvalidRequestError as error:
        raise ConfigurationError(str(error).replace("https://example.com/events", LOCAL)) from None
    if "?" in url or "#" in url or not url.isascii():
        message = f"{named['url']} {mask_url(url)!r} must end with its path, and be of ASCII alone"
        raise ConfigurationError(message)
    plain = url.rstrip("/").removesuffix(BASE_PATH)
    return Server(plain, values["user_secret"].strip(), values["organization_secret"].strip())


def read_profiles(path: Path) -> dict[str, Any]:
    """Read the file of profiles; none where there is no file.

    Raises:
        ConfigurationError: it is not the user's alone, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _read_open(file.fileno(), path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def list_profiles() -> list[str]:
    """List the names of the profiles, for completion: none where they cannot be read."""
    with suppress(ConfigurationError):
        return sorted(read_profiles(find_profiles_file()))
    return []


def add_profile(name: str, server: Server) -> Path:
    """Add a profile at the end of the file, which is made if there is none. Give where it is.

    What stands in the file stays as it is, also where it cannot be written; two who add at once do not disturb each
    other.

    Raises:
        ConfigurationError: there is one of this name; the file is not the user's alone, or cannot be written.
    """
    path = find_profiles_file()
    if not _NAME.fullmatch(name):
        message = f"--profile: {name[:64]!r} is no name of letters, digits, - and _, 64 at most"
        raise ConfigurationError(message)
    values = (server.url, server.user_secret, server.organization_secret)
    lines = [f"{key} = {json.dumps(value)}" for key, value in zip(KEYS, values, strict=True)]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = _open_locked(path)
        try:
            if name in _read_open(number, path):
                message = f"there is a profile {name!r} in {path} already; remove it there, or give another --profile"
                raise ConfigurationError(message)
            added = "\n".join(["", f"[profiles.{name}]", *lines, ""]).encode()
            _replace(path.resolve(), os.fstat(number), os.pread(number, MOST_BYTES, 0) + added)
        finally:
            os.close(number)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    return path


def _open_locked(path: Path) -> int:
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(number), path.stat()):
                return number
        except FileNotFoundError:
            pass
        except OSError:
            os.close(number)
            raise
        os.close(number)  # while we waited, whoever had the lock put another file in its place


def _replace(path: Path, status: os.stat_result, content: bytes) -> None:
    """Put a new file in the place of a locked one: whoever reads finds the whole of the one or of the other."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "wb") as file:
            os.fchown(number, status.st_uid, -1)  # root may add to a user's
            os.fchmod(number, stat.S_IMODE(status.st_mode))
            file.write(content)
            file.flush()
            os.fsync(number)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _read_open(number: int, path: Path) -> dict[str, Any]:
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
        raise ConfigurationError(f"{path} is no file of profiles")
    if stat.S_IMODE(status.st_mode) & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):o}"
        raise ConfigurationError(f"{path} is open to others ({mode}), and holds secrets: chmod 600 {path}")
    try:
        profiles = tomllib.loads(os.pread(number, MOST_BYTES, 0).decode()).get("profiles", {})
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or a number of too many digits
        # Only where: the words of the error may be those of the line, and the line a secret.
        place = re.search(r"\(at (line \d+, column \d+|end of document)\)", str(error))
        raise ConfigurationError(f"{path} is not TOML" + (f" ({place[1]})" if place else "")) from None
    if not isinstance(profiles, dict):
        raise ConfigurationError(f"{path}: profiles is no table, as in [profiles.{DEFAULT_PROFILE}]")
    return profiles
