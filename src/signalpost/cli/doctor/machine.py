"""Checks of this machine: no database is needed."""

from __future__ import annotations

import errno
import http.client
import json
import os
import platform
import shutil
from zoneinfo import ZoneInfo

from signalpost.api.server import bind
from signalpost.cli.doctor.findings import (
    RUN_AS,
    Check,
    Finding,
    Subject,
    approve,
    fail,
    refuse,
    skip,
    warn,
)
from signalpost.cli.interpreter import is_optimised
from signalpost.cli.open_files import find_most
from signalpost.model.errors import ConfigurationError
from signalpost.store.embedded_cluster import check_at_rest
from signalpost.wiring.outbound import TO_CALLBACKS, TO_PROVIDERS

LEAST_FREE_BYTES = 100_000_000
FREE_BYTES_WISHED = 1_000_000_000
FEWEST_FILES = 256
FILES_BESIDES = 200
"""Open files besides connections outwards and to the database: those of callers, libraries and the log."""
ASK_SECONDS = 2.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound to: where to ask instead


def check_data_directory(subject: Subject) -> Finding:
    """The data directory cannot be made, entered or written."""
    settings = subject.settings
    if settings.database_url is not None and settings.encryption_keys is not None:
        return skip("nothing is kept in it: database and key are given")
    folder = settings.data_dir.resolve()
    remedy = "give it to the user that runs the service, or choose another with SIGNALPOST_DATA_DIR"
    if os.path.lexists(folder) and not folder.is_dir():
        return fail(f"{folder} is no folder", remedy)
    above = folder
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        return fail(f"{above} cannot be written by this user", remedy)
    return approve(str(folder) if above == folder else f"{folder} can be made")


def check_disk(subject: Subject) -> Finding:
    """The disk of the embedded database is full, or nearly."""
    if subject.settings.database_url is not None:
        return skip("the database is yours")
    above = subject.settings.data_dir.resolve()
    while not above.exists():
        above = above.parent
    free = shutil.disk_usage(above).free
    told = f"{free / 1e6:,.0f} MB are free at {above}"
    if free < LEAST_FREE_BYTES:
        return fail(told, "make room, or choose another place with SIGNALPOST_DATA_DIR")
    if free < FREE_BYTES_WISHED:
        return warn(told, "make room, or keep less: SIGNALPOST_RETENTION_DAYS")
    return approve(told)


def check_embedded_database(subject: Subject) -> Finding:
    """The files of the embedded database are of another PostgreSQL or user, or none; or this system has none."""
    if subject.settings.database_url is not None:
        return skip("the database is yours")
    try:
        if not check_at_rest(subject.settings.data_dir):
            return approve("none yet: the first start makes it")
    except ConfigurationError as error:
        if isinstance(error.__cause__, PermissionError):
            return refuse(error, RUN_AS)
        what, _, advice = str(error).rpartition(": ")
        return fail(what, advice)
    cluster = subject.settings.data_dir / "postgres"
    if os.geteuid() not in {0, cluster.stat().st_uid}:
        return fail(
            f"{cluster} belongs to user id {cluster.stat().st_uid}, this is user id {os.geteuid()}",
            "run the service and doctor as the user that it was made by, or change the owner with chown -R",
        )
    return approve("its files are of the version that is installed")


def check_port(subject: Subject) -> Finding:
    """The port of the API is taken by another program, or the address is none of this machine."""
    host, port = subject.settings.host, subject.settings.port
    try:
        bind(host, port).close()
    except (ConfigurationError, OSError) as error:
        is_taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
        if is_taken and _is_ours(host, port):
            return approve(f"the service answers at {host}:{port}")
        what = str(error).rpartition("PORT: ")[2]
        return fail(
            f"{what}, and no Signalpost answers there" if is_taken else what,
            "stop that program, or set SIGNALPOST_PORT or SIGNALPOST_HOST",
        )
    return approve(f"{host}:{port} is free" if port else "any free one is taken")


def _is_ours(host: str, port: int) -> bool:
    asked = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=ASK_SECONDS)
    try:
        asked.request("GET", "/healthz")
        return json.loads(asked.getresponse().read(10_000)).get("status") in {"alive", "stuck"}
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return False
    finally:
        asked.close()


def check_open_files(subject: Subject) -> Finding:
    """A process may open too few files for the connections that it makes when it is busy."""
    most = find_most()
    wanted = TO_CALLBACKS + TO_PROVIDERS + subject.settings.database_connections + FILES_BESIDES
    told = "no limit" if most is None else f"{most:,} may be open"
    remedy = (
        "raise the hard limit (ulimit -Hn) to 65536: in limits.conf, or by LimitNOFILE in a unit of systemd"
    )
    if most is None or most >= wanted:
        return approve(told)
    judge = fail if most < FEWEST_FILES else warn
    return judge(f"{told}; a busy process opens up to {wanted:,}", remedy)


def check_time_zones(_: Subject) -> Finding:
    """The time zone data is missing, which dates with a zone's name are read by."""
    try:
        ZoneInfo("America/Denver")
    except (LookupError, OSError, ValueError):
        return fail("time zones cannot be read", "install the package tzdata, of the system or by pip")
    return approve("time zones can be read")


def check_interpreter(_: Subject) -> Finding:
    """Python was compiled without the optimisation that ready-made ones have: all takes more of the processor."""
    version = platform.python_version()
    if is_optimised():
        return approve(f"Python {version}")
    return warn(
        f"Python {version} was compiled without --enable-optimizations",
        "run the service with the Python of your system or of the image, or compile it with that option",
    )


MACHINE: tuple[Check, ...] = (
    check_data_directory,
    check_disk,
    check_embedded_database,
    check_port,
    check_open_files,
    check_time_zones,
    check_interpreter,
)
