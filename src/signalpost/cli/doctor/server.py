"""Checks of the database and of who works on it."""

from __future__ import annotations

from signalpost.cli.doctor.findings import (
    Check,
    Finding,
    Subject,
    approve,
    fail,
    list_some,
    refuse,
    skip,
    warn,
)
from signalpost.model.errors import ConfigurationError
from signalpost.store import troubles
from signalpost.store.checkup import Checkup
from signalpost.store.database import read_newest

MOST_SKEW_SECONDS = 60
"""Receivers refuse signatures that are minutes off."""
LATE_SECONDS = 60
"""What is due longer than that waits for somebody who does not come."""
START_IT = "start it: signalpost serve, or signalpost worker"


async def check_database(subject: Subject) -> Finding:
    """The database cannot be reached, or does not let us in."""
    assert subject.database is not None
    try:
        pool = await subject.database.open_pool(size=1)
    except ConfigurationError as error:
        return refuse(error, "check host and port, and that PostgreSQL runs there")
    subject.checkup = Checkup(pool)
    major, _ = await subject.checkup.read_tables()
    where = "embedded" if subject.settings.database_url is None else "yours"
    return approve(f"PostgreSQL {major} answers ({where})")


async def check_sessions(subject: Subject) -> Finding:
    """A pooler in transaction mode stands before the database, and no address past it is given.

    `SIGNALPOST_DATABASE_DIRECT_URL` is not set, or leads to the pooler as well.
    """
    assert subject.database is not None
    try:
        await subject.database.check_sessions()
    except ConfigurationError as error:
        what, _, advice = str(error).partition(": set ")
        return (
            fail(what, f"set {advice}")
            if advice
            else refuse(error, "set SIGNALPOST_DATABASE_DIRECT_URL right")
        )
    return approve("what needs a session gets one")


async def check_database_version(subject: Subject) -> Finding:
    """The server's PostgreSQL is too old."""
    assert subject.checkup is not None
    major, _ = await subject.checkup.read_tables()
    try:
        troubles.check_version(major)
    except ConfigurationError as error:
        return refuse(error, f"use PostgreSQL {troubles.OLDEST_SUPPORTED} or newer")
    return approve(f"PostgreSQL {major}")


async def check_encoding(subject: Subject) -> Finding:
    """The database is not in UTF8: not all texts that providers send can be stored."""
    assert subject.checkup is not None
    encoding = (await subject.checkup.read_server()).encoding
    try:
        troubles.check_encoding(encoding)
    except ConfigurationError as error:
        return refuse(error, "make a database in UTF8")
    return approve(encoding)


async def check_writes(subject: Subject) -> Finding:
    """The database takes no writes: a standby, or switched to read-only."""
    assert subject.checkup is not None
    if (await subject.checkup.read_server()).read_only:
        return fail(troubles.READ_ONLY.what, troubles.READ_ONLY.remedy)
    return approve("it takes writes")


async def check_rights(subject: Subject) -> Finding:
    """Our user does not own the tables, or may make none: partitions cannot be made and dropped as time goes on."""
    assert subject.checkup is not None
    rights = await subject.checkup.read_rights()
    remedy = "make the user the owner: ALTER DATABASE NAME OWNER TO USER, and REASSIGN OWNED BY OTHER TO USER in it"
    if not rights.may_create:
        return fail(f"the user {rights.user} may make no tables in the schema {rights.schema}", remedy)
    if rights.foreign:
        return fail(f"the user {rights.user} does not own the tables {list_some(rights.foreign)}", remedy)
    return approve(f"the user {rights.user} may do what is needed")


async def check_tables(subject: Subject) -> Finding:
    """The tables are of an older release, or of a newer one than this."""
    assert subject.checkup is not None
    assert subject.database is not None
    _, version = await subject.checkup.read_tables()
    newest = read_newest()
    try:
        troubles.check_tables(version, newest, subject.database.setting)
    except ConfigurationError as error:
        what, _, advice = str(error).rpartition(": ")
        return fail(what, advice)
    if version is None:
        return warn("there are no tables yet", "the next start makes them, or: signalpost migrate")
    if version < newest:
        return warn(
            f"the tables ({version}) are of an older release than this one ({newest})",
            "stop what still runs of the older release; the next start makes them newer, or: signalpost migrate",
        )
    return approve(f"they are of this release ({version})")


