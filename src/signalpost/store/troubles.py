"""What a database can do to us, in words: which errors of the driver are its trouble and no fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from traceback import walk_tb

import asyncpg

from signalpost.model.errors import ConfigurationError

DATABASE_URL = "SIGNALPOST_DATABASE_URL"
EMBEDDED = "SIGNALPOST_DATA_DIR"
"""The settings that say where the database is; the second where it is the embedded one."""

OLDEST_SUPPORTED = 14
ENCODING = "UTF8"
CLOSED = (" closed", " closing", " released back to the pool")
"""Words of a connection that has ended; of a pool, where that was between two statements of whoever has it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """``what`` it is, which may be shown to anybody, and the ``remedy``, for whoever runs the service."""

    what: str
    remedy: str


UNREACHABLE = Trouble("the database cannot be reached", "check host and port, and that PostgreSQL runs there")
NOT_POSTGRESQL = Trouble(
    "what answers is no PostgreSQL, or has not the TLS that is asked for", "check host, port and sslmode"
)
SLOW = Trouble("the database does not answer in time", "check host and port, and what keeps PostgreSQL busy")
READ_ONLY = Trouble(
    "the database takes no writes: it is a standby, or default_transaction_read_only is on",
    "name the primary, or switch default_transaction_read_only off",
)
NOT_OPEN = Trouble(
    "the database lets nobody in: it takes no connections, or is a broken one",
    "if it was closed: ALTER DATABASE NAME ALLOW_CONNECTIONS true; if its removal broke off: restore it from a backup",
)
PARAMETER = Trouble(
    "the database refuses a parameter that stands behind the ? of its URL",
    "leave out what is no setting of PostgreSQL, such as connect_timeout and channel_binding",
)
TLS_FILE = Trouble(
    "a file of certificates or keys that its URL names cannot be read",
    "check sslrootcert, sslcert and sslkey",
)
CERTIFICATES = {
    10: Trouble("the certificate of the database has expired", "renew it on the server"),
    62: Trouble(
        "the certificate of the database is for another host",
        "name the host as the certificate does, or set sslmode=verify-ca",
    ),
}
"""What keeps a certificate from being good, by OpenSSL's numbers."""
CERTIFICATES[64] = CERTIFICATES[62]  # the host is an IP address

UNTRUSTED = Trouble(
    "the certificate of the database is of no authority that is trusted",
    "let sslrootcert name the certificate of the authority that issued it",
)
NO_TABLES = Trouble("the database's tables are older than this release", "run: signalpost migrate")

REFUSED = Trouble(
    "the database refuses the user or the password",
    "set both right, and let the user in by the server's pg_hba.conf",
)
FULL = Trouble(
    "the database has no connection left",
    "raise max_connections of the server, or lower SIGNALPOST_DATABASE_CONNECTIONS of the processes on it",
)

OF_EMBEDDED = {
    UNREACHABLE: Trouble(
        UNREACHABLE.what, "if the service that runs it was stopped just now, run this again; else see its log"
    ),
    SLOW: Trouble(SLOW.what, "see what keeps this machine busy: its processor, memory or disk"),
    REFUSED: Trouble(
        "the embedded database does not let us in", "run this as the user that runs signalpost serve"
    ),
    FULL: Trouble(
        FULL.what,
        "end what else is connected to it, as psql or pg_dump, or lower SIGNALPOST_DATABASE_CONNECTIONS of the service",
    ),
}
"""What is told of the embedded database instead: nobody sets its host, its users or its max_connections."""

KINDS: tuple[tuple[type[Exception], Trouble], ...] = (
    (asyncpg.InvalidAuthorizationSpecificationError, REFUSED),
    (
        asyncpg.InvalidCatalogNameError,
        Trouble("the server has no database of this name", "make it: createdb --owner USER NAME"),
    ),
    (asyncpg.TooManyConnectionsError, FULL),
    (asyncpg.ReadOnlySQLTransactionError, READ_ONLY),
    (asyncpg.TargetServerAttributeNotMatched, READ_ONLY),
    (
        asyncpg.InsufficientPrivilegeError,
        Trouble(
            "the database does not allow its user what is needed",
            "make the user its owner: ALTER DATABASE NAME OWNER TO USER",
        ),
    ),
    (asyncpg.DiskFullError, Trouble("the database's disk is full", "make room on it")),
    (
        asyncpg.InsufficientResourcesError,
        Trouble("the database is short of memory or another resource", "see the log of PostgreSQL"),
    ),
    (
        asyncpg.CannotConnectNowError,
        Trouble("the database is starting or stopping", "try again once PostgreSQL is up"),
    ),
    (asyncpg.QueryCanceledError, SLOW),
    # By a lock_timeout or a transaction_timeout of the server's.
    (asyncpg.LockNotAvailableError, SLOW),
    (asyncpg.TransactionTimeoutError, SLOW),
    (asyncpg.OperatorInterventionError, UNREACHABLE),
    # What a pooler has to say itself, it says as a violation of the protocol.
    (
        asyncpg.ProtocolViolationError,
        Trouble(
            "the pooler before the database refuses us, or does not reach it",
            "see the pooler's log; in transaction mode set SIGNALPOST_DATABASE_DIRECT_URL",
        ),
    ),
    (asyncpg.PostgresConnectionError, UNREACHABLE),
    (
        asyncpg.PostgresSystemError,
        Trouble("the database cannot read or write its files", "see the log of PostgreSQL"),
    ),
    (asyncpg.IdleInTransactionSessionTimeoutError, UNREACHABLE),
    # The driver tells a server that goes away amid a question as an internal error of its own.
    (asyncpg.InternalClientError, UNREACHABLE),
    (TimeoutError, SLOW),
    (OSError, UNREACHABLE),
)
"""The first that fits counts."""

