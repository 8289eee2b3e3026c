"""One examination: the checks in their order, each bounded, what stands on a failed one skipped."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from importlib.metadata import entry_points

from signalpost.cli.doctor.configured import CONFIGURED, check_connectors, check_settings
from signalpost.cli.doctor.findings import (
    RUN_AS,
    Check,
    Finding,
    Subject,
    Verdict,
    fail,
    name_check,
    refuse,
    skip,
)
from signalpost.cli.doctor.instances import INSTANCES
from signalpost.cli.doctor.machine import MACHINE
from signalpost.cli.doctor.network import NETWORK
from signalpost.cli.doctor.server import DATABASE, STORED
from signalpost.connectors.registry import ENTRY_POINT_GROUP, PROBE_SECONDS
from signalpost.model.errors import ConfigurationError, SignalpostError
from signalpost.settings import Settings
from signalpost.store.database import read_connect_arguments
from signalpost.store.embedded import find_running
from signalpost.store.troubles import find_trouble, fit
from signalpost.wiring.database import DIRECT_URL, ReachedDatabase

CHECK_SECONDS = 5.0
"""How long a check may take."""
SLOW = "it took too long, and was given up"
TOO_SLOW = "what was looked at before took too long"
NOT_REACHED = "the database cannot be reached"

GROUPS: dict[str, tuple[Check, ...]] = {
    "Settings": CONFIGURED,
    "Machine": MACHINE,
    "Database": DATABASE,
    "What is stored, and who works on it": STORED,
    "Instances": INSTANCES,
    "Network": NETWORK,
}

Findings = dict[str, Finding]


async def examine(settings: Settings, now: Callable[[], datetime], *, online: bool) -> Findings:
    """Make all checks; give what they found, by name. Nothing is changed, whatever is found."""
    subject = Subject(settings, now)
    settled = await _run_one(check_settings, subject)
    if settled.verdict is Verdict.FAILURE:
        return end_at_settings(settled)
    findings = {name_check(check_settings): settled}
    for group in (CONFIGURED, MACHINE):
        findings |= await _run([each for each in group if each is not check_settings], subject)
    try:
        findings |= await _examine_database(subject)
        findings |= await _examine_stored(subject, findings)
        if not online:
            return findings | _skip_all(NETWORK, "asked with --online alone")
        return findings | await _run_at_once(NETWORK, subject)
    finally:
        if subject.checkup is not None:
            subject.checkup.close()


def end_at_settings(found: Finding) -> Findings:
    """Give what is found where the settings cannot be read: all else would be told of other values than are meant."""
    others = [each for group in GROUPS.values() for each in group if each is not check_settings]
    return {name_check(check_settings): found} | _skip_all(others, "the settings cannot be read")


async def _examine_database(subject: Subject) -> Findings:
    try:
        subject.database = _reach(subject.settings)
    except ConfigurationError as error:
        findings = {name_check(DATABASE[0]): refuse(error, "set it right")}
        return findings | _skip_all(DATABASE[1:], NOT_REACHED)
    if subject.database is None:
        return _skip_all(
            DATABASE, "the embedded database is not running: start signalpost serve, then ask again"
        )
    findings = await _run(DATABASE[:1], subject)
    if findings[name_check(DATABASE[0])].verdict is Verdict.FAILURE:
        return findings | _skip_all(DATABASE[1:], NOT_REACHED)
    return findings | await _run(DATABASE[1:], subject)


def _reach(settings: Settings) -> ReachedDatabase | None:
    """Say how the database is reached; None: it is the embedded one, and does not run. It is not started."""
    if settings.database_url is None:
        running = find_running(settings.data_dir)
        return None if running is None else ReachedDatabase(running)
    direct = settings.database_direct_url
    return ReachedDatabase(
        read_connect_arguments(settings.database_url.get_secret_value()),
        None if direct is None else read_connect_arguments(direct.get_secret_value(), DIRECT_URL),
    )


async def _examine_stored(subject: Subject, findings: Findings) -> Findings:
    database, tables = (findings[name_check(each)] for each in (DATABASE[0], DATABASE[-1]))
    if subject.checkup is None or database.verdict is not Verdict.OK:
        reason = NOT_REACHED if database.verdict is Verdict.FAILURE else database.message
        return _skip_all((*STORED, *INSTANCES), reason)
    if tables.verdict is not Verdict.OK:
        return _skip_all((*STORED, *INSTANCES), "the tables are not there, or not of this release")
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            subject.instances = await subject.checkup.read_instances()
    except Exception as error:  # noqa: BLE001 - told as that of a check
        return await _run(STORED, subject) | _skip_all(
            INSTANCES, f"they cannot be read: {_tell(error, subject).message}"
        )
    return await _run((*STORED, *INSTANCES), subject)


async def _run(checks: Iterable[Check], subject: Subject) -> Findings:
    """Run checks one after the other; once one was too slow, what follows is skipped: it would be as well."""
    findings: Findings = {}
    for check in checks:
        is_slow = any(each.message == SLOW for each in findings.values())
        findings[name_check(check)] = skip(TOO_SLOW) if is_slow else await _run_one(check, subject)
    return findings


async def _run_at_once(checks: Iterable[Check], subject: Subject) -> Findings:
    chosen = list(checks)
    found = await asyncio.gather(*(_run_one(check, subject) for check in chosen))
    return {name_check(check): each for check, each in zip(chosen, found, strict=True)}


async def _run_one(check: Check, subject: Subject) -> Finding:
    try:
        async with asyncio.timeout(_find_limit_seconds(check)):
            if inspect.iscoroutinefunction(check):
                found: Finding = await check(subject)
                return found
            return await asyncio.wrap_future(_start(check, subject))
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide what the others find
        return _tell(error, subject)


def _find_limit_seconds(check: Check) -> float:
    """Say how long a check may take; to load the connectors of other packages, as long as the service gives them."""
    packages = len(entry_points(group=ENTRY_POINT_GROUP)) if check is check_connectors else 0
    return CHECK_SECONDS + packages * PROBE_SECONDS


def _start(check: Check, subject: Subject) -> Future[Finding]:
    """Call a check in a thread that nobody waits for at the end: a file system may hang."""
    future: Future[Finding] = Future()
    future.set_running_or_notify_cancel()

    def call() -> None:
        try:
            found = check(subject)
            assert isinstance(found, Finding)
            future.set_result(found)
        except BaseException as error:  # noqa: BLE001 - handed on
            future.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return future


def _tell(error: BaseException, subject: Subject) -> Finding:
    """Make a finding of an error. Words of others than ours are left out: they may hold secrets."""
    if isinstance(error, SignalpostError):
        return refuse(error, "see what is wrong there")
    trouble = find_trouble(error)
    if trouble is not None and not isinstance(error, TimeoutError):
        told = trouble if subject.database is None else fit(trouble, subject.database.setting)
        return fail(told.what, told.remedy)
    if isinstance(error, TimeoutError):
        return fail(SLOW, "see what keeps it busy: a file system, a name server, the database")
    if isinstance(error, PermissionError):
        return fail(f"{error.filename or 'what is there'} is closed to this user", RUN_AS)
    return fail(f"it could not be looked at ({type(error).__name__})", "tell the makers of Signalpost")


def _skip_all(checks: Iterable[Check], reason: str) -> Findings:
    return {name_check(each): skip(reason) for each in checks}
