"""Checks of the settings and of what they name: no database is needed."""

from __future__ import annotations

import importlib.util
import stat
from ipaddress import ip_address
from urllib.parse import urlsplit

from signalpost.cli.doctor.findings import Check, Finding, Subject, approve, fail, list_some, refuse, warn
from signalpost.connectors.registry import load_registry
from signalpost.model.errors import ConfigurationError
from signalpost.polling.dates import compile_pattern
from signalpost.settings import list_misspelt
from signalpost.store.vault import Vault
from signalpost.tracing import describe_installing
from signalpost.wiring.database import place_key


def check_settings(subject: Subject) -> Finding:
    """A setting has a value that cannot be used, or goes with another one that is not set.

    All other checks are skipped then: they would tell of other values than are meant.
    """
    settings = subject.settings
    for read in (
        settings.read_schedule,
        settings.read_allowance,
        settings.read_proxy_url,
        settings.read_public_url,
        settings.read_egnyte_url,
        settings.read_trusted_proxies,
    ):
        try:
            read()
        except ConfigurationError as error:
            return refuse(error, "set it right, or unset it")
    if settings.database_direct_url is not None and settings.database_url is None:
        return fail(
            "SIGNALPOST_DATABASE_DIRECT_URL goes with SIGNALPOST_DATABASE_URL, which is not set",
            "set both, or only the latter",
        )
    if settings.connect_timeout_seconds > settings.total_timeout_seconds:
        return warn(
            "SIGNALPOST_CONNECT_TIMEOUT_SECONDS is longer than SIGNALPOST_TOTAL_TIMEOUT_SECONDS, which ends it",
            "set the first lower than the second",
        )
    return approve("all can be read")


def check_names(_: Subject) -> Finding:
    """A variable of the environment that looks like a setting but is none: it does nothing."""
    found = list_misspelt()
    if found:
        pairs = list_some(f"{given} looks like {meant}" for given, meant in found.items())
        return warn(f"{pairs}; it sets nothing", "correct the name, or unset it")
    return approve("no variable looks like a setting that it is not")


def check_encryption_key(subject: Subject) -> Finding:
    """The key of the stored secrets is malformed, not readable, open to other users, or lost beside its database.

    Or it is not set although the database may be shared by several machines.
    """
    settings = subject.settings
    keys, path = settings.read_keys(), place_key(settings)
    if keys is not None:
        subject.vault = Vault(keys)
        return approve(f"{len(keys)} given by SIGNALPOST_ENCRYPTION_KEYS")
    if not path.exists():
        if settings.database_url is None and (settings.data_dir / "postgres" / "PG_VERSION").exists():
            return fail(
                f"{path} is gone, and the database beside it has secrets that were encrypted with it",
                "put the key back from your backup: a new one cannot read them",
            )
        return (
            approve("none yet: the first start makes it")
            if settings.database_url is None
            else _warn_of_own_key()
        )
    try:
        subject.vault = Vault([path.read_text().strip()])
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no key: 32 bytes in URL-safe base64"
        return fail(
            f"{path} cannot be used ({why})", "put the key back from your backup, readable by this user"
        )
    if path.stat().st_mode & 0o077:
        mode = stat.S_IMODE(path.stat().st_mode)
        return warn(f"{path} is open to other users (mode {mode:04o})", f"run: chmod 600 {path}")
    return approve(f"kept at {path}") if settings.database_url is None else _warn_of_own_key()


def _warn_of_own_key() -> Finding:
    return warn(
        "SIGNALPOST_ENCRYPTION_KEYS is not set, but SIGNALPOST_DATABASE_URL is: each machine makes a key of its own,"
        " and cannot read what the others stored",
        "set the same key for all processes; where one machine made it, that is in its data directory",
    )


def check_connectors(subject: Subject) -> Finding:
    """A connector file is wrong, or a connector of another package was left out."""
    settings = subject.settings
    try:
        subject.registry = load_registry(
            egnyte_url=settings.read_egnyte_url(),
            files=settings.list_connector_files(),
            check_format=compile_pattern,
        )
    except ConfigurationError as error:
        return refuse(error, "set it right in the file, or take the file out of SIGNALPOST_CONNECTOR_FILES")
    left_out = subject.registry.left_out
    if left_out:
        return fail(
            f"left out: {list_some(f'{name} ({reason})' for name, reason in left_out.items())}",
            "install a version of its package that loads, or remove the package",
        )
    return approve(f"{list_some(sorted(each.key for each in subject.registry))}")


def check_public_url(subject: Subject) -> Finding:
    """`SIGNALPOST_PUBLIC_URL` is missing where others reach the service, or is not https."""
    url, host = subject.settings.read_public_url(), subject.settings.host
    if url is None:
        if _is_loopback(host):
            return approve("not set; links are for this machine")
        return warn(
            f"SIGNALPOST_PUBLIC_URL is not set, but the service listens on {host}: links in notifications are paths,"
            " and those to the console may lead nowhere",
            "set it to the address that others reach the service by, as in https://signalpost.example.com",
        )
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        return warn(
            "SIGNALPOST_PUBLIC_URL is not https: passwords, cookies and consents go over the network in clear",
            "put a proxy with TLS before the service, and its https address here",
        )
    return approve(f"links begin with {parts.scheme}://{parts.hostname}")


def check_private_networks(subject: Subject) -> Finding:
    """`SIGNALPOST_ALLOW_PRIVATE_NETWORKS` is on where others reach the service.

    Whoever may make an instance can reach inside your network.
    """
    settings = subject.settings
    if settings.allow_private_networks and not _is_loopback(settings.host):
        return warn(
            f"callbacks may be any inner address, while the service listens on {settings.host}",
            "name those that are meant in SIGNALPOST_ALLOWED_NETWORKS, and unset SIGNALPOST_ALLOW_PRIVATE_NETWORKS",
        )
    allowed = (
        "any address" if settings.allow_private_networks else settings.allowed_networks or "public ones alone"
    )
    return approve(f"callbacks may be: {allowed}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_traces(subject: Subject) -> Finding:
    """`SIGNALPOST_TRACES` is on without the extra that it needs."""
    if not subject.settings.traces:
        return approve("off")
    try:
        found = importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http")
    except ImportError:
        found = None
    if found is None:
        return fail(
            "SIGNALPOST_TRACES is on, but its packages are not installed",
            describe_installing(),
        )
    return approve("on")


def check_retention(subject: Subject) -> Finding:
    """What is kept is gone before all retries of a delivery are spent: then nothing is left to send again."""
    settings = subject.settings
    days = sum(settings.read_schedule()) / 86_400
    if settings.retention_days < days:
        return warn(
            f"retries go on for {days:.1f} days, but what is done is kept for {settings.retention_days:g}"
            " (SIGNALPOST_RETENTION_DAYS): what is given up can hardly be sent again",
            "keep more days, or shorten SIGNALPOST_RETRY_SCHEDULE_SECONDS",
        )
    return approve(f"{settings.retention_days:g} days, retries for {days:.1f}")


CONFIGURED: tuple[Check, ...] = (
    check_settings,
    check_names,
    check_encryption_key,
    check_connectors,
    check_public_url,
    check_private_networks,
    check_traces,
    check_retention,
)