UNREAD = (
    (
        "root certificate",
        (
            "sslmode=verify-full and verify-ca need the certificates that are trusted, as in"
            " ?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"
        ),
    ),
    ("`sslmode`", "sslmode is disable, allow, prefer, require, verify-ca or verify-full"),
    (
        "",
        (
            "right would be postgresql://user:password@host:5432/database, with characters such as @ : / # % in the"
            " password percent-encoded"
        ),
    ),
)
"""What is wrong with a URL, by words of the driver: the first that is found counts."""


AT_THE_DOOR: dict[type[BaseException], Trouble] = {
    asyncpg.ObjectNotInPrerequisiteStateError: NOT_OPEN,
    asyncpg.UndefinedObjectError: PARAMETER,
    asyncpg.InvalidParameterValueError: PARAMETER,
    asyncpg.CantChangeRuntimeParamError: PARAMETER,
}
"""What they tell where a connection is refused."""

UNREAD_ON_STANDBY = "get_relation_info"
"""Which function of PostgreSQL refuses tables that are not logged, as the queue's, on a standby: its words may be of
another language, and other errors have the same code."""


def find_trouble(error: BaseException | None) -> Trouble | None:
    """Say which trouble of the database an error tells of, or that which it came from; None: it tells of another.

    Errors of the network are those of the database only where they came from its driver.
    """
    while error is not None:
        trouble = _judge(error)
        if trouble is not None:
            return trouble
        error = error.__cause__
    return None


def fit(trouble: Trouble, setting: str) -> Trouble:
    """Give a trouble in the words for the database that ``setting`` says: what to do can be done with it."""
    return OF_EMBEDDED.get(trouble, trouble) if setting == EMBEDDED else trouble


def _judge(error: BaseException) -> Trouble | None:
    if isinstance(error, asyncpg.InterfaceError):  # most are faults of ours
        return UNREACHABLE if any(word in str(error) for word in CLOSED) else None
    if getattr(error, "server_source_function", None) == UNREAD_ON_STANDBY:
        return READ_ONLY
    if isinstance(error, OSError):
        return _judge_system(error)
    if type(error) in AT_THE_DOOR:  # of a statement it is a fault of ours
        return AT_THE_DOOR[type(error)] if getattr(error, "severity_en", None) == "FATAL" else None
    return next((trouble for kind, trouble in KINDS if isinstance(error, kind)), None)


def _judge_system(error: OSError) -> Trouble | None:
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    if not any(frame.f_globals.get("__name__", "").startswith("asyncpg.") for frame in frames):
        return None
    if isinstance(error, SSLCertVerificationError):
        return CERTIFICATES.get(error.verify_code, UNTRUSTED)
    if type(error) is ConnectionError:  # so the driver tells of an answer that PostgreSQL does not give
        return NOT_POSTGRESQL
    # The driver opens no files itself but those, as it reads the URL; sockets are opened below it.
    if frames[-1].f_globals["__name__"] == "asyncpg.connect_utils" and not isinstance(
        error, ConnectionError | TimeoutError
    ):
        return TLS_FILE
    return next(trouble for kind, trouble in KINDS if isinstance(error, kind))


def check_version(major: int, setting: str = DATABASE_URL) -> None:
    """Refuse a server that is too old; ``setting`` says where it is.

    Raises:
        ConfigurationError: it is.
    """
    if major < OLDEST_SUPPORTED:
        message = f"{setting}: PostgreSQL {major} is too old: {OLDEST_SUPPORTED} or newer is needed"
        raise ConfigurationError(message)


def check_encoding(encoding: str, setting: str = DATABASE_URL) -> None:
    """Refuse a database that cannot hold every text, or does not know what its texts are.

    Raises:
        ConfigurationError: it does not.
    """
    if encoding != ENCODING:
        message = (
            f"{setting}: the database cannot hold all texts, its encoding is {encoding}; make one with"
            f" createdb --encoding {ENCODING} --template template0, and move what is there by pg_dump and pg_restore"
        )
        raise ConfigurationError(message)


def check_tables(version: str | None, newest: str, setting: str = DATABASE_URL) -> None:
    """Refuse tables that a newer release made: this one would not know what it leaves out or breaks.

    Args:
        version: of the database's tables; None: it has none yet.
        newest: the version that this release makes.
        setting: where the database comes from.

    Raises:
        ConfigurationError: they are newer.
    """
    if version is not None and version > newest:
        message = (
            f"{setting}: the database's tables ({version}) are of a newer release than this one"
            f" ({newest}): start that release, or go back to a backup from before it"
        )
        raise ConfigurationError(message)


@contextmanager
def tell_plainly(setting: str = DATABASE_URL) -> Iterator[None]:
    """Tell what keeps us from starting in one line; ``setting`` says where the database is.

    Raises:
        ConfigurationError: in place of an error of the database. What the driver says is left out: it may repeat
            parts of the URL, and so of the password.
    """
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:
        # A certificate that is not trusted is told as an error of the value and of the system.
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            right = next(right for word, right in UNREAD if word in str(error))
            raise ConfigurationError(f"{setting} cannot be read: {right}") from error
        trouble = find_trouble(error)
        if trouble is None:
            raise
        told = fit(trouble, setting)
        message = f"{setting}: {told.what}; {told.remedy}"
        raise ConfigurationError(message) from error