async def check_connections(subject: Subject) -> Finding:
    """The database allows fewer connections than the processes may open.

    What counts is `max_connections`, or a limit of the user or of the database.
    """
    assert subject.checkup is not None
    each = subject.settings.database_connections
    if subject.settings.database_direct_url is not None:
        return skip("a pooler shares them")
    allowed = await subject.checkup.read_allowed()
    # How many processes serve the API alone is not known: they give no sign of life.
    processes = max((await subject.checkup.read_pulse(subject.settings.lease_seconds)).alive, 1)
    told = f"{allowed.least} are allowed, {processes} x {each} may be opened"
    if allowed.least < processes * each:
        raising = "raise max_connections of the server (or the limit of its user or database), or "
        is_embedded = subject.settings.database_url is None
        return fail(told, f"{'' if is_embedded else raising}lower SIGNALPOST_DATABASE_CONNECTIONS")
    return approve(told)


async def check_stored_secrets(subject: Subject) -> Finding:
    """What is stored was encrypted with a key that is not given now."""
    assert subject.checkup is not None
    if subject.vault is None:
        return skip("there is no key to try")
    sealed, lost = await subject.checkup.read_sealed(), 0
    for _, each in sealed:
        try:
            subject.vault.unseal_once(each)
        except ConfigurationError:
            lost += 1
    if lost:
        return fail(
            f"{lost} of {len(sealed)} stored secrets that were tried cannot be decrypted with the keys that are given",
            "put the key that they were encrypted with behind the others in SIGNALPOST_ENCRYPTION_KEYS",
        )
    return approve(f"{len(sealed)} were tried" if sealed else "nothing is stored yet")


async def check_clock(subject: Subject) -> Finding:
    """The clocks of this machine and of the database differ by more than a minute."""
    assert subject.checkup is not None
    skew_seconds = ((await subject.checkup.read_server()).now - subject.now()).total_seconds()
    if abs(skew_seconds) > MOST_SKEW_SECONDS:
        return warn(
            f"the database's clock is {abs(skew_seconds):,.0f} s {'ahead of' if skew_seconds > 0 else 'behind'} this"
            " machine's; what is due and signed goes by the database's",
            "set both by a time server (NTP)",
        )
    return approve("the database's is this machine's, within a minute")


async def check_workers(subject: Subject) -> Finding:
    """No worker gives a sign of life: nothing is polled or delivered."""
    assert subject.checkup is not None
    pulse = await subject.checkup.read_pulse(subject.settings.lease_seconds)
    if pulse.alive:
        return approve(f"{pulse.alive} alive")
    if pulse.silent_seconds is not None:
        return warn(f"none is alive; the last was heard of {pulse.silent_seconds:,.0f} s ago", START_IT)
    return warn("none is alive", START_IT) if subject.instances else skip("there is nothing to do yet")


async def check_polls_late(subject: Subject) -> Finding:
    """Polls wait for more than a minute: no worker has the role `poll`, or there are too few."""
    return await _judge_late(subject, "poll")


async def check_deliveries_late(subject: Subject) -> Finding:
    """Notifications wait for more than a minute: no worker has the role `deliver`, or there are too few."""
    return await _judge_late(subject, "deliver")


async def _judge_late(subject: Subject, role: str) -> Finding:
    assert subject.checkup is not None
    pulse = await subject.checkup.read_pulse(subject.settings.lease_seconds)
    if not pulse.alive:
        return skip("no worker is alive")
    late_seconds = pulse.polls_late_seconds if role == "poll" else pulse.deliveries_late_seconds
    if late_seconds > LATE_SECONDS:
        return fail(
            f"what is due longest has been for {late_seconds:,.0f} s",
            f"start a worker with the role: signalpost worker --roles {role}; or another one, if there is one",
        )
    return approve("nothing waits for longer than it should")


DATABASE: tuple[Check, ...] = (
    check_database,
    check_sessions,
    check_database_version,
    check_encoding,
    check_writes,
    check_rights,
    check_tables,
)
"""They need the database alone, and come in this order."""

STORED: tuple[Check, ...] = (
    check_connections,
    check_stored_secrets,
    check_clock,
    check_workers,
    check_polls_late,
    check_deliveries_late,
)
"""They read our tables."""
