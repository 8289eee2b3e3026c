"""Where a connector's code is called: whatever it raises, gives or waits for ends as an error of that connector.

Of what it raised only the kind is told and logged, with the lines of code that led there: its words may hold anything,
a secret among them.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any, TypeVar

from signalpost.connectors.base import Connector
from signalpost.connectors.soundness import find_wrong
from signalpost.model.errors import (
    ConnectorError,
    DatabaseLostError,
    FencedError,
    InvalidRequestError,
    SignalpostError,
)
from signalpost.observe.logs import get_logger
from signalpost.outbound.deadlines import Deadlines

READ_SECONDS = 600.0
"""How long a connector may take for one step, as to read a page: that is several calls, with the waits before them."""

FAULT = "the connector failed: "
"""How the message begins where it was no error made on purpose."""

Given = TypeVar("Given")

log = get_logger("connectors")


class contain:  # noqa: N801 - reads as the verb it is, in a with statement
    """Turn what a connector raises within the block, and should not, into a ConnectorError; ``step`` names what it did.

    A class, as there are six for each poll: by ``contextlib`` each takes three times as long.

    Raises:
        SignalpostError: the connector raised it on purpose; or ConnectorError in the place of anything else.
        DatabaseLostError: what is ours in the step, as the renewal of its token, met that.
    """

    __slots__ = ("_step",)

    def __init__(self, step: str) -> None:
        self._step = step

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is None or not _is_fault(error):
            return
        name = type(error).__name__
        code = "".join(traceback.format_tb(where))
        log.error("connector.failed", step=self._step, kind=name, exception=code)
        message = f"{FAULT}{self._step} raised {name}"
        raise ConnectorError(message) from None


def _is_fault(error: BaseException) -> bool:
    """Say whether the connector fails; else it means to, it is the database, this process stops, or nobody waits."""
    if isinstance(error, (SignalpostError, DatabaseLostError)):
        # All others are raised on purpose; that somebody moved a row of ours on is no news of a provider.
        return isinstance(error, FencedError)
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and not task.cancelling()
    return isinstance(error, (Exception, SystemExit))


@contextmanager
def contain_configuration(connector: Connector, step: str) -> Iterator[None]:
    """Contain a step of which a configuration decides: what the connector fails at is told as wrong in that.

    Raises:
        InvalidRequestError: the connector says that a value is wrong; or it failed, which the message says.
    """
    try:
        with contain(step):
            yield
    except ConnectorError as error:
        message = f"configuration: {connector.name} cannot be had with it: {error}"
        raise InvalidRequestError(message) from error


def find_host_to_call(connector: Connector, configuration: Mapping[str, str]) -> str:
    """Have the connector say where its provider is, of an instance that is there.

    Raises:
        SignalpostError: as ``contain``; ConnectorError as well when it gave something else.
    """
    with contain("find_host"):
        return check("find_host", connector.find_host(configuration), str)


def find_host(connector: Connector, configuration: Mapping[str, str]) -> str:
    """The same of a configuration that somebody asks for, who is told what is wrong in it.

    Raises:
        InvalidRequestError: the connector says that a value is wrong; or it failed, which the message says.
    """
    with contain_configuration(connector, "find_host"):
        return find_host_to_call(connector, configuration)


async def guard(owner: Any, method: str, kind: type[Given], *arguments: Any, **named: Any) -> Given:
    """Call a ``method`` of what a connector gave, and check that it gives a sound ``kind``, ``READ_SECONDS`` at most.

    Raises:
        SignalpostError: as ``contain``; ConnectorError as well when it took too long, or gave something else.
    """
    step = f"{type(owner).__name__}.{method}"
    limit = _find_deadlines(asyncio.get_running_loop(), READ_SECONDS).start()
    with contain(step):
        try:
            with limit:
                given = await getattr(owner, method)(*arguments, **named)
        except TimeoutError:
            if not limit.has_passed:
                raise
            log.error("connector.failed", step=step, kind="hangs")  # noqa: TRY400 - nothing raised it
            message = f"the connector hangs: {step} gave nothing within {READ_SECONDS:g} s"
            raise ConnectorError(message) from None
        return check(step, given, kind)


@lru_cache(maxsize=1)
def _find_deadlines(_loop: asyncio.AbstractEventLoop, seconds: float) -> Deadlines:
    """Give the limits of all steps in this event loop, the only one that a process has."""
    return Deadlines(seconds)


def check(step: str, given: Any, kind: type[Given]) -> Given:
    """Check that what a connector gave is a sound ``kind``.

    Raises:
        ConnectorError: it is another kind, or something in it is; the message names it.
    """
    wrong = "" if isinstance(given, kind) else f"{type(given).__name__} in the place of {kind.__name__}"
    wrong = wrong or next(find_wrong(given, kind), "")
    if wrong:
        log.error("connector.failed", step=step, kind=wrong)
        message = f"{FAULT}{step} gave {wrong}"
        raise ConnectorError(message)
    return given  # type: ignore[no-any-return]
